// Which addresses count as one when the DHT bounds what one party may have: a host with its whole IPv6 network, a
// neighbourhood that is cheap to rent as a whole (BEP 45 and what came of it). The bounds hold for global addresses
// only: on a loopback or private network each endpoint is somebody of its own. Pure.
#ifndef TORRENT_DHT_ADDRESS_GROUPS_H_
#define TORRENT_DHT_ADDRESS_GROUPS_H_

#include "net/endpoint.h"

namespace torrent {

// Both global, and the same address; of IPv6 the same /64, which a host has for itself.
bool IsSameHost(const Address& a, const Address& b);
// Both global, and in the same /24; of IPv6 in the same /48, which a customer gets.
bool IsSameNetwork(const Address& a, const Address& b);
// Whose queries are counted together: of a global address the host, with port 0; otherwise the endpoint.
Endpoint SourceOf(const Endpoint& from);

}  // namespace torrent

#endif  // TORRENT_DHT_ADDRESS_GROUPS_H_
