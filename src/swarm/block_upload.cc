#include "swarm/block_upload.h"

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/status.h"

namespace torrent {

void BlockUpload::OfferFast(const std::vector<uint32_t>& pieces) {
  const PatientForMemory patient;  // Abseil's tables need it
  for (uint32_t piece_index : pieces) {
    if (!context_->queue.IsWritten(piece_index)) continue;
    fast_pieces_[piece_index] = 0;
    wire::EncodeAllowedFast(piece_index, sender_->out());
  }
}

bool BlockUpload::IsFastPiece(uint32_t piece_index) const {
  auto found = fast_pieces_.find(piece_index);
  return found != fast_pieces_.end() &&
         found->second < kMaxFastServings * uint64_t{context_->layout.PieceBytes(piece_index)};
}

void BlockUpload::Reject(const BlockRequest& request) {
  if (fast_) wire::EncodeRejectRequest(request.piece_index, request.begin, request.length, sender_->out());
}

void BlockUpload::SetChoking(bool choke) {
  if (choke == choking_) return;
  choking_ = choke;
  link_->am_choking.store(choke, std::memory_order_relaxed);
  if (!choke) {
    requests_while_choked_ = 0;
    wire::EncodeUnchoke(sender_->out());
    return;
  }
  wire::EncodeChoke(sender_->out());
  // BEP 3: a choke drops what was asked. BEP 6: what is dropped is rejected, but for allowed-fast pieces.
  for (const BlockRequest& request : queue_.TakeAll()) {
    if (fast_ && IsFastPiece(request.piece_index)) {
      queue_.Add(request);
    } else {
      Reject(request);
    }
  }
}

absl::Status BlockUpload::OnRequest(const wire::Message& message) {
  const BlockRequest request{message.piece_index, message.begin, message.length};
  RETURN_IF_ERROR(wire::CheckBlock(request.piece_index, request.begin, request.length,
                                   context_->layout.PieceBytes(request.piece_index)));
  if (request.length > kMaxServedRequestBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("request of ", request.length, " bytes, at most ", kMaxServedRequestBytes, " are served"));
  }
  if (choking_ && !IsFastPiece(request.piece_index)) {
    Reject(request);
    if (++requests_while_choked_ > kMaxRequestsWhileChoked) {
      return absl::InvalidArgumentError(absl::StrCat("sent ", requests_while_choked_, " requests while choked"));
    }
    return absl::OkStatus();
  }
  if (!context_->queue.IsWritten(request.piece_index) || !queue_.Add(request)) {
    Reject(request);
    if (!fast_ && queue_.size() >= kMaxPeerRequests) {
      return absl::InvalidArgumentError(absl::StrCat("queues more than ", kMaxPeerRequests, " requests"));
    }
    return absl::OkStatus();
  }
  if (auto fast = fast_pieces_.find(request.piece_index); choking_ && fast != fast_pieces_.end()) {
    fast->second += request.length;
  }
  return absl::OkStatus();
}

void BlockUpload::OnCancel(const wire::Message& message) {
  const BlockRequest request{message.piece_index, message.begin, message.length};
  // BEP 6: a cancelled request is answered too. One whose block is on its way already gets the block.
  if (queue_.Cancel(request)) Reject(request);
}

void BlockUpload::StartNext() {
  const BlockRequest request = queue_.Pop();
  PieceQueue::Effects effects;
  const Serving::Answer answer = context_->serving.MayServe(request.piece_index, &effects);
  context_->carry_out(effects);
  if (answer != Serving::Answer::kServe) {
    Reject(request);
    context_->shared.upload->Return(request.length);
    return;
  }
  sending_piece_ = request.piece_index;
  if (context_->events.Wanted(kMessageEvents)) {
    context_->events.Tell(MessageEvent{
        link_->endpoint.ToString(), /*sent=*/true,
        absl::StrCat("piece ", request.piece_index, " begin ", request.begin, " length ", request.length)});
  }
  sender_->StartBlock(request.piece_index, request.begin, request.length,
                      context_->layout.PieceOffset(request.piece_index) + request.begin);
}

absl::Status BlockUpload::Send(TimePoint now, bool* progress) {
  resume_at_ = TimePoint::max();
  // Bounded, so that a peer that takes all we have does not keep us from reading.
  for (int blocks = 0; blocks < 16; blocks++) {
    if (!sender_->block_pending() && !queue_.empty()) {
      // On credit: a block that has begun keeps other messages, our requests among them, from leaving.
      if (context_->shared.upload->TakeWhole(queue_.front().length, now)) {
        StartNext();
      } else {
        resume_at_ = context_->shared.upload->Ready(now);
      }
    }
    const size_t before = sender_->pending_bytes();
    size_t sent = 0;
    absl::Status status = sender_->Flush(&sent);
    link_->uploaded.fetch_add(sent, std::memory_order_relaxed);
    context_->uploaded.fetch_add(sent, std::memory_order_relaxed);
    *progress |= sent > 0 || sender_->pending_bytes() < before;
    if (absl::IsNotFound(status) || absl::IsDataLoss(status)) {
      // The file was removed or cut while we ran. The head of the block is out, so this connection is lost; the piece
      // is fetched again.
      PieceQueue::Effects effects;
      context_->queue.Lose(sending_piece_, &effects);
      context_->carry_out(effects);
      // Our disk's fault: to who hears the reason of the end, lost data are the peer's.
      return absl::AbortedError(status.message());
    }
    RETURN_IF_ERROR(status);
    if (sender_->pending() || queue_.empty() || resume_at_ != TimePoint::max()) break;
  }
  return absl::OkStatus();
}

}  // namespace torrent
