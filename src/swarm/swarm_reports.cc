// What the parts of a swarm tell it, each on its own thread: the piece queue's effects, the writer, the sync thread,
// and connections that begin and end.
#include <algorithm>

#include "base/memory_shortage.h"
#include "swarm/peer_worker.h"
#include "swarm/piece_bits.h"
#include "swarm/swarm.h"

namespace torrent {

void Swarm::Call(uint32_t duties) {
  if ((duties_.fetch_or(duties) & duties) == duties) return;  // it is called for these already
  MutexLock lock(&mutex_);
  called_.Signal();
}

void Swarm::CarryOut(const PieceQueue::Effects& effects) {
  const PatientForMemory patient;  // they are told once
  for (const auto& [claimant, block] : effects.cancels) registry_.PostCancel(claimant, block);
  for (const Endpoint& liar : effects.liars) {
    registry_.StopLiar(liar);
    MutexLock lock(&mutex_);
    liars_.push_back(liar);
  }
  if (events_.Wanted(kPieceEvents)) {
    for (uint32_t piece : effects.verified) events_.Tell(PieceEvent{PieceEvent::What::kVerified, piece});
    for (uint32_t piece : effects.failed) events_.Tell(PieceEvent{PieceEvent::What::kFailed, piece});
    for (uint32_t piece : effects.written) events_.Tell(PieceEvent{PieceEvent::What::kWritten, piece});
  }
  if (effects.work_returned) {
    registry_.WakeIf([](const PeerLink& link) { return link.hungry.load(std::memory_order_relaxed); });
  }
  uint32_t duties = 0;
  if (effects.upkeep_due) duties |= kUpkeep;
  // Once for many pieces: the coordinator tells them in batches. The last one it must not miss.
  if (!effects.written.empty() && (!news_called_.exchange(true) || queue_.Complete())) duties |= kPiecesWritten;
  if (!effects.liars.empty()) duties |= kInbox;
  if (duties != 0) Call(duties);
}

void Swarm::OnWritten(absl::Span<const BlockWrite> blocks) {
  std::vector<BlockRef> refs;
  refs.reserve(blocks.size());
  for (const BlockWrite& block : blocks) refs.push_back({block.piece_index, block.block});
  PieceQueue::Effects effects;
  queue_.OnWritten(refs, &effects);
  checkpoint_->NoteChange();
  CarryOut(effects);
}

void Swarm::OnRoom() {
  registry_.WakeIf([](const PeerLink& link) {
    return const_cast<PeerLink&>(link).waits_for_room.exchange(false, std::memory_order_seq_cst);
  });
}

void Swarm::OnWriteError(const absl::Status& error) {
  context_->disk_waits.store(true);
  if (!absl::IsResourceExhausted(error) || !options_.wait_for_space) return LoseDisk(error);
  {
    MutexLock lock(&mutex_);
    status_.state = TorrentState::kWaitingForDisk;
    status_.error = error;
  }
  if (events_.Wanted(kDiskEvents)) events_.Tell(DiskEvent{error, /*waits=*/true});
  registry_.WakeIf([](const PeerLink&) { return true; });
}

void Swarm::OnRecovered() {
  context_->disk_waits.store(false);
  {
    MutexLock lock(&mutex_);
    if (status_.state == TorrentState::kWaitingForDisk) status_.state = TorrentState::kDownloading;
    status_.error = absl::OkStatus();
  }
  if (events_.Wanted(kDiskEvents)) events_.Tell(DiskEvent{absl::OkStatus()});
  registry_.WakeIf([](const PeerLink&) { return true; });
}

void Swarm::Snapshot(ResumeRecord* record) {
  size_t place;
  record->pieces = ToBits(queue_.Written(&place));
  record->unfinished.clear();
  for (auto& [piece_index, blocks] : queue_.PartialBlocks()) {
    if (!record->pieces[piece_index]) record->unfinished.push_back({piece_index, ToBits(blocks)});
  }
  std::sort(record->unfinished.begin(), record->unfinished.end(),
            [](const UnfinishedPiece& a, const UnfinishedPiece& b) { return a.piece_index < b.piece_index; });
  MutexLock lock(&mutex_);
  record->uploaded_bytes = status_.uploaded_before_bytes + context_->uploaded.load();
  record->downloaded_bytes = context_->downloaded.load();
  record->extra = extra_;
}

void Swarm::OnSynced(const std::vector<bool>&) {}

void Swarm::OnCheckpointError(const absl::Status& error) {
  if (!store_->loss().ok()) return LoseDisk(error);
  const bool last = [this] {
    MutexLock lock(&mutex_);
    return ending_;
  }();
  if (!absl::IsResourceExhausted(error) && (last || !options_.wait_for_space)) return Fail(Failure::kDisk, error);
  if (events_.Wanted(kDiskEvents)) events_.Tell(DiskEvent{error});  // tried again by itself
}

bool Swarm::RunIncoming(std::unique_ptr<Stream> stream, const wire::Handshake& theirs, TimePoint handshake_deadline) {
  // Looking at the disk mostly takes a moment. Who is sent away comes back much later than that.
  return ServeHere(stream->remote(), handshake_deadline, [&](PeerWorker* worker) {
    return worker->RunIncoming(std::move(stream), theirs, handshake_deadline);
  });
}

bool Swarm::RunAdopted(LiveConnection live) {
  return ServeHere(live.stream->remote(), TimePoint::max(),
                   [&](PeerWorker* worker) { return worker->RunAdopted(std::move(live.stream), live.theirs); });
}

bool Swarm::ServeHere(const Endpoint& remote, TimePoint wait_until, const PeerLife& life) {
  {
    MutexLock lock(&mutex_);
    while (!accepting_ && !ending_ && Now() < wait_until) opened_.WaitUntil(&mutex_, wait_until);
    if (!accepting_) return false;
  }
  const PatientForMemory patient;  // its beginning and its end are others' affair too
  absl::StatusOr<std::shared_ptr<PeerLink>> link = registry_.Add(remote, PeerSource::kIncoming, /*incoming=*/true);
  if (!link.ok()) return false;
  absl::Status reason;
  {
    PeerWorker worker(context_.get(), *link);
    reason = RunMortal([&] { return life(&worker); });
    // Its link stays until the worker is gone, but the slot is free now: whoever looks for one must not count it.
    (*link)->peer_interested.store(false);
    EndOfPeer(**link, reason, /*on_own_thread=*/false);
  }
  return true;
}

Endpoint Swarm::EndpointInBook(const PeerLink& link) {
  Endpoint endpoint = link.endpoint;
  if (link.incoming) endpoint.port = link.listening_port.load();
  return endpoint;
}

void Swarm::EndOfPeer(PeerLink& link, const absl::Status& reason, bool on_own_thread) {
  const bool established = link.established.load();
  const bool counted = link.counted.exchange(true);
  if (established && events_.Wanted(kPeerEvents)) {
    events_.Tell(PeerGoneEvent{link.endpoint.ToString(), reason, link.downloaded.load(), link.uploaded.load(),
                               absl::IsDataLoss(reason)});
  }
  PeerBook::Ending ending = established ? PeerBook::Ending::kWasGood : PeerBook::Ending::kNeverEstablished;
  if (absl::IsFailedPrecondition(reason)) ending = PeerBook::Ending::kOurselves;
  if (absl::IsAlreadyExists(reason) || absl::IsOutOfRange(reason)) ending = PeerBook::Ending::kUseless;
  {
    MutexLock lock(&mutex_);
    absl::optional<PeerSource> established_now;
    if (established && !counted) established_now = link.source;
    ended_.push_back({link.id, EndpointInBook(link), ending, on_own_thread, established_now});
  }
  Call(kPeerLeft);
}

}  // namespace torrent
