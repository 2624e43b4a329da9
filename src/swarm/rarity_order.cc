#include "swarm/rarity_order.h"

#include <utility>

namespace torrent {

RarityOrder::RarityOrder(uint32_t piece_count)
    : availability_(piece_count, 0), position_(piece_count, kOutside), begin_(1, 0) {}

uint32_t& RarityOrder::BeginOf(uint32_t availability) {
  while (begin_.size() <= availability) begin_.push_back(static_cast<uint32_t>(order_.size()));
  return begin_[availability];
}

void RarityOrder::Swap(uint32_t a, uint32_t b) {
  if (a == b) return;
  std::swap(order_[a], order_[b]);
  position_[order_[a]] = a;
  position_[order_[b]] = b;
}

void RarityOrder::AddPeerWith(uint32_t piece_index) {
  const uint32_t old = availability_[piece_index]++;
  if (!Contains(piece_index)) return;
  // The piece becomes the last of its group, and the border moves before it.
  uint32_t& border = BeginOf(old + 1);
  Swap(position_[piece_index], border - 1);
  border--;
}

void RarityOrder::RemovePeerWith(uint32_t piece_index) {
  const uint32_t old = availability_[piece_index]--;
  if (!Contains(piece_index)) return;
  // The piece becomes the first of its group, and the border moves behind it.
  uint32_t& border = BeginOf(old);
  Swap(position_[piece_index], border);
  border++;
}

void RarityOrder::Insert(uint32_t piece_index, Random* random) {
  const uint32_t group = availability_[piece_index];
  BeginOf(group);
  position_[piece_index] = static_cast<uint32_t>(order_.size());
  order_.push_back(piece_index);
  // From the end down through the groups that are more common: each gives its first place to its end.
  for (uint32_t a = static_cast<uint32_t>(begin_.size()) - 1; a > group; a--) {
    Swap(position_[piece_index], begin_[a]);
    begin_[a]++;
  }
  const uint32_t first = begin_[group];
  Swap(position_[piece_index], first + static_cast<uint32_t>(random->Below(position_[piece_index] - first + 1)));
}

void RarityOrder::Remove(uint32_t piece_index) {
  const uint32_t group = availability_[piece_index];
  BeginOf(group);
  // Up through the groups to the end: the last of each group takes the place, and the border moves before it.
  for (uint32_t a = group + 1; a < begin_.size(); a++) {
    Swap(position_[piece_index], begin_[a] - 1);
    begin_[a]--;
  }
  Swap(position_[piece_index], static_cast<uint32_t>(order_.size()) - 1);
  order_.pop_back();
  position_[piece_index] = kOutside;
}

}  // namespace torrent
