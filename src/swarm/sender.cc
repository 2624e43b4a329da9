#include "swarm/sender.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "wire/message.h"

namespace torrent {

void Sender::StartBlock(uint32_t piece_index, uint32_t begin, uint32_t length, uint64_t offset) {
  // Apart from the control messages: those that are appended while the head waits leave before it, or after the
  // payload, never between the two.
  head_.clear();
  wire::EncodePieceHeader(piece_index, begin, length, &head_);
  head_begin_ = 0;
  block_left_ = length;
  block_offset_ = offset;
  range_ = FileRange{};
  copy_.clear();
  copy_begin_ = 0;
}

absl::Status Sender::Flush(size_t* sent) {
  *sent = 0;
  bool blocked = false;
  if (block_left_ > 0 && head_begin_ > 0) {
    RETURN_IF_ERROR(FlushHead(&blocked));
    if (!blocked) RETURN_IF_ERROR(FlushPayload(sent, &blocked));
    if (blocked) return absl::OkStatus();
  }
  RETURN_IF_ERROR(FlushControl(&blocked));
  if (blocked || block_left_ == 0) return absl::OkStatus();
  RETURN_IF_ERROR(FlushHead(&blocked));
  if (blocked) return absl::OkStatus();
  return FlushPayload(sent, &blocked);
}

absl::Status Sender::FlushControl(bool* blocked) {
  while (out_begin_ < out_.size()) {
    const size_t control = out_.size() - out_begin_;
    const size_t head = block_left_ > 0 ? head_.size() - head_begin_ : 0;
    const iovec parts[2] = {{out_.data() + out_begin_, control}, {head_.data() + head_begin_, head}};
    IoResult result = stream_->TryWriteV(absl::MakeConstSpan(parts, head > 0 ? 2 : 1), /*more=*/head > 0);
    if (result.is_error()) return result.status();
    if (!result.has_bytes()) {
      *blocked = true;
      return absl::OkStatus();
    }
    out_begin_ += std::min(result.bytes(), control);
    head_begin_ += result.bytes() - std::min(result.bytes(), control);
  }
  out_.clear();
  out_begin_ = 0;
  if (out_.capacity() > kBlockBytes) out_.shrink_to_fit();
  return absl::OkStatus();
}

absl::Status Sender::FlushHead(bool* blocked) {
  while (head_begin_ < head_.size()) {
    // Not as a packet of 13 bytes: its payload follows.
    IoResult result = stream_->TryWrite(AsBytes(absl::string_view(head_).substr(head_begin_)), /*more=*/true);
    if (result.is_error()) return result.status();
    if (!result.has_bytes()) {
      *blocked = true;
      return absl::OkStatus();
    }
    head_begin_ += result.bytes();
  }
  return absl::OkStatus();
}

absl::Status Sender::FlushPayload(size_t* sent, bool* blocked) {
  while (block_left_ > 0) {
    if (copy_begin_ == copy_.size() && range_.length == 0) {
      ASSIGN_OR_RETURN(range_, files_->Lease(block_offset_, block_left_));
      if (range_.length == 0) return absl::InternalError("an empty file range");
    }
    IoResult result = IoResult::WouldBlock();
    const size_t in_range = std::min<size_t>(block_left_, range_.length);
    if (copy_begin_ == copy_.size() && range_.file != nullptr && stream_->CanSendFile()) {
      result = stream_->SendFile(range_.file->fd.get(), range_.offset, in_range);
      if (result.file_ended()) return absl::DataLossError("the file is shorter than it was");
    } else {
      if (copy_begin_ == copy_.size()) {
        copy_.resize(range_.length);
        copy_begin_ = 0;
        RETURN_IF_ERROR(
            files_->ReadAt(block_offset_, absl::MakeSpan(reinterpret_cast<uint8_t*>(copy_.data()), copy_.size())));
      }
      result = stream_->TryWrite(AsBytes(absl::string_view(copy_).substr(copy_begin_)));
      copy_begin_ += result.bytes();
    }
    if (result.is_error()) return result.status();
    if (!result.has_bytes()) {
      *blocked = true;
      return absl::OkStatus();
    }
    const auto n = static_cast<uint32_t>(result.bytes());
    *sent += n;
    block_left_ -= n;
    block_offset_ += n;
    range_.offset += n;
    range_.length -= n;
  }
  if (block_left_ == 0) range_ = FileRange{};
  return absl::OkStatus();
}

}  // namespace torrent
