// The missing pieces in the order of their availability, rarest first, random among equals.
// An array of pieces sorted by how many peers have them, with the borders between equals kept beside it: one more or
// one fewer peer with a piece is a swap with the border, whatever the number of pieces, and so is taking the rarest
// one. Seeds have all pieces alike and are not counted at all.
//
//   order_:  pieces outside | of availability 0 | of 1 | of 2 ...
//                           └ begin_[0]         └ begin_[1]
//
// Thread: under the piece queue's lock. Invariant: order_[pieces_[p].place] == p for every piece.
#ifndef TORRENT_SWARM_RARITY_ORDER_H_
#define TORRENT_SWARM_RARITY_ORDER_H_

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace torrent {

class RarityOrder {
 public:
  explicit RarityOrder(uint32_t piece_count);

  // One more (fewer) peer that is no seed has the piece. Counted for pieces outside the order too.
  void AddPeerWith(uint32_t piece_index);
  void RemovePeerWith(uint32_t piece_index);
  uint32_t Availability(uint32_t piece_index) const { return pieces_[piece_index].availability; }

  bool Contains(uint32_t piece_index) const { return pieces_[piece_index].place >= begin_[0]; }
  // Puts a piece at a random place among its equals.
  void Insert(uint32_t piece_index, Random* random);
  void Remove(uint32_t piece_index);

  // The pieces, rarest first.
  size_t size() const { return order_.size() - begin_[0]; }
  uint32_t at(size_t place) const { return order_[begin_[0] + place]; }

 private:
  void Swap(uint32_t a, uint32_t b);
  // Where the pieces of that availability begin; makes the border when there is none yet.
  uint32_t& BeginOf(uint32_t availability);

  struct Piece {
    uint32_t place = 0;  // in order_
    uint32_t availability = 0;
  };
  std::vector<Piece> pieces_;
  std::vector<uint32_t> order_;
  // begin_[a] is where the pieces in the order of availability >= a begin; those of availability a are
  // [begin_[a], begin_[a + 1]), the last group goes to the end. Below begin_[0] are the pieces outside.
  std::vector<uint32_t> begin_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_RARITY_ORDER_H_
