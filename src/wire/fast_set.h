// The pieces that a peer may request while it is choked (BEP 6, "allowed fast"): computed from its address and the
// infohash, so that it gets the same ones however often it connects.
// Thread: pure functions.
#ifndef TORRENT_WIRE_FAST_SET_H_
#define TORRENT_WIRE_FAST_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "torrent/sha1.h"

namespace torrent::wire {

// min(count, piece_count) different pieces for the peer at `address`, in the order in which the BEP makes them. Only
// the /24 of the address counts: a neighbour's free pieces are the same. The BEP defines this for IPv4 alone.
std::vector<uint32_t> AllowedFastSet(const std::array<uint8_t, 4>& address, const Infohash& infohash,
                                     uint32_t piece_count, size_t count);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_FAST_SET_H_
