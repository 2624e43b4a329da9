// Puts blocks into the files from the receive buffers that they came in, runs of them side by side in one call.
// While the device takes them at once, whoever submits them writes them: what was received and hashed a moment ago is
// still in that core's cache, and no thread has to wake (one fast peer costs a sixth less CPU than with a hand-over). A
// slow write says that the device is busy; then, and after a full disk, blocks go through a queue to the device's own
// thread, so that no worker waits for a disk while its peer wants to be served. A sub-queue a torrent keeps a full disk
// or an error to the torrent that has it.
// Thread: one a device (`st_dev`), started on demand; it never syncs (storage/checkpoint does). Submit may be called
// from anywhere. Invariant: what was submitted is written, or queued, or dropped because of an error that was told.
#ifndef TORRENT_STORAGE_PIECE_WRITER_H_
#define TORRENT_STORAGE_PIECE_WRITER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/buffer_pool.h"
#include "base/clock.h"
#include "base/limits.h"
#include "storage/file_store.h"

namespace torrent {

// One accepted block: where it belongs, and its bytes in the buffers that they were received in.
struct BlockWrite {
  uint32_t piece_index = 0;
  uint32_t block = 0;
  uint64_t offset = 0;  // in the torrent
  uint32_t length = 0;
  struct Span {
    BufferRef buffer;
    uint32_t begin = 0;
    uint32_t length = 0;
  };
  absl::InlinedVector<Span, 2> spans;
};

// What a torrent hears from its writer, on the thread that wrote: short, never blocking. Several may speak at once.
class WriteObserver {
 public:
  virtual ~WriteObserver() = default;
  // These blocks are in their files (the kernel has them; they are not synced). Spans are released already.
  virtual void OnWritten(absl::Span<const BlockWrite> blocks) = 0;
  // The queue fell below half of its bound after HasRoom() was false.
  virtual void OnRoom() = 0;
  // ResourceExhausted: no room on the disk; what is held stays queued and is tried again by itself, OnRecovered follows
  // when it went in. Any other error is final: the rest of the queue is dropped, and so is what is submitted later.
  virtual void OnWriteError(const absl::Status& error) = 0;
  virtual void OnRecovered() = 0;
};

class PieceWriter {
 public:
  // A torrent's sub-queue. Destroying it drops what is queued and waits for a write of its own that is under way.
  class Queue;

  // How long a torrent that met a full disk waits before it tries again.
  struct Options {
    Duration first_retry = kDiskFullFirstRetry;
    Duration retry = kDiskFullRetry;
    // A write that took longer sends the next ones to the thread for a while; 0: all of them, always.
    Duration slow = kSlowWrite;
  };
  // ResourceExhausted when there is no thread.
  static absl::StatusOr<std::unique_ptr<PieceWriter>> Start();
  static absl::StatusOr<std::unique_ptr<PieceWriter>> Start(const Options& options);
  // Ends the thread; all queues must be gone.
  ~PieceWriter();

  std::unique_ptr<Queue> AddTorrent(FileStore* store, WriteObserver* observer, size_t bound_bytes);

 private:
  struct State;
  explicit PieceWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class PieceWriter::Queue {
 public:
  virtual ~Queue() = default;
  // Takes the blocks, over the bound too: who submits asks HasRoom before it reads more from its peer. Blocks for one
  // write at most, and not on a disk that was slow within the last second.
  virtual void Submit(std::vector<BlockWrite> blocks) = 0;
  virtual bool HasRoom() const = 0;
  // Waits until all that was submitted is written, or `deadline`; false when it was not (disk full, too slow, an
  // error).
  virtual bool Drain(TimePoint deadline) = 0;
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_PIECE_WRITER_H_
