// The sending half of a connection: control messages that wait for the stream, and at most one block on its way. A
// block goes from its file to the socket by sendfile where the stream can, through memory elsewhere. Thread: its
// worker's. Invariant: messages leave whole and in order; one that is begun is ended before another begins.
#ifndef TORRENT_SWARM_SENDER_H_
#define TORRENT_SWARM_SENDER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "net/stream.h"
#include "storage/file_store.h"

namespace torrent {

class Sender {
 public:
  Sender(Stream* stream, FileStore* files) : stream_(stream), files_(files) {}

  // Control messages are appended here; they leave at the next Flush, after the block that is on its way.
  std::string* out() { return &out_; }

  // Begins a block: [offset, offset + length) of the torrent, behind the control messages. Only when !block_pending().
  void StartBlock(uint32_t piece_index, uint32_t begin, uint32_t length, uint64_t offset);
  bool block_pending() const { return block_left_ > 0; }
  // Something waits for the stream to take it.
  bool pending() const { return out_begin_ < out_.size() || block_pending(); }
  size_t pending_bytes() const { return out_.size() - out_begin_; }

  // Sends what the stream takes now; `*sent` is how many bytes of the block left.
  // OK also when something is left over. Unavailable, Cancelled: the connection is at its end. DataLoss, NotFound and
  // the file system's own: the block's file is cut, gone or broken; its connection ends with it, because the head is
  // out.
  absl::Status Flush(size_t* sent);

 private:
  // Control messages, and with the same call the head of a block that waits behind them.
  absl::Status FlushControl(bool* blocked);
  absl::Status FlushHead(bool* blocked);
  absl::Status FlushPayload(size_t* sent, bool* blocked);

  Stream* const stream_;
  FileStore* const files_;
  std::string out_;
  size_t out_begin_ = 0;
  std::string head_;           // of the block: 13 bytes
  size_t head_begin_ = 0;      // bytes of it that left; the block has begun when there are any
  uint32_t block_left_ = 0;    // bytes of payload to come
  uint64_t block_offset_ = 0;  // of the next one, in the torrent
  FileRange range_;            // where it lies; lent as long as it is being sent
  std::string copy_;           // bytes read, for streams without SendFile and for pads
  size_t copy_begin_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_SENDER_H_
