// The order in which peers are connected to (BEP 40, canonical peer priority): both ends of a connection compute the
// same number from both addresses, so that in a full swarm they agree which connections are worth keeping, and nobody
// can choose their neighbours. Thread: pure functions.
#ifndef TORRENT_WIRE_PEER_PRIORITY_H_
#define TORRENT_WIRE_PEER_PRIORITY_H_

#include <cstdint>

#include "absl/types/span.h"

namespace torrent::wire {

// The priority of the connection between `a` and `b`; higher goes first, and PeerPriority(a, b) == PeerPriority(b, a).
// Addresses are 4 or 16 bytes in network order, both of the same family; ports count only between equal addresses.
uint32_t PeerPriority(absl::Span<const uint8_t> address_a, uint16_t port_a, absl::Span<const uint8_t> address_b,
                      uint16_t port_b);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_PEER_PRIORITY_H_
