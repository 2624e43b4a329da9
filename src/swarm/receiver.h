// The receiving half of the data path: bytes from the stream go into one pooled buffer and are parsed there, in place.
// A block's payload is never copied: it is named by spans of the buffers that it came in, which travel on to the hash
// and the writer. Other payloads (bitfield, extension messages) are collected, small as they are.
//
//   Receive ─► [ ...head|payload.........|head|payload....|he ]        one buffer, filled from the left
//                    └── span of a block ─┘    └─ span ──┘  └─ moves to the front of the next one
//
// Thread: its worker's. Invariant: between two calls of Receive every byte has been parsed but an incomplete head.
#ifndef TORRENT_SWARM_RECEIVER_H_
#define TORRENT_SWARM_RECEIVER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/buffer_pool.h"
#include "net/stream.h"
#include "storage/piece_writer.h"
#include "wire/message.h"

namespace torrent {

class Receiver {
 public:
  Receiver(Stream* stream, BufferPool* pool) : stream_(stream), pool_(pool) {}

  // Reads what the stream has, at most `limit` bytes and at most what the buffer takes. `size_class` (BufferPool) is
  // for the buffer that may have to be acquired. Only after Next answered kNothing.
  IoResult Receive(size_t limit, int size_class);
  // Whether the last Receive took less than it could have: the stream is empty now.
  bool drained() const { return drained_; }

  enum class Item {
    kNothing,    // all is parsed; Receive more
    kMessage,    // message() has no payload
    kPayload,    // message() is a bitfield or an extended message, payload() is whole
    kBlockHead,  // message() is the head of a `piece`: call KeepBlock or DropBlock
    kBlock,      // the block that was kept is whole: TakeBlock
    kError,      // message() is wrong: wire::StatusOf
  };
  Item Next(const wire::MessageRules& rules);
  const wire::Message& message() const { return message_; }
  // Until the next call of Next.
  absl::string_view payload() const { return payload_; }
  // `offset` is the block's in the torrent.
  void KeepBlock(uint32_t block, uint64_t offset);
  void DropBlock() { skip_ = message_.payload_bytes; }
  BlockWrite TakeBlock() { return std::move(block_); }

  // Gives the buffer back, if nothing but an incomplete head is in it: an idle peer holds none.
  void Rest();

 private:
  void MakeRoom(int size_class);

  Stream* const stream_;
  BufferPool* const pool_;
  BufferRef buffer_;
  uint32_t begin_ = 0;  // [begin_, end_) of the buffer is received and not parsed
  uint32_t end_ = 0;
  bool drained_ = false;
  std::string carried_;  // an incomplete head, while there is no buffer

  wire::Message message_;
  BlockWrite block_;
  uint32_t block_left_ = 0;    // bytes of block_ that are still to come
  uint32_t payload_left_ = 0;  // bytes of payload_ that are still to come
  uint32_t skip_ = 0;          // bytes that nobody wants
  std::string payload_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_RECEIVER_H_
