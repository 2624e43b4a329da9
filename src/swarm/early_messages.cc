#include "swarm/early_messages.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "swarm/our_handshakes.h"

namespace torrent {

using wire::MessageForm;
using wire::MessageId;

EarlyMessages::EarlyMessages(std::atomic<int64_t>* room, bool fast) : room_(room) {
  rules_.fast = fast;
  rules_.extended = true;
}

EarlyMessages::~EarlyMessages() { room_->fetch_add(reserved_); }

bool EarlyMessages::Reserve(size_t size) {
  const auto bytes = static_cast<int64_t>(size);
  if (overflown_) return false;
  if (reserved_ + bytes <= kMaxEarlyPeerBytes && room_->fetch_sub(bytes) >= bytes) {
    reserved_ += bytes;
    return true;
  }
  if (reserved_ + bytes <= kMaxEarlyPeerBytes) room_->fetch_add(bytes);
  // Part of what it said is worth nothing.
  overflown_ = true;
  kept_ = std::string();
  room_->fetch_add(reserved_);
  reserved_ = 0;
  return false;
}

absl::Status EarlyMessages::Feed(absl::Span<const uint8_t> bytes, const OnExtended& on_extended) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const size_t n = std::min<size_t>(skip_, bytes.size());
      bytes.remove_prefix(n);
      skip_ -= static_cast<uint32_t>(n);
    } else if (missing_ > 0) {
      const size_t n = std::min<size_t>(missing_, bytes.size());
      absl::StrAppend(&message_, AsText(bytes.subspan(0, n)));
      bytes.remove_prefix(n);
      missing_ -= static_cast<uint32_t>(n);
      if (missing_ == 0) RETURN_IF_ERROR(EndMessage(on_extended));
    } else {
      const size_t before = message_.size();
      const size_t n = std::min<size_t>(wire::kMaxHeadBytes - before, bytes.size());
      absl::StrAppend(&message_, AsText(bytes.subspan(0, n)));
      head_ = wire::PeekMessage(AsBytes(message_), rules_);
      if (head_.form == MessageForm::kError) return wire::StatusOf(head_, rules_);
      if (head_.form == MessageForm::kIncomplete) {
        bytes.remove_prefix(n);
        continue;
      }
      bytes.remove_prefix(head_.head_bytes - before);
      message_.resize(head_.head_bytes);
      RETURN_IF_ERROR(BeginMessage(head_, on_extended));
    }
  }
  return absl::OkStatus();
}

absl::Status EarlyMessages::BeginMessage(const wire::Message& head, const OnExtended& on_extended) {
  const bool is_message = head.form == MessageForm::kMessage;
  const bool is_extended = is_message && head.id == MessageId::kExtended;
  if (is_message && head.id == MessageId::kPiece && ++blocks_ > kMaxUnaskedBlocks) {
    return absl::InvalidArgumentError(absl::StrCat("sent ", blocks_, " blocks that nobody asked for"));
  }
  const bool wanted = is_message && head.id != MessageId::kPiece;
  // An extended message is looked at in any case; whether it is kept is seen then.
  if (wanted && (is_extended || Reserve(size_t{head.head_bytes} + head.payload_bytes))) {
    missing_ = head.payload_bytes;
    return missing_ == 0 ? EndMessage(on_extended) : absl::OkStatus();
  }
  skip_ = head.payload_bytes;
  message_.clear();
  return absl::OkStatus();
}

absl::Status EarlyMessages::EndMessage(const OnExtended& on_extended) {
  bool keep = !overflown_;
  if (head_.id == MessageId::kExtended) {
    // Metadata is for now alone.
    keep = head_.extended_id != kOurMetadataId && Reserve(message_.size());
    RETURN_IF_ERROR(on_extended(head_.extended_id, absl::string_view(message_).substr(head_.head_bytes)));
  }
  if (keep) kept_ += message_;
  message_.clear();
  if (message_.capacity() > kBlockBytes) message_.shrink_to_fit();
  return absl::OkStatus();
}

}  // namespace torrent
