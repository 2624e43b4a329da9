// A piece that several peers spoilt together, and who of them did: the hashes of its blocks are kept, it is fetched
// from one peer alone, and what is good then convicts who sent other bytes, and nobody else.
#include <algorithm>

#include "swarm/piece_queue.h"

namespace torrent {

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
  while (!to_judge_.empty()) {
    const uint32_t piece_index = to_judge_.back();
    to_judge_.pop_back();
    // One that was lost meanwhile is judged by when it is there again: what stands in its file now proves nothing.
    if (written_.Test(piece_index)) return piece_index;
  }
  return absl::nullopt;
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

}  // namespace torrent
