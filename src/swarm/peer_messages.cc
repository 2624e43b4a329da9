// What a peer worker does with each message (BEP 3, 5, 6, 9, 10, 11, 21), in the order in which they came.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "swarm/our_handshakes.h"
#include "swarm/peer_worker.h"
#include "wire/bitfield.h"
#include "wire/message.h"
#include "wire/metadata_message.h"

namespace torrent {

using Item = Receiver::Item;

absl::Status PeerWorker::HandleItem(Item item, TimePoint now) {
  const wire::Message& message = receiver_->message();
  if (item != Item::kBlock && context_->events.Wanted(kMessageEvents)) Trace(false, message);
  switch (item) {
    case Item::kMessage:
      return HandleMessage(message, now);
    case Item::kBlockHead:
      return HandleBlockHead(message, now);
    case Item::kBlock:
      last_payload_ = now;
      rejects_in_a_row_ = 0;
      download_->Arrived(receiver_->TakeBlock(), now);
      return absl::OkStatus();
    case Item::kPayload:
      return HandlePayload(message, receiver_->payload(), now);
    case Item::kError:
      return wire::StatusOf(message, rules_);
    case Item::kNothing:
      break;
  }
  return absl::OkStatus();
}

absl::Status PeerWorker::HandleBlockHead(const wire::Message& message, TimePoint now) {
  bool expected;
  RETURN_IF_ERROR(download_->Expects(message.piece_index, message.begin, message.payload_bytes, now, &expected));
  if (!expected) {
    receiver_->DropBlock();
    return absl::OkStatus();
  }
  receiver_->KeepBlock(message.begin / kBlockBytes, context_->layout.PieceOffset(message.piece_index) + message.begin);
  return absl::OkStatus();
}

absl::Status PeerWorker::OnlyOnce(const char* what) {
  // BEP 6: in place of the bitfield, and at no other time.
  if (told_pieces_) return absl::InvalidArgumentError(absl::StrCat(what, " after the peer told its pieces already"));
  told_pieces_ = true;
  return absl::OkStatus();
}

absl::Status PeerWorker::CountToggle(TimePoint now) {
  if (now - toggle_window_ > kToggleWindow) {
    toggle_window_ = now;
    toggles_ = 0;
  }
  if (++toggles_ <= kMaxToggles) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(toggles_, " choke and interest changes in ", kToggleWindow.count(), " s, at most ", kMaxToggles));
}

void PeerWorker::OnPiecesKnown() {
  pieces_changed_ = true;
  const bool seed = download_->claimant()->IsSeed();
  link_->is_seed.store(seed, std::memory_order_relaxed);
  link_->wants_news.store(!seed, std::memory_order_relaxed);
  if (seed) TellOthers();
}

absl::Status PeerWorker::HandleHave(uint32_t piece_index) {
  if (download_->claimant()->AddPiece(piece_index)) OnPiecesKnown();
  return absl::OkStatus();
}

absl::Status PeerWorker::HandleMessage(const wire::Message& message, TimePoint now) {
  if (message.form == wire::MessageForm::kKeepAlive) return absl::OkStatus();
  const size_t pieces = context_->layout.piece_count();
  switch (message.id) {
    case wire::MessageId::kChoke:
      RETURN_IF_ERROR(CountToggle(now));
      peer_choking_ = true;
      link_->peer_choking.store(true, std::memory_order_relaxed);
      download_->Flush(now);
      download_->GiveBackAll(now);
      break;
    case wire::MessageId::kUnchoke:
      RETURN_IF_ERROR(CountToggle(now));
      peer_choking_ = false;
      link_->peer_choking.store(false, std::memory_order_relaxed);
      break;
    case wire::MessageId::kInterested:
    case wire::MessageId::kNotInterested:
      RETURN_IF_ERROR(CountToggle(now));
      link_->peer_interested.store(message.id == wire::MessageId::kInterested, std::memory_order_relaxed);
      context_->call(kInterestChanged);
      break;
    case wire::MessageId::kHave:
      return HandleHave(message.piece_index);
    case wire::MessageId::kHaveAll:
      RETURN_IF_ERROR(OnlyOnce("have all"));
      download_->claimant()->SetBitfield(wire::Bitfield::AllSet(pieces));
      OnPiecesKnown();
      return absl::OkStatus();
    case wire::MessageId::kHaveNone:
      RETURN_IF_ERROR(OnlyOnce("have none"));
      OnPiecesKnown();
      return absl::OkStatus();
    case wire::MessageId::kRequest:
      return upload_->OnRequest(message);
    case wire::MessageId::kCancel:
      upload_->OnCancel(message);
      break;
    case wire::MessageId::kRejectRequest:
      // While choked these only confirm what the choke said.
      if (!peer_choking_) {
        download_->pipeline()->OnRefused();
        // Each is asked for again at once: with nothing between them that would go on for ever.
        if (++rejects_in_a_row_ > kMaxRejectsInARow) {
          return absl::InvalidArgumentError(absl::StrCat("rejected ", rejects_in_a_row_, " requests in a row"));
        }
      }
      if (!download_->Rejected(message.piece_index, message.begin, now)) {
        return absl::InvalidArgumentError(
            absl::StrCat("rejects piece ", message.piece_index, " begin ", message.begin, ", which was not asked for"));
      }
      break;
    case wire::MessageId::kSuggestPiece:
      download_->claimant()->Suggest(message.piece_index);
      break;
    case wire::MessageId::kAllowedFast:
      if (allowed_fast_.size() < 4 * kAllowedFastPieces &&
          std::find(allowed_fast_.begin(), allowed_fast_.end(), message.piece_index) == allowed_fast_.end()) {
        allowed_fast_.push_back(message.piece_index);
      }
      break;
    case wire::MessageId::kPort:
      HearDhtPort(message.port);
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

absl::Status PeerWorker::HandlePayload(const wire::Message& message, absl::string_view payload, TimePoint now) {
  if (message.id == wire::MessageId::kBitfield) {
    // BEP 3 has it as the first message only. aria2 1.36 sends it after its extension handshake and its first requests,
    // and again in place of many `have`s: each replaces what was known. Never so many that reading them is the work.
    RETURN_IF_ERROR(CountToggle(now));
    told_pieces_ = true;
    ASSIGN_OR_RETURN(wire::Bitfield pieces, wire::Bitfield::FromWire(AsBytes(payload), context_->layout.piece_count()));
    download_->claimant()->SetBitfield(std::move(pieces));
    OnPiecesKnown();
    return absl::OkStatus();
  }
  if (message.extended_id == wire::kExtensionHandshakeId) return HandleExtensionHandshake(payload, now);
  if (message.extended_id == kOurPexId && SpeaksPex()) return HearPeers(payload, now);
  if (message.extended_id == kOurMetadataId) return HandleMetadata(payload);
  return absl::OkStatus();  // an extension that we did not offer: ignored
}

absl::Status PeerWorker::HandleExtensionHandshake(absl::string_view payload, TimePoint now) {
  ASSIGN_OR_RETURN(wire::ExtensionHandshake theirs, wire::ParseExtensionHandshake(payload));
  extension_ids_.Update(theirs);
  if (theirs.request_queue) download_->pipeline()->SetPeerQueue(*theirs.request_queue);
  HearFacts(theirs, now);
  // Two that both want nothing keep no connection.
  if (theirs.upload_only.value_or(false) && context_->queue.Complete()) {
    return absl::OutOfRangeError("both are complete");
  }
  return absl::OkStatus();
}

absl::Status PeerWorker::HandleMetadata(absl::string_view payload) {
  ASSIGN_OR_RETURN(wire::MetadataMessage message, wire::ParseMetadataMessage(payload));
  if (message.type == wire::MetadataMessage::Type::kRequest) {
    metadata_->OnRequest(message.piece, extension_ids_[wire::Extension::kMetadata]);
  }
  return absl::OkStatus();  // anything else is late: we have it
}

}  // namespace torrent
