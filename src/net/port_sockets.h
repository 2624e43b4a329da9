// Our own sockets of both families on one port number, for the TCP listener and the UDP port.
// Value; its owner's thread. Invariant: at least one socket, and all have the same port.
#ifndef TORRENT_NET_PORT_SOCKETS_H_
#define TORRENT_NET_PORT_SOCKETS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/bind_options.h"

namespace torrent {

enum class Transport : uint8_t { kTcp, kUdp };

struct PortSockets {
  // Non-blocking and close-on-exec; those of TCP listen. IPv6 is a socket of its own and takes no IPv4 traffic. Not
  // valid: this machine, or the choice of `bind`, has no such family.
  UniqueFd v4;
  UniqueFd v6;
  uint16_t port = 0;

  // AlreadyExists: `port` is taken in one of the families (0: a number that the system chose in one family is taken in
  // the other, so try again). Otherwise what the system says, with port and family; FailedPrecondition: neither family
  // is there.
  static absl::StatusOr<PortSockets> Open(Transport transport, uint16_t port, const BindOptions& bind);
};

}  // namespace torrent

#endif  // TORRENT_NET_PORT_SOCKETS_H_
