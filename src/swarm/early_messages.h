// What a peer says before the torrent's metadata is there (BEP 9): its extension messages are heard at once, and all
// that will matter later (its pieces, its interest, its extension handshake) is kept as it came, bounded, so that the
// swarm can read it as if it came then. Thread: its worker's; `room` is shared by all connections of a torrent.
// Invariant: kept bytes are whole messages, in order; with what Take adds, the stream goes on just behind them.
#ifndef TORRENT_SWARM_EARLY_MESSAGES_H_
#define TORRENT_SWARM_EARLY_MESSAGES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wire/message.h"

namespace torrent {

class EarlyMessages {
 public:
  // `room`: bytes that may still be kept, kMaxEarlyBytes at first.
  EarlyMessages(std::atomic<int64_t>* room, bool fast);
  // Gives its room back.
  ~EarlyMessages();

  using OnExtended = std::function<absl::Status(uint8_t extended_id, absl::string_view payload)>;
  // Bytes as they came. Calls `on_extended` for each extended message that is whole. InvalidArgument for what no peer
  // may send (wire::StatusOf; blocks again and again, which nobody asked for); the errors of `on_extended`.
  absl::Status Feed(absl::Span<const uint8_t> bytes, const OnExtended& on_extended);

  // Whether Take has all that counts: false once there was no room for it, and in the middle of what is left out.
  bool complete() const { return !overflown_ && skip_ == 0; }
  // What was kept, and the beginning of a message whose rest is still to come.
  std::string Take() { return std::move(kept_) + message_; }

 private:
  absl::Status BeginMessage(const wire::Message& head, const OnExtended& on_extended);
  absl::Status EndMessage(const OnExtended& on_extended);
  bool Reserve(size_t bytes);

  std::atomic<int64_t>* const room_;
  wire::MessageRules rules_;
  int64_t reserved_ = 0;
  bool overflown_ = false;
  int blocks_ = 0;
  std::string kept_;
  std::string message_;   // the one that is coming, from its first byte
  wire::Message head_;    // of it, once that is there
  uint32_t missing_ = 0;  // bytes of its payload
  uint32_t skip_ = 0;     // bytes of a message that is left out
};

}  // namespace torrent

#endif  // TORRENT_SWARM_EARLY_MESSAGES_H_
