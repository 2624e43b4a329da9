// The one thread that syncs: some seconds after something changed it asks a torrent what is written, forces its files
// onto the disk, and only then saves the resume record that says so. Thread: its own ("sync"), one a session; the
// public methods may be called from anywhere but its callbacks. Invariant: a piece is in a saved record only if its
// bytes were synced after they were written.
#ifndef TORRENT_STORAGE_CHECKPOINT_H_
#define TORRENT_STORAGE_CHECKPOINT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "storage/file_store.h"
#include "storage/record_file.h"
#include "storage/resume_record.h"

namespace torrent {

// A torrent as the sync thread sees it. Calls come one at a time, on the sync thread; the first Snapshot on the thread
// that registers.
class CheckpointSource {
 public:
  virtual ~CheckpointSource() = default;
  // What is written now: `pieces` (written, not merely verified), `unfinished` (blocks on disk), the totals and
  // `extra`. The rest is filled in by the checkpoint.
  virtual void Snapshot(ResumeRecord* record) = 0;
  // These pieces (one bit a piece) are on the disk and in the record.
  virtual void OnSynced(const std::vector<bool>& pieces) = 0;
  // The record that was there is there still. It is tried again by itself, except that a torrent's files once lost
  // (FileStore::SyncDirty) stay lost.
  virtual void OnCheckpointError(const absl::Status& error) = 0;
};

struct CheckpointOptions {
  Duration after_change = kCheckpointInterval;
  Duration writeback_every = kWritebackInterval;
};

class Checkpointer {
 public:
  // One registered torrent. Destroying it waits for a checkpoint of its own that is under way.
  class Entry {
   public:
    virtual ~Entry() = default;
    // Something was written: a checkpoint falls due. Cheap; any thread.
    virtual void NoteChange() = 0;
    // Checkpoints now and waits for it, until `deadline`. With `ended` the record says that the run ended well: nothing
    // may be written after. False: not done (an error, which the source heard, or too slow; then it may still come to
    // pass).
    virtual bool Flush(bool ended, TimePoint deadline) = 0;
  };

  static absl::StatusOr<std::unique_ptr<Checkpointer>> Start(const CheckpointOptions& options = {});
  // Ends the thread; all entries must be gone.
  ~Checkpointer();

  // Saves a first record that says `running`, on the calling thread, before the torrent writes anything: its error.
  // All three outlive the entry.
  absl::StatusOr<std::unique_ptr<Entry>> Add(CheckpointSource* source, FileStore* store, RecordFile* record);

 private:
  struct State;
  explicit Checkpointer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_CHECKPOINT_H_
