// The interfaces on which local discovery speaks and hears, and who counts as a neighbour there. No state.
#ifndef TORRENT_LAN_LAN_INTERFACES_H_
#define TORRENT_LAN_LAN_INTERFACES_H_

#include <vector>

#include "absl/types/span.h"
#include "net/address.h"
#include "net/bind_options.h"

namespace torrent {

// One address of an interface; an interface with several addresses of a family appears once for each.
struct LanInterface {
  unsigned index = 0;  // the system's
  Address address;
  int prefix_bits = 0;  // of its network
};

// The interfaces that are up and take multicast, with the addresses at which a peer could come to us: not link-local
// ones, because no hint may lead there (net/address_policy.h). With a choice in `bind`, that interface or the one with
// that address, in that family alone. Loopback takes part only where it is chosen: then programs of one machine hear
// each other, and nothing leaves it.
std::vector<LanInterface> LanInterfaces(const BindOptions& bind);

// Whether `address` lies in the network of `interface`.
bool InNetwork(const Address& address, const LanInterface& interface);

// Whether somebody at `source` is heard. Private addresses and loopback are local by themselves; a global one is where
// it lies in a network of ours, as it does wherever hosts have public addresses (IPv6 mostly): from elsewhere it came
// by multicast routing or was forged, and would make us call a stranger.
bool IsNeighbour(const Address& source, absl::Span<const LanInterface> interfaces);

}  // namespace torrent

#endif  // TORRENT_LAN_LAN_INTERFACES_H_
