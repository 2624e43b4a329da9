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
  if (piece->owner == 0) abandoned_ += open ? 1 : -1;
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

void PieceQueue::SetOwnerLocked(PieceInFlight* piece, ClaimantId owner) {
  if (piece->open_place >= 0) abandoned_ += (owner == 0 ? 1 : 0) - (piece->owner == 0 ? 1 : 0);
  piece->owner = owner;
}

// The record's end, whatever the piece becomes.
void PieceQueue::EndLocked(PieceInFlight* piece) {
  for (ClaimantId id : piece->workers) sources_[id]->current = nullptr;
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
  TakeBackAllLocked(piece, effects);
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
  corrupt_bytes_.fetch_add(layout_->PieceBytes(piece_index), std::memory_order_relaxed);
  // Whoever sent all of it is proven to lie; of several, any one may have.
  const ClaimantId first = piece->blocks[0].contributor();
  const bool alone = std::all_of(piece->blocks.begin(), piece->blocks.end(),
                                 [first](const BlockInFlight& block) { return block.contributor() == first; });
  if (alone && first != 0 && !proven_liars_.insert(first).second) {
    // More of what it sent before it was found out: nothing new, and nothing to judge.
    piece->restart = true;
  } else {
    piece->failed = true;
    effects->failed.push_back(piece_index);
    if (alone && first != 0) {
      if (Endpoint liar = EndpointOfLocked(first); liar.port != 0) effects->liars.push_back(liar);
    }
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

// Nothing of the piece is asked of anybody any more.
void PieceQueue::TakeBackAllLocked(PieceInFlight* piece, Effects* effects) {
  for (uint32_t b = 0; b < piece->block_count(); b++) {
    if (piece->blocks[b].state != State::kRequested) continue;
    for (ClaimantId holder : piece->blocks[b].holders) {
      if (holder == 0) continue;
      effects->cancels.push_back({holder, {piece->piece_index, b}});
      auto source = sources_.find(holder);
      if (source != sources_.end() && source->second->outstanding > 0) source->second->outstanding--;
    }
    FreeBlockLocked(piece, b);
  }
}

void PieceQueue::ReleaseExclusiveLocked(PieceInFlight* piece, Effects* effects) {
  if (piece == nullptr || piece->verified || piece->failed) return;
  if (piece->accepted_blocks == piece->block_count()) return;  // all of it came; only the hash is still to say
  TakeBackAllLocked(piece, effects);
  piece->exclusive_owner = 0;
  SetOwnerLocked(piece, 0);
  if (piece->accepted_blocks == 0) return;
  // What it sent may not be mixed with another's.
  piece->restart = true;
  UpdateOpenLocked(piece);
  if (piece->drained()) RestartLocked(piece, effects);
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
