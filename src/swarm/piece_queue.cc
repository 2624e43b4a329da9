#include "swarm/piece_queue.h"

#include <algorithm>

#include "base/limits.h"

namespace torrent {

using State = BlockInFlight::State;

PieceQueue::PieceQueue(std::shared_ptr<const Metainfo> metainfo, const PieceLayout* layout, uint64_t seed,
                       std::function<void(const Effects&)> released)
    : metainfo_(std::move(metainfo)),
      layout_(layout),
      start_(Now()),
      released_(std::move(released)),
      random_(seed),
      wanted_(layout->piece_count()),
      written_(layout->piece_count()),
      missing_(layout->piece_count()),
      missing_bits_(layout->piece_count()) {}

PieceQueue::~PieceQueue() = default;

uint32_t PieceQueue::Milliseconds(TimePoint now) const {
  // One more than has passed: 0 is no time.
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now - start_).count()) + 1;
}

void PieceQueue::Begin(const wire::Bitfield& have, const wire::Bitfield& wanted,
                       absl::Span<const std::pair<uint32_t, wire::Bitfield>> partial, Effects* effects) {
  MutexLock lock(&mutex_);
  wanted_ = wanted;
  written_ = have;
  // In a random order, so that peers that begin together begin with different pieces.
  std::vector<uint32_t> order;
  uint64_t wanted_bytes = 0;
  uint64_t written_bytes = 0;
  for (uint32_t i = 0; i < layout_->piece_count(); i++) {
    if (!wanted.Test(i)) continue;
    wanted_bytes += layout_->PieceBytes(i);
    if (have.Test(i)) {
      written_bytes += layout_->PieceBytes(i);
    } else {
      order.push_back(i);
    }
  }
  wanted_bytes_ = wanted_bytes;
  written_bytes_.store(written_bytes, std::memory_order_relaxed);
  for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[random_.Below(i)]);
  for (uint32_t i : order) {
    missing_.Insert(i, &random_);
    missing_bits_.Set(i);
  }
  for (const auto& [piece_index, blocks] : partial) {
    if (!missing_.Contains(piece_index) || blocks.none()) continue;
    PieceInFlight* piece = StartPieceLocked(piece_index);
    for (size_t b = blocks.FindSet(); b < blocks.size(); b = blocks.FindSet(b + 1)) {
      piece->blocks[b].state = State::kOnDisk;
      piece->free_blocks--;
      piece->accepted_blocks++;
      piece->on_disk_blocks++;
    }
    if (piece->needs_catch_up()) catch_up_.push_back(piece_index);
    UpdateOpenLocked(piece);
  }
  effects->upkeep_due |= !catch_up_.empty();
  UpdateCompleteLocked();
}

void PieceQueue::UpdateCompleteLocked() {
  complete_.store(missing_.size() == 0 && in_flight_.empty(), std::memory_order_release);
}

// --- Claimants -------------------------------------------------------------------------------------------------------

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

bool PieceQueue::Claimant::IsSeed() const {
  MutexLock lock(&queue_->mutex_);
  return queue_->sources_[id_]->pieces.all();
}

bool PieceQueue::Claimant::IsInteresting() const {
  MutexLock lock(&queue_->mutex_);
  const wire::Bitfield& pieces = queue_->sources_[id_]->pieces;
  if (!queue_->missing_bits_.none()) {
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
      block.requested_ms[h] = block.expected_ms[h] = 0;
    }
    if (!was_holder) continue;
    if (source->outstanding > 0) source->outstanding--;
    if (block.holders[0] == 0 && block.holders[1] == 0) FreeBlockLocked(piece, ref.block);
    if (piece->exclusive_owner == source->id) ReleaseExclusiveLocked(piece, effects);
    effects->work_returned = true;
  }
}

// --- Pieces ----------------------------------------------------------------------------------------------------------

PieceInFlight* PieceQueue::FindLocked(uint32_t piece_index) {
  auto found = in_flight_.find(piece_index);
  return found == in_flight_.end() ? nullptr : found->second.get();
}

PieceInFlight* PieceQueue::StartPieceLocked(uint32_t piece_index) {
  missing_.Remove(piece_index);
  missing_bits_.Clear(piece_index);
  auto piece = std::make_unique<PieceInFlight>(piece_index, layout_->BlockCount(piece_index));
  piece->exclusive = evidence_.contains(piece_index);
  PieceInFlight* raw = piece.get();
  blocks_in_flight_ += raw->block_count();
  in_flight_[piece_index] = std::move(piece);
  UpdateOpenLocked(raw);
  return raw;
}

void PieceQueue::FreeBlockLocked(PieceInFlight* piece, uint32_t block) {
  piece->blocks[block] = BlockInFlight{};
  piece->free_blocks++;
  piece->first_free = std::min(piece->first_free, block);
  piece->end_free = std::max(piece->end_free, block + 1);
  UpdateOpenLocked(piece);
}

void PieceQueue::UpdateOpenLocked(PieceInFlight* piece) {
  const bool open = piece->free_blocks > 0 && !piece->failed && !piece->restart;
  if (open == (piece->open_place >= 0)) return;
  if (open) {
    piece->open_place = static_cast<int32_t>(open_.size());
    open_.push_back(piece);
    return;
  }
  open_.back()->open_place = piece->open_place;
  open_[static_cast<size_t>(piece->open_place)] = open_.back();
  open_.pop_back();
  piece->open_place = -1;
}

// The record's end, whatever the piece becomes.
void PieceQueue::EndLocked(PieceInFlight* piece) {
  for (auto& [id, source] : sources_) {
    if (source->current == piece) source->current = nullptr;
  }
  piece->free_blocks = 0;
  UpdateOpenLocked(piece);
  blocks_in_flight_ -= piece->block_count();
  in_flight_.erase(piece->piece_index);
}

void PieceQueue::OnWritten(absl::Span<const BlockRef> blocks, Effects* effects) {
  MutexLock lock(&mutex_);
  PieceInFlight* piece = nullptr;
  for (const BlockRef& ref : blocks) {
    if (piece == nullptr || piece->piece_index != ref.piece_index) piece = FindLocked(ref.piece_index);
    if (piece == nullptr || piece->blocks[ref.block].state != State::kAccepted) continue;
    piece->blocks[ref.block].state = State::kOnDisk;
    piece->on_disk_blocks++;
    if (piece->hashed_blocks == ref.block && piece->needs_catch_up()) {
      catch_up_.push_back(piece->piece_index);
      effects->upkeep_due = true;
    }
    if (piece->drained()) {
      SettleLocked(piece, effects);
      piece = nullptr;  // it may be gone
    }
  }
}

absl::optional<PieceQueue::CatchUp> PieceQueue::TakeCatchUp() {
  // Large enough to make a read worth its call, small enough to come back to other duties soon.
  constexpr uint32_t kMaxBlocks = (1u << 20) / kBlockBytes;
  MutexLock lock(&mutex_);
  while (!catch_up_.empty()) {
    PieceInFlight* piece = FindLocked(catch_up_.back());
    catch_up_.pop_back();
    if (piece == nullptr || !piece->needs_catch_up()) continue;
    CatchUp turn{piece->piece_index, piece->hashed_blocks, 0, &piece->hasher};
    while (piece->hashed_blocks < piece->block_count() && turn.block_count < kMaxBlocks &&
           piece->blocks[piece->hashed_blocks].state == State::kOnDisk) {
      piece->hashed_blocks++;
      turn.block_count++;
    }
    piece->hash_token_taken = true;
    return turn;
  }
  return absl::nullopt;
}

void PieceQueue::HashDone(absl::Span<const uint32_t> pieces, Effects* effects) {
  MutexLock lock(&mutex_);
  for (uint32_t piece_index : pieces) {
    PieceInFlight* piece = FindLocked(piece_index);
    piece->hash_token_taken = false;
    if (piece->hashed_blocks == piece->block_count() && !piece->restart) JudgeHashLocked(piece, effects);
    if (piece->needs_catch_up()) {
      catch_up_.push_back(piece_index);
      effects->upkeep_due = true;
    }
    if (piece->drained()) SettleLocked(piece, effects);
  }
}

void PieceQueue::HashFailed(uint32_t piece_index, Effects* effects) {
  MutexLock lock(&mutex_);
  PieceInFlight* piece = FindLocked(piece_index);
  piece->hash_token_taken = false;
  piece->restart = true;
  UpdateOpenLocked(piece);
  if (piece->drained()) RestartLocked(piece, effects);
}

void PieceQueue::JudgeHashLocked(PieceInFlight* piece, Effects* effects) {
  const uint32_t piece_index = piece->piece_index;
  if (piece->hasher.Finish() == metainfo_->PieceHash(piece_index)) {
    piece->verified = true;
    effects->verified.push_back(piece_index);
    return;
  }
  piece->failed = true;
  corrupt_bytes_.fetch_add(layout_->PieceBytes(piece_index), std::memory_order_relaxed);
  effects->failed.push_back(piece_index);
  // Whoever sent all of it is proven to lie; of several, any one may have.
  const ClaimantId first = piece->blocks[0].contributor();
  const bool alone = std::all_of(piece->blocks.begin(), piece->blocks.end(),
                                 [first](const BlockInFlight& block) { return block.contributor() == first; });
  if (alone && first != 0) {
    if (Endpoint liar = EndpointOfLocked(first); liar.port != 0) effects->liars.push_back(liar);
  }
  UpdateOpenLocked(piece);
}

void PieceQueue::SettleLocked(PieceInFlight* piece, Effects* effects) {
  const uint32_t piece_index = piece->piece_index;
  if (piece->verified && piece->on_disk_blocks == piece->block_count()) {
    EndLocked(piece);
    BecomeWrittenLocked(piece_index, effects);
    return;
  }
  if (piece->restart) {
    RestartLocked(piece, effects);
    return;
  }
  if (!piece->failed) return;
  const ClaimantId first = piece->blocks[0].contributor();
  const bool alone = std::all_of(piece->blocks.begin(), piece->blocks.end(),
                                 [first](const BlockInFlight& block) { return block.contributor() == first; });
  if (alone && first != 0) {
    RestartLocked(piece, effects);
  } else {
    to_examine_.push_back(piece_index);
    effects->upkeep_due = true;
  }
}

void PieceQueue::RestartLocked(PieceInFlight* piece, Effects* effects) {
  const uint32_t piece_index = piece->piece_index;
  EndLocked(piece);
  missing_.Insert(piece_index, &random_);
  missing_bits_.Set(piece_index);
  effects->work_returned = true;
  UpdateCompleteLocked();
}

void PieceQueue::BecomeWrittenLocked(uint32_t piece_index, Effects* effects) {
  written_.Set(piece_index);
  written_log_.push_back(piece_index);
  news_count_.store(written_log_.size(), std::memory_order_release);
  written_bytes_.fetch_add(layout_->PieceBytes(piece_index), std::memory_order_relaxed);
  effects->written.push_back(piece_index);
  if (evidence_.contains(piece_index)) {
    to_judge_.push_back(piece_index);
    effects->upkeep_due = true;
  }
  UpdateCompleteLocked();
}

void PieceQueue::ReleaseExclusiveLocked(PieceInFlight* piece, Effects* effects) {
  if (piece == nullptr || piece->verified || piece->failed) return;
  for (uint32_t b = 0; b < piece->block_count(); b++) {
    BlockInFlight& block = piece->blocks[b];
    if (block.state != State::kRequested) continue;
    effects->cancels.push_back({piece->exclusive_owner, {piece->piece_index, b}});
    if (auto owner = sources_.find(piece->exclusive_owner); owner != sources_.end() && owner->second->outstanding > 0) {
      owner->second->outstanding--;
    }
    FreeBlockLocked(piece, b);
  }
  piece->exclusive_owner = 0;
  piece->owner = 0;
  if (piece->accepted_blocks == 0) return;
  // What it sent may not be mixed with another's.
  piece->restart = true;
  UpdateOpenLocked(piece);
  if (piece->drained()) RestartLocked(piece, effects);
}

// --- Evidence --------------------------------------------------------------------------------------------------------

absl::optional<uint32_t> PieceQueue::TakeFailed() {
  MutexLock lock(&mutex_);
  if (to_examine_.empty()) return absl::nullopt;
  const uint32_t piece_index = to_examine_.back();
  to_examine_.pop_back();
  return piece_index;
}

void PieceQueue::KeepEvidence(uint32_t piece_index, std::vector<Sha1Hash> block_hashes, Effects* effects) {
  MutexLock lock(&mutex_);
  PieceInFlight* piece = FindLocked(piece_index);
  Evidence round;
  round.block_hashes = std::move(block_hashes);
  for (const BlockInFlight& block : piece->blocks) round.contributors.push_back(block.contributor());
  evidence_[piece_index].push_back(std::move(round));
  RestartLocked(piece, effects);
}

absl::optional<uint32_t> PieceQueue::TakeVerdict() {
  MutexLock lock(&mutex_);
  if (to_judge_.empty()) return absl::nullopt;
  const uint32_t piece_index = to_judge_.back();
  to_judge_.pop_back();
  return piece_index;
}

void PieceQueue::Judge(uint32_t piece_index, absl::Span<const Sha1Hash> good_hashes, Effects* effects) {
  MutexLock lock(&mutex_);
  for (const Evidence& round : evidence_[piece_index]) {
    for (size_t b = 0; b < good_hashes.size() && b < round.block_hashes.size(); b++) {
      if (round.block_hashes[b] == good_hashes[b] || round.contributors[b] == 0) continue;
      Endpoint liar = EndpointOfLocked(round.contributors[b]);
      if (liar.port == 0) continue;
      if (std::find(effects->liars.begin(), effects->liars.end(), liar) == effects->liars.end()) {
        effects->liars.push_back(liar);
      }
    }
  }
  evidence_.erase(piece_index);
}

void PieceQueue::Lose(uint32_t piece_index, Effects* effects) {
  MutexLock lock(&mutex_);
  if (!written_.Clear(piece_index)) return;
  written_bytes_.fetch_sub(layout_->PieceBytes(piece_index), std::memory_order_relaxed);
  if (!wanted_.Test(piece_index)) return;
  missing_.Insert(piece_index, &random_);
  missing_bits_.Set(piece_index);
  effects->work_returned = true;
  UpdateCompleteLocked();
}

// --- What others look at ---------------------------------------------------------------------------------------------

bool PieceQueue::IsWritten(uint32_t piece_index) const {
  MutexLock lock(&mutex_);
  return written_.Test(piece_index);
}

wire::Bitfield PieceQueue::Written(size_t* log_place) const {
  MutexLock lock(&mutex_);
  *log_place = written_log_.size();
  return written_;
}

void PieceQueue::WrittenSince(size_t* log_place, std::vector<uint32_t>* pieces) const {
  MutexLock lock(&mutex_);
  pieces->insert(pieces->end(), written_log_.begin() + static_cast<ptrdiff_t>(*log_place), written_log_.end());
  *log_place = written_log_.size();
}

std::vector<std::pair<uint32_t, wire::Bitfield>> PieceQueue::PartialBlocks() const {
  MutexLock lock(&mutex_);
  std::vector<std::pair<uint32_t, wire::Bitfield>> partial;
  for (const auto& [index, piece] : in_flight_) {
    if (piece->on_disk_blocks == 0 || piece->failed || piece->restart || piece->exclusive) continue;
    wire::Bitfield blocks(piece->block_count());
    for (uint32_t b = 0; b < piece->block_count(); b++) {
      if (piece->blocks[b].state == State::kOnDisk) blocks.Set(b);
    }
    partial.emplace_back(index, std::move(blocks));
  }
  return partial;
}

uint32_t PieceQueue::UnfinishedPieces() const {
  MutexLock lock(&mutex_);
  return static_cast<uint32_t>(missing_.size() + in_flight_.size());
}

}  // namespace torrent
