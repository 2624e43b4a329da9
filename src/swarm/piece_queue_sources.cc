// The claimants' side of the piece queue: who there is, what each has, what was asked of it, and what it brought.
#include <algorithm>

#include "swarm/piece_queue.h"

namespace torrent {

using State = BlockInFlight::State;

std::unique_ptr<PieceQueue::Claimant> PieceQueue::AddClaimant(const Endpoint& endpoint) {
  MutexLock lock(&mutex_);
  auto source = std::make_unique<Source>();
  source->id = next_id_++;
  source->endpoint = endpoint;
  source->pieces = wire::Bitfield(layout_->piece_count());
  const ClaimantId id = source->id;
  sources_[id] = std::move(source);
  return std::unique_ptr<Claimant>(new Claimant(this, id));
}

PieceQueue::Claimant::~Claimant() { queue_->RemoveSource(id_); }

void PieceQueue::RemoveSource(ClaimantId id) {
  Effects effects;
  {
    MutexLock lock(&mutex_);
    auto found = sources_.find(id);
    std::unique_ptr<Source> source = std::move(found->second);
    // Before anything can end the piece that it is on: that looks for it among the living.
    LeaveCurrentLocked(source.get());
    total_rate_ -= source->pace.bytes_per_second;
    sources_.erase(found);
    bool contributed = false;
    std::vector<BlockRef> held;
    std::vector<uint32_t> exclusive;
    for (auto& [index, piece] : in_flight_) {
      for (uint32_t b = 0; b < piece->block_count(); b++) {
        const BlockInFlight& block = piece->blocks[b];
        if (block.state == State::kRequested && (block.holders[0] == id || block.holders[1] == id)) {
          held.push_back({index, b});
        }
        contributed |= block.state >= State::kAccepted && block.contributor() == id;
      }
      if (piece->exclusive_owner == id) exclusive.push_back(index);
    }
    for (const auto& [index, rounds] : evidence_) {
      for (const Evidence& round : rounds) {
        contributed |= std::find(round.contributors.begin(), round.contributors.end(), id) != round.contributors.end();
      }
    }
    if (contributed) departed_[id] = source->endpoint;
    GiveBackLocked(source.get(), held, &effects);
    for (uint32_t index : exclusive) ReleaseExclusiveLocked(FindLocked(index), &effects);
    if (source->counted) {
      const wire::Bitfield& pieces = source->pieces;
      for (size_t i = pieces.FindSet(); i < pieces.size(); i = pieces.FindSet(i + 1)) {
        missing_.RemovePeerWith(static_cast<uint32_t>(i));
      }
    }
    if (in_flight_.empty() && evidence_.empty()) departed_.clear();
    effects.work_returned = true;
  }
  if (released_) released_(effects);
}

Endpoint PieceQueue::EndpointOfLocked(ClaimantId id) const {
  if (auto found = sources_.find(id); found != sources_.end()) return found->second->endpoint;
  if (auto found = departed_.find(id); found != departed_.end()) return found->second;
  return Endpoint{};
}

void PieceQueue::Claimant::SetBitfield(wire::Bitfield pieces) {
  MutexLock lock(&queue_->mutex_);
  Source* source = queue_->sources_[id_].get();
  RarityOrder& missing = queue_->missing_;
  if (source->counted) {
    for (size_t i = source->pieces.FindSet(); i < source->pieces.size(); i = source->pieces.FindSet(i + 1)) {
      missing.RemovePeerWith(static_cast<uint32_t>(i));
    }
  }
  source->counted = !pieces.all();
  source->pieces = std::move(pieces);
  if (!source->counted) return;
  for (size_t i = source->pieces.FindSet(); i < source->pieces.size(); i = source->pieces.FindSet(i + 1)) {
    missing.AddPeerWith(static_cast<uint32_t>(i));
  }
}

bool PieceQueue::Claimant::AddPiece(uint32_t piece_index) {
  MutexLock lock(&queue_->mutex_);
  Source* source = queue_->sources_[id_].get();
  if (source->pieces.Test(piece_index)) return false;
  source->pieces.Set(piece_index);
  source->counted = true;  // it was no seed before, so all that it had is counted, if only as nothing
  queue_->missing_.AddPeerWith(piece_index);
  return true;
}

bool PieceQueue::Claimant::HasPiece(uint32_t piece_index) const {
  MutexLock lock(&queue_->mutex_);
  return queue_->sources_[id_]->pieces.Test(piece_index);
}

void PieceQueue::Claimant::NewsSince(size_t* log_place, std::vector<uint32_t>* pieces) const {
  MutexLock lock(&queue_->mutex_);
  const wire::Bitfield& has = queue_->sources_[id_]->pieces;
  const size_t end = queue_->written_log_.size();
  for (size_t i = *log_place; i < end && !has.all(); i++) {
    const uint32_t piece_index = queue_->written_log_[i];
    if (!has.Test(piece_index)) pieces->push_back(piece_index);
  }
  *log_place = end;
}

bool PieceQueue::Claimant::IsSeed() const {
  MutexLock lock(&queue_->mutex_);
  return queue_->sources_[id_]->pieces.all();
}

bool PieceQueue::Claimant::IsInteresting() const {
  MutexLock lock(&queue_->mutex_);
  const wire::Bitfield& pieces = queue_->sources_[id_]->pieces;
  if (queue_->missing_.size() > 0) {
    if (pieces.all()) return true;
    for (size_t w = 0; w < pieces.word_count(); w++) {
      if ((queue_->missing_bits_.word(w) & pieces.word(w)) != 0) return true;
    }
  }
  for (const auto& [index, piece] : queue_->in_flight_) {
    if (!piece->verified && pieces.Test(index)) return true;
  }
  return false;
}

void PieceQueue::Claimant::Suggest(uint32_t piece_index) {
  MutexLock lock(&queue_->mutex_);
  queue_->sources_[id_]->suggested = piece_index;
}

void PieceQueue::Claimant::GiveBack(absl::Span<const BlockRef> blocks, Effects* effects) {
  MutexLock lock(&queue_->mutex_);
  queue_->GiveBackLocked(queue_->sources_[id_].get(), blocks, effects);
}

void PieceQueue::Claimant::Accept(absl::Span<Arrival> arrivals, Effects* effects) {
  MutexLock lock(&queue_->mutex_);
  Source* source = queue_->sources_[id_].get();
  PieceInFlight* piece = nullptr;
  // Pieces whose token this call took: their blocks may be hashed on as they come.
  absl::InlinedVector<PieceInFlight*, 8> ours;
  for (Arrival& arrival : arrivals) {
    const auto [piece_index, number] = arrival.block;
    if (piece == nullptr || piece->piece_index != piece_index) piece = queue_->FindLocked(piece_index);
    arrival.outcome = Arrival::Outcome::kLost;
    if (piece == nullptr) continue;
    BlockInFlight& block = piece->blocks[number];
    const bool held = block.state == State::kRequested && (block.holders[0] == id_ || block.holders[1] == id_);
    if (held && source->outstanding > 0) source->outstanding--;
    if (block.state >= State::kAccepted || piece->failed || piece->restart ||
        (piece->exclusive && piece->exclusive_owner != id_)) {
      continue;
    }
    for (ClaimantId other : block.holders) {
      if (other == 0 || other == id_) continue;
      effects->cancels.push_back({other, arrival.block});
      if (auto found = queue_->sources_.find(other); found != queue_->sources_.end()) {
        if (found->second->outstanding > 0) found->second->outstanding--;
      }
    }
    if (block.state == State::kFree) piece->free_blocks--;  // asked once, given back, and here after all
    block = BlockInFlight{};
    block.state = State::kAccepted;
    block.holders[0] = id_;
    piece->accepted_blocks++;
    arrival.outcome = Arrival::Outcome::kAccepted;
    const bool is_ours = std::find(ours.begin(), ours.end(), piece) != ours.end();
    if (piece->hashed_blocks == number && (is_ours || !piece->hash_token_taken)) {
      if (!is_ours) ours.push_back(piece);
      piece->hash_token_taken = true;
      piece->hashed_blocks++;
      arrival.outcome = Arrival::Outcome::kHash;
      arrival.hasher = &piece->hasher;
      // It is judged soon, under the lock: its hash is in cache by then.
      if (piece->hashed_blocks == piece->block_count()) {
        const Metainfo& metainfo = *queue_->metainfo_;
        __builtin_prefetch(metainfo.info_bytes.data() + metainfo.pieces_offset + 20 * size_t{piece_index});
      }
    }
    if (piece->free_blocks == 0) queue_->UpdateOpenLocked(piece);
  }
}

void PieceQueue::GiveBackLocked(Source* source, absl::Span<const BlockRef> blocks, Effects* effects) {
  for (const BlockRef& ref : blocks) {
    PieceInFlight* piece = FindLocked(ref.piece_index);
    if (piece == nullptr) continue;
    BlockInFlight& block = piece->blocks[ref.block];
    if (block.state != State::kRequested) continue;
    bool was_holder = false;
    for (int h = 0; h < 2; h++) {
      if (block.holders[h] != source->id) continue;
      was_holder = true;
      block.holders[h] = 0;
    }
    if (!was_holder) continue;
    if (source->outstanding > 0) source->outstanding--;
    if (block.holders[0] == 0 && block.holders[1] == 0) {
      FreeBlockLocked(piece, ref.block);
    } else {
      piece->Include(ref.block);
    }
    if (piece->exclusive_owner == source->id) ReleaseExclusiveLocked(piece, effects);
    effects->work_returned = true;
  }
  // Who is asked for nothing any more is on no piece: another may go on with it from the front.
  if (source->outstanding == 0) LeaveCurrentLocked(source);
}

}  // namespace torrent
