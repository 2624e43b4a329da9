#include "swarm/rarity_order.h"

#include <algorithm>
#include <utility>

namespace torrent {

RarityOrder::RarityOrder(uint32_t piece_count) : pieces_(piece_count), order_(piece_count), begin_(1, piece_count) {
  for (uint32_t i = 0; i < piece_count; i++) pieces_[i].place = order_[i] = i;
}

uint32_t& RarityOrder::BeginOf(uint32_t availability) {
  while (begin_.size() <= availability) begin_.push_back(static_cast<uint32_t>(order_.size()));
  return begin_[availability];
}

void RarityOrder::Swap(uint32_t a, uint32_t b) {
  if (a == b) return;
  std::swap(order_[a], order_[b]);
  pieces_[order_[a]].place = a;
  pieces_[order_[b]].place = b;
}

void RarityOrder::AddPeerWith(uint32_t piece_index) {
  const uint32_t old = pieces_[piece_index].availability++;
  if (!Contains(piece_index)) return;
  // The piece becomes the last of its group, and the border moves before it.
  uint32_t& border = BeginOf(old + 1);
  Swap(pieces_[piece_index].place, border - 1);
  border--;
}

void RarityOrder::RemovePeerWith(uint32_t piece_index) {
  const uint32_t old = pieces_[piece_index].availability--;
  if (!Contains(piece_index)) return;
  // The piece becomes the first of its group, and the border moves behind it.
  uint32_t& border = BeginOf(old);
  Swap(pieces_[piece_index].place, border);
  border++;
}

void RarityOrder::Insert(uint32_t piece_index, Random* random) {
  const uint32_t group = pieces_[piece_index].availability;
  BeginOf(group + 1);
  // Up from the front through the rarer groups: the last of each takes the place, and the border moves before it.
  for (uint32_t a = 0; a <= group; a++) {
    begin_[a]--;
    Swap(pieces_[piece_index].place, begin_[a]);
  }
  const uint32_t size = begin_[group + 1] - begin_[group];
  Swap(pieces_[piece_index].place, begin_[group] + static_cast<uint32_t>(random->Below(size)));
}

void RarityOrder::Remove(uint32_t piece_index) {
  // Down through the rarer groups to the front: the first of each takes the place, and the border moves behind it. What
  // is taken rarest first has only empty groups below it: nothing is swapped.
  uint32_t group = pieces_[piece_index].availability + 1;
  const uint32_t front = begin_[0];
  for (uint32_t place = pieces_[piece_index].place; place != front;) {
    group--;
    Swap(place, begin_[group]);
    place = begin_[group]++;
  }
  std::for_each(begin_.begin(), begin_.begin() + group, [](uint32_t& border) { border++; });
}

}  // namespace torrent
