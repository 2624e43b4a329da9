// Bits between the rooms: storage knows no wire format and speaks of std::vector<bool>, the piece queue of bitfields.
#ifndef TORRENT_SWARM_PIECE_BITS_H_
#define TORRENT_SWARM_PIECE_BITS_H_

#include <vector>

#include "wire/bitfield.h"

namespace torrent {

inline wire::Bitfield ToBitfield(const std::vector<bool>& bits) {
  wire::Bitfield field(bits.size());
  for (size_t i = 0; i < bits.size(); i++) {
    if (bits[i]) field.Set(i);
  }
  return field;
}

inline std::vector<bool> ToBits(const wire::Bitfield& field) {
  std::vector<bool> bits(field.size());
  for (size_t i = field.FindSet(); i < field.size(); i = field.FindSet(i + 1)) bits[i] = true;
  return bits;
}

}  // namespace torrent

#endif  // TORRENT_SWARM_PIECE_BITS_H_
