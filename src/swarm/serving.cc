#include "swarm/serving.h"

#include "swarm/piece_hasher.h"

namespace torrent {

void Serving::Begin(wire::Bitfield unproven) {
  MutexLock lock(&mutex_);
  all_proven_.store(unproven.none());
  unproven_ = std::move(unproven);
}

Serving::Answer Serving::MayServe(uint32_t piece_index, PieceQueue::Effects* effects) {
  if (!queue_->IsWritten(piece_index)) return Answer::kNotThere;
  if (all_proven_.load(std::memory_order_relaxed)) return Answer::kServe;
  {
    MutexLock lock(&mutex_);
    if (!unproven_.Test(piece_index)) return Answer::kServe;
  }
  // Two workers may prove the same piece at once; that costs a little and is right.
  const PieceLayout& layout = files_->layout();
  Sha1 hasher;
  const bool there = HashRange(files_, layout.PieceOffset(piece_index), layout.PieceBytes(piece_index), &hasher).ok() &&
                     hasher.Finish() == files_->metainfo().PieceHash(piece_index);
  {
    MutexLock lock(&mutex_);
    unproven_.Clear(piece_index);
    if (unproven_.none()) all_proven_.store(true, std::memory_order_relaxed);
  }
  if (there) return Answer::kServe;
  queue_->Lose(piece_index, effects);
  return Answer::kLost;
}

}  // namespace torrent
