#include "swarm/receiver.h"

#include <algorithm>
#include <cstring>

namespace torrent {

IoResult Receiver::Receive(size_t limit, int size_class) {
  MakeRoom(size_class);
  const size_t room = std::min<size_t>(limit, buffer_.capacity() - end_);
  IoResult result = stream_->TryRead(absl::MakeSpan(buffer_.data() + end_, room));
  end_ += static_cast<uint32_t>(result.bytes());
  drained_ = result.bytes() < room;
  return result;
}

void Receiver::MakeRoom(int size_class) {
  if (!buffer_) {
    buffer_ = pool_->Acquire(size_class);
    begin_ = 0;
    end_ = static_cast<uint32_t>(carried_.size());
    memcpy(buffer_.data(), carried_.data(), carried_.size());
    carried_.clear();
    return;
  }
  if (begin_ == end_ && buffer_.unique()) {
    begin_ = end_ = 0;
    return;
  }
  if (end_ < buffer_.capacity()) return;
  const uint32_t head = end_ - begin_;
  if (buffer_.unique()) {
    memmove(buffer_.data(), buffer_.data() + begin_, head);
  } else {
    BufferRef next = pool_->Acquire(size_class);
    memcpy(next.data(), buffer_.data() + begin_, head);
    buffer_ = std::move(next);
  }
  begin_ = 0;
  end_ = head;
}

void Receiver::Rest() {
  if (!buffer_ || block_left_ > 0) return;
  carried_.assign(reinterpret_cast<const char*>(buffer_.data()) + begin_, end_ - begin_);
  buffer_ = BufferRef();
  begin_ = end_ = 0;
}

Receiver::Item Receiver::Next(const wire::MessageRules& rules) {
  while (begin_ < end_) {
    const uint32_t here = end_ - begin_;
    if (block_left_ > 0) {
      const uint32_t n = std::min(block_left_, here);
      if (block_.spans.empty() || !(block_.spans.back().buffer == buffer_)) {
        block_.spans.push_back({buffer_, begin_, n});
      } else {
        block_.spans.back().length += n;  // the same buffer: it went on where it ended
      }
      begin_ += n;
      block_left_ -= n;
      if (block_left_ == 0) return Item::kBlock;
    } else if (skip_ > 0) {
      const uint32_t n = std::min(skip_, here);
      begin_ += n;
      skip_ -= n;
    } else if (payload_left_ > 0) {
      const uint32_t n = std::min(payload_left_, here);
      payload_.append(reinterpret_cast<const char*>(buffer_.data()) + begin_, n);
      begin_ += n;
      payload_left_ -= n;
      if (payload_left_ == 0) return Item::kPayload;
    } else {
      message_ = wire::PeekMessage(absl::MakeConstSpan(buffer_.data() + begin_, here), rules);
      if (message_.form == wire::MessageForm::kIncomplete) break;
      if (message_.form == wire::MessageForm::kError) return Item::kError;
      begin_ += message_.head_bytes;
      if (message_.form == wire::MessageForm::kIgnored) {
        skip_ = message_.payload_bytes;
      } else if (message_.form == wire::MessageForm::kKeepAlive) {
        return Item::kMessage;
      } else if (message_.id == wire::MessageId::kPiece) {
        return Item::kBlockHead;
      } else if (message_.id == wire::MessageId::kBitfield || message_.id == wire::MessageId::kExtended) {
        payload_.clear();
        payload_.shrink_to_fit();  // a large bitfield comes once
        payload_left_ = message_.payload_bytes;
        if (payload_left_ == 0) return Item::kPayload;
      } else {
        return Item::kMessage;
      }
    }
  }
  return Item::kNothing;
}

void Receiver::KeepBlock(uint32_t block, uint64_t offset) {
  block_ = BlockWrite{};
  block_.piece_index = message_.piece_index;
  block_.block = block;
  block_.offset = offset;
  block_.length = message_.payload_bytes;
  block_left_ = message_.payload_bytes;
}

}  // namespace torrent
