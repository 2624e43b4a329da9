#include "swarm/metadata_upload.h"

#include "absl/strings/string_view.h"
#include "base/limits.h"
#include "wire/message.h"
#include "wire/metadata_message.h"

namespace torrent {

using wire::MetadataMessage;

void MetadataUpload::OnRequest(uint32_t piece, uint8_t peer_id) {
  if (peer_id == 0) return;
  const bool there = offered() && piece < wire::MetadataPieceCount(size());
  if (there && queue_.size() < kMaxMetadataAnswers && served_bytes_ < kMaxMetadataServings * size()) {
    queue_.push_back(piece);
    served_bytes_ += wire::MetadataPieceBytes(size(), piece);
  } else {
    wire::EncodeExtended(peer_id, wire::EncodeMetadataReject(piece), sender_->out());
  }
}

// One answer waits in the output at most, so that neither `have`s nor our own requests wait behind a whole queue.
bool MetadataUpload::MayAppend() const { return !queue_.empty() && sender_->pending_bytes() < kMetadataPieceBytes; }

void MetadataUpload::Say(uint8_t peer_id, TimePoint now) {
  while (MayAppend() && now >= limited_until_) {
    const uint32_t piece = queue_.front();
    const uint32_t bytes = wire::MetadataPieceBytes(size(), piece);
    if (!limit_->TakeWhole(bytes, now)) {
      limited_until_ = limit_->Ready(now);
      return;
    }
    queue_.pop_front();
    if (peer_id == 0) continue;
    MetadataMessage answer;
    answer.type = MetadataMessage::Type::kData;
    answer.piece = piece;
    answer.total_size = size();
    answer.bytes = absl::string_view(metainfo_->info_bytes).substr(size_t{piece} * kMetadataPieceBytes, bytes);
    wire::EncodeExtended(peer_id, wire::EncodeMetadataMessage(answer), sender_->out());
  }
}

TimePoint MetadataUpload::ResumeAt(TimePoint now) const {
  if (!MayAppend()) return TimePoint::max();
  return limited_until_ > now ? limited_until_ : now;
}

}  // namespace torrent
