// The ladder by which a peer gets its next blocks:
//
//   1  more of the piece that this peer is on
//   2  a piece begun by a peer that left
//   3  a new piece: rarest first, random among equals, the first few at random
//   4  where no new one may be begun: free blocks of a piece that others are on, the one expected to finish last
//   5  nothing free at all: blocks that others hold, slowest holder first, where this peer is expected to be sooner
#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "swarm/piece_queue.h"

namespace torrent {

namespace {

using State = BlockInFlight::State;

// The first pieces are taken at random, not rarest first: a newcomer needs something to give soon, and the rarest piece
// has the fewest sources.
constexpr uint32_t kRandomFirstPieces = 4;
// A peer that would need longer than this for a piece alone helps with others' instead.
constexpr double kSlowPieceSeconds = 30;
// Being late by less than this is not worth another way.
constexpr double kLateSeconds = 0.5;
// The end begins when what nobody was asked for yet takes all together this long: a pipeline holds one second's worth.
constexpr double kEndSeconds = 2;
// Entries of the rarity order that are looked at one by one before a pass over the bitmaps takes over: mostly the first
// few will do, and this many cost less than the pass, which cannot stop early.
constexpr size_t kPickWindow = 1024;
// Records of pieces in flight cost 28 bytes a block: 3.5 MiB at this number, with 2 GiB of pieces begun.
constexpr size_t kMaxBlocksInFlight = 128 * 1024;
// Neighbours are begun one after the other within groups of this size, where rarity does not care: their blocks lie
// side by side in the file and leave in one write.
constexpr uint32_t kNeighbourBytes = 4u << 20;
// What a peer of unknown rate is taken for: a guess that lets it show what it can.
constexpr double kUnknownRate = 64 * 1024;
constexpr Duration kUnknownLatency = std::chrono::milliseconds(200);
// Blocks that one call takes of others' in the endgame: few, because each may come twice.
constexpr size_t kEndgameBlocks = 8;
// Outside the endgame a block changes its holder only for one that is so many times sooner.
constexpr uint32_t kMuchSooner = 4;

// Of all blocks offered those that are expected last: a heap, the soonest of them in front.
class LastExpected {
 public:
  struct Block {
    uint32_t expected_ms;  // of its soonest live holder; kNever when none is live
    PieceInFlight* piece;
    uint32_t number;
    int place;  // of the holder that changes
  };
  static constexpr uint32_t kNever = 0xffffffff;

  // At most `count`, none that is expected until `floor_ms`.
  LastExpected(size_t count, uint32_t floor_ms) : count_(count), floor_ms_(floor_ms) {}

  // What is expected until then is not worth an offer.
  uint32_t floor_ms() const { return floor_ms_; }
  void Offer(const Block& block) {
    if (block.expected_ms <= floor_ms_) return;
    if (blocks_.size() == count_) {
      std::pop_heap(blocks_.begin(), blocks_.end(), Later);
      blocks_.pop_back();
    }
    blocks_.push_back(block);
    std::push_heap(blocks_.begin(), blocks_.end(), Later);
    if (blocks_.size() == count_) floor_ms_ = std::max(floor_ms_, blocks_.front().expected_ms);
  }
  // The last one first.
  std::vector<Block> Take() {
    std::sort_heap(blocks_.begin(), blocks_.end(), Later);
    return std::move(blocks_);
  }

 private:
  static bool Later(const Block& a, const Block& b) { return a.expected_ms > b.expected_ms; }

  const size_t count_;
  uint32_t floor_ms_;
  std::vector<Block> blocks_;
};

// Offers what others hold of the piece and `id` may take over, and draws the piece's bounds anew. In the endgame a
// holder that is late may lose its place to one that is expected sooner than it is believed to be.
void OfferHeld(PieceInFlight* piece, ClaimantId id, bool endgame, uint32_t now_ms, LastExpected* last) {
  piece->ForgetBounds();
  for (uint32_t number = 0; number < piece->block_count(); number++) {
    const BlockInFlight& block = piece->blocks[number];
    const BlockTimes& times = piece->times[number];
    if (block.state != State::kRequested) continue;
    piece->Include(number);
    uint32_t soonest = LastExpected::kNever;
    int place = -1;
    for (int h = 0; h < 2; h++) {
      if (block.holders[h] == 0 || times.Overdue(h, now_ms)) {
        place = h;
        continue;
      }
      if (endgame && place < 0 && times.Late(h, now_ms)) place = h;
      soonest = std::min(soonest, endgame ? times.BelievedMs(h, now_ms) : times.expected_ms[h]);
    }
    if (block.holders[0] == id || block.holders[1] == id) continue;
    if (!endgame && soonest != LastExpected::kNever) {
      // It changes its holder, for there is only one.
      if (block.holders[0] != 0 && block.holders[1] != 0) continue;
      place = block.holders[0] != 0 ? 0 : 1;
    }
    if (place >= 0) last->Offer({soonest, piece, number, place});
  }
}

}  // namespace

// When the block after `ahead` others is expected from that source.
static uint32_t ExpectedMs(const PieceQueue::Pace& pace, uint32_t ahead, uint32_t now_ms) {
  const double rate = pace.bytes_per_second > 0 ? std::max(pace.bytes_per_second, 512.0) : kUnknownRate;
  const Duration latency = pace.bytes_per_second > 0 ? pace.latency : kUnknownLatency;
  return now_ms + static_cast<uint32_t>(1000 * (ToSeconds(latency) + (ahead + 1.0) * kBlockBytes / rate));
}

void PieceQueue::Claimant::Claim(size_t count, const Pace& pace, TimePoint now, absl::Span<const uint32_t> only,
                                 std::vector<BlockRef>* out, Effects* effects) {
  MutexLock lock(&queue_->mutex_);
  Source* source = queue_->sources_[id_].get();
  queue_->total_rate_ += pace.bytes_per_second - source->pace.bytes_per_second;
  source->pace = pace;
  const uint32_t now_ms = queue_->Milliseconds(now);
  if (!only.empty()) {
    const size_t end = out->size() + count;
    for (uint32_t piece_index : only) {
      if (out->size() >= end) return;
      if (!source->pieces.Test(piece_index)) continue;
      PieceInFlight* piece = queue_->FindLocked(piece_index);
      // One that must come from one peer alone does not come from a peer that may stop after any block.
      if (queue_->evidence_.contains(piece_index)) continue;
      if (piece == nullptr && queue_->missing_.Contains(piece_index)) piece = queue_->StartPieceLocked(piece_index);
      if (piece == nullptr || !queue_->MayTakeFreeLocked(*piece, *source)) continue;
      queue_->TakeFreeLocked(piece, source, end - out->size(), now_ms, out);
    }
    return;
  }
  const size_t all = out->size() + count;
  const size_t end = out->size() + queue_->ShareLocked(*source, count);
  const PieceInFlight* joined = nullptr;
  while (out->size() < end) {
    PieceInFlight* piece = queue_->NextPieceLocked(source);
    if (piece == nullptr) break;
    if (piece == joined) return;  // its share of what was left; the rest is for who is on it
    if (piece->owner != source->id) joined = piece;
    // What must come from one peer alone nobody else can help with.
    queue_->TakeFreeLocked(piece, source, (piece->exclusive ? all : end) - out->size(), now_ms, out);
  }
  if (out->size() >= end) return;
  queue_->TakeHeldLocked(source, std::min(end - out->size(), kEndgameBlocks), now_ms, out, effects);
}

// Towards the end a peer is asked for no more than it brings until all are through. Who holds a full pipeline then
// keeps the others waiting, or they take it over, and it comes twice.
size_t PieceQueue::ShareLocked(const Source& source, size_t count) const {
  const double rate = source.pace.bytes_per_second;
  double left = static_cast<double>(missing_.size()) * layout_->PieceBytes(0);
  if (rate <= 0 || left > kEndSeconds * total_rate_) return count;
  for (const auto& [index, piece] : in_flight_) {
    left += (piece->block_count() - piece->accepted_blocks) * double{kBlockBytes};
  }
  const double seconds = left / std::max(total_rate_, rate) + ToSeconds(source.pace.latency);
  // One on its way in any case, and one behind it, unless asking for the next is known to take less than a block does
  // and there is a next: what others hold is taken from them as soon as it is overdue.
  const bool free = missing_.size() > 0 || !open_.empty();
  const double latency = ToSeconds(source.pace.latency);
  const size_t sure = free && latency > 0 && latency * rate < kBlockBytes ? 1 : 2;
  const size_t share = static_cast<size_t>(seconds * rate / kBlockBytes) + sure;
  return std::min(count, share - std::min<size_t>(share, source.outstanding));
}

bool PieceQueue::MayTakeFreeLocked(const PieceInFlight& piece, const Source& source) const {
  if (piece.free_blocks == 0 || piece.failed || piece.restart || !source.pieces.Test(piece.piece_index)) return false;
  return !piece.exclusive || piece.exclusive_owner == 0 || piece.exclusive_owner == source.id;
}

void PieceQueue::LeaveCurrentLocked(Source* source) {
  PieceInFlight* piece = std::exchange(source->current, nullptr);
  if (piece == nullptr) return;
  piece->workers.erase(std::find(piece->workers.begin(), piece->workers.end(), source->id));
  if (piece->owner == source->id) SetOwnerLocked(piece, 0);
}

PieceInFlight* PieceQueue::NextPieceLocked(Source* source) {
  if (source->current != nullptr && MayTakeFreeLocked(*source->current, *source)) return source->current;
  LeaveCurrentLocked(source);
  PieceInFlight* piece = AbandonedPieceLocked(source);
  const bool slow = IsSlowForNewPieceLocked(*source);
  if (piece == nullptr && !slow) piece = NewPieceLocked(source);
  if (piece == nullptr) piece = PieceToJoinLocked(source);
  if (piece == nullptr && slow) piece = NewPieceLocked(source);
  if (piece == nullptr) return nullptr;
  source->current = piece;
  piece->workers.push_back(source->id);
  if (piece->owner == 0) SetOwnerLocked(piece, source->id);
  return piece;
}

bool PieceQueue::IsSlowForNewPieceLocked(const Source& source) const {
  if (source.pace.bytes_per_second <= 0) return false;
  const double seconds = layout_->PieceBytes(0) / source.pace.bytes_per_second;
  if (seconds > kSlowPieceSeconds) return true;
  // Towards the end a piece of its own would keep everybody waiting.
  const double left = static_cast<double>(missing_.size()) * layout_->PieceBytes(0) / std::max(total_rate_, 1.0);
  return seconds > kLateSeconds && seconds > 4 * left;
}

PieceInFlight* PieceQueue::AbandonedPieceLocked(Source* source) {
  if (abandoned_ == 0) return nullptr;
  for (PieceInFlight* piece : open_) {
    if (piece->owner == 0 && MayTakeFreeLocked(*piece, *source)) {
      if (piece->exclusive && IsSuspectLocked(piece->piece_index, *source)) continue;
      return piece;
    }
  }
  return nullptr;
}

// Whether others should fetch the piece before this source: it may have spoilt it, and somebody who did not has it too
// and is not much slower.
bool PieceQueue::IsSuspectLocked(uint32_t piece_index, const Source& source) const {
  auto evidence = evidence_.find(piece_index);
  if (evidence == evidence_.end()) return false;
  auto contributed = [&evidence](ClaimantId id) {
    for (const Evidence& round : evidence->second) {
      if (std::find(round.contributors.begin(), round.contributors.end(), id) != round.contributors.end()) return true;
    }
    return false;
  };
  if (!contributed(source.id)) return false;
  for (const auto& [id, other] : sources_) {
    if (other->pieces.Test(piece_index) && other->outstanding > 0 && !contributed(id) &&
        4 * other->pace.bytes_per_second >= source.pace.bytes_per_second) {
      return true;
    }
  }
  return false;
}

bool PieceQueue::MayBeginLocked(uint32_t piece_index, const Source& source) const {
  // The bits say the same as missing_, from a memory that is small enough to be in cache.
  return missing_bits_.Test(piece_index) && source.pieces.Test(piece_index) &&
         (evidence_.empty() || !IsSuspectLocked(piece_index, source));
}

PieceInFlight* PieceQueue::NewPieceLocked(Source* source) {
  // Who can help nowhere begins one all the same: else pieces of peers that left would keep those out that peers have.
  if (blocks_in_flight_ >= kMaxBlocksInFlight && PieceToJoinLocked(source) != nullptr) return nullptr;
  if (blocks_in_flight_ >= 4 * kMaxBlocksInFlight) return nullptr;
  absl::optional<uint32_t> pick = PickMissingLocked(*source);
  if (!pick) return nullptr;
  source->last_begun = *pick;
  source->suggested = kNoPiece;
  pieces_begun_++;
  PieceInFlight* piece = StartPieceLocked(*pick);
  return piece;
}

absl::optional<uint32_t> PieceQueue::PickMissingLocked(const Source& source) {
  const wire::Bitfield& has = source.pieces;
  if (missing_.size() == 0 || has.none()) return absl::nullopt;
  if (source.suggested != kNoPiece && MayBeginLocked(source.suggested, source)) return source.suggested;
  if (pieces_begun_ < kRandomFirstPieces) {
    for (int tries = 0; tries < 16; tries++) {
      const uint32_t piece_index = missing_.at(random_.Below(missing_.size()));
      if (MayBeginLocked(piece_index, source)) return piece_index;
    }
  }
  absl::optional<uint32_t> best;
  for (size_t place = 0; place < missing_.size() && place < kPickWindow; place++) {
    if (MayBeginLocked(missing_.at(place), source)) {
      best = missing_.at(place);
      break;
    }
  }
  if (!best && missing_.size() > kPickWindow) {
    // A peer with few pieces: one pass over the words, and the rarest of what it has.
    for (size_t w = 0; w < has.word_count(); w++) {
      for (uint64_t both = has.word(w) & missing_bits_.word(w); both != 0;) {
        const auto piece_index = static_cast<uint32_t>(wire::Bitfield::FirstBit(w, both));
        both &= ~(uint64_t{1} << (63 - piece_index % 64));
        if (best && missing_.Availability(piece_index) >= missing_.Availability(*best)) continue;
        if (MayBeginLocked(piece_index, source)) best = piece_index;
      }
    }
  }
  if (!best) return absl::nullopt;
  if (source.last_begun != kNoPiece) {
    const uint32_t next = source.last_begun + 1;
    const uint32_t group = std::max<uint32_t>(1, kNeighbourBytes / layout_->PieceBytes(0));
    if (next < layout_->piece_count() && next % group != 0 && MayBeginLocked(next, source) &&
        missing_.Availability(next) <= missing_.Availability(*best)) {
      return next;
    }
  }
  return best;
}

PieceInFlight* PieceQueue::PieceToJoinLocked(Source* source) {
  PieceInFlight* last = nullptr;
  double last_seconds = -1;
  for (PieceInFlight* piece : open_) {
    if (piece->exclusive || !MayTakeFreeLocked(*piece, *source)) continue;
    double rate = kUnknownRate;
    if (auto owner = sources_.find(piece->owner); owner != sources_.end()) {
      rate = std::max(owner->second->pace.bytes_per_second, 1024.0);
    }
    const double seconds = piece->free_blocks * double{kBlockBytes} / rate;
    if (seconds > last_seconds) {
      last_seconds = seconds;
      last = piece;
    }
  }
  return last;
}

void PieceQueue::TakeFreeLocked(PieceInFlight* piece, Source* source, size_t count, uint32_t now_ms,
                                std::vector<BlockRef>* out) {
  if (piece->exclusive) piece->exclusive_owner = source->id;
  auto take = [&](uint32_t number) {
    piece->SetHolder(number, 0, source->id, now_ms, ExpectedMs(source->pace, source->outstanding++, now_ms));
    piece->free_blocks--;
    out->push_back({piece->piece_index, number});
  };
  piece->end_free = std::min(piece->end_free, piece->block_count());
  // Who began the piece goes on from its front, hashing as it goes; who joins takes from the back, out of its way, and
  // at most half of what is left, so that both end together.
  const bool joins = piece->owner != 0 && piece->owner != source->id;
  if (joins) {
    size_t share = std::min<size_t>(count, (piece->free_blocks + 1) / 2);
    for (; share > 0 && piece->free_blocks > 0; piece->end_free--) {
      if (piece->blocks[piece->end_free - 1].state != State::kFree) continue;
      take(piece->end_free - 1);
      share--;
    }
  } else {
    for (; count > 0 && piece->free_blocks > 0; piece->first_free++) {
      if (piece->blocks[piece->first_free].state != State::kFree) continue;
      take(piece->first_free);
      count--;
    }
  }
  UpdateOpenLocked(piece);
}

// A piece that is fetched from one peer alone starts again with another when that peer is overdue, or so slow that this
// source would have all of it sooner.
bool PieceQueue::ShouldTakeOverLocked(const PieceInFlight& piece, const Source& source, uint32_t now_ms) const {
  if (piece.exclusive_owner == 0 || piece.exclusive_owner == source.id) return false;
  auto owner = sources_.find(piece.exclusive_owner);
  if (owner == sources_.end()) return true;
  for (uint32_t number = 0; number < piece.block_count(); number++) {
    if (piece.blocks[number].state != State::kRequested) continue;
    if (piece.times[number].Overdue(0, now_ms)) return true;
    break;  // it is asked in order: the first is the oldest
  }
  if (source.pace.bytes_per_second <= 0 || owner->second->pace.bytes_per_second <= 0) return false;
  const double mine = layout_->PieceBytes(piece.piece_index) / source.pace.bytes_per_second;
  const double left = (piece.block_count() - piece.accepted_blocks) * double{kBlockBytes};
  return left / owner->second->pace.bytes_per_second > 2 * mine + kLateSeconds;
}

void PieceQueue::TakeHeldLocked(Source* source, size_t count, uint32_t now_ms, std::vector<BlockRef>* out,
                                Effects* effects) {
  // While pieces are missing, a block is worth asking for twice only when who was asked is overdue. But a peer that has
  // nothing else for us may take over from one whose queue is long: what a seeder was to send next, a neighbour has by
  // now, and the seeder's line is free for what nobody else has.
  const bool endgame = missing_.size() == 0;
  const uint32_t mine = ExpectedMs(source->pace, source->outstanding, now_ms);
  LastExpected last(count, endgame ? mine : now_ms + kMuchSooner * (mine - now_ms) + BlockTimes::kGraceMs);
  std::vector<PieceInFlight*> stuck;
  for (auto& [index, piece] : in_flight_) {
    const uint32_t look_after_ms = endgame ? piece->late_after_ms : piece->overdue_after_ms;
    if (piece->latest_expected_ms <= last.floor_ms() && now_ms <= look_after_ms && !piece->exclusive) continue;
    if (piece->verified || piece->failed || piece->restart || !source->pieces.Test(index)) continue;
    if (piece->exclusive) {
      if (ShouldTakeOverLocked(*piece, *source, now_ms)) stuck.push_back(piece.get());
      continue;
    }
    OfferHeld(piece.get(), source->id, endgame, now_ms, &last);
  }
  for (PieceInFlight* piece : stuck) ReleaseExclusiveLocked(piece, effects);
  for (const LastExpected::Block& held : last.Take()) {
    const uint32_t expected_ms = ExpectedMs(source->pace, source->outstanding, now_ms);
    if (held.expected_ms <= expected_ms) break;
    const BlockRef ref{held.piece->piece_index, held.number};
    if (const ClaimantId late = held.piece->blocks[held.number].holders[held.place]; late != 0) {
      effects->cancels.push_back({late, ref});
      if (auto found = sources_.find(late); found != sources_.end() && found->second->outstanding > 0) {
        found->second->outstanding--;
      }
    }
    held.piece->SetHolder(held.number, held.place, source->id, now_ms, expected_ms);
    source->outstanding++;
    out->push_back(ref);
  }
}

}  // namespace torrent
