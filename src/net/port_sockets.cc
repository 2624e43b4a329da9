#include "net/port_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/endpoint.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

// A burst of peers (a tracker just told all of them) waits here while workers are started.
constexpr int kBacklog = 128;

std::string Describe(Transport transport, bool v4, uint16_t port) {
  return absl::StrCat(transport == Transport::kTcp ? "listen on " : "open UDP over ", v4 ? "IPv4" : "IPv6", " port ",
                      port);
}

// FailedPrecondition: this machine, or `bind`, has no such family; AlreadyExists: the port is taken.
absl::StatusOr<UniqueFd> OpenSocket(Transport transport, bool v4, uint16_t port, const BindOptions& bind) {
  const std::string doing = Describe(transport, v4, port);
  const bool tcp = transport == Transport::kTcp;
  UniqueFd fd(socket(v4 ? AF_INET : AF_INET6, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    if (errno == EAFNOSUPPORT) return absl::FailedPreconditionError(SocketError(errno, doing).message());
    return SocketError(errno, doing);
  }
  const int on = 1;
  // A TCP port whose old connections are still fading is free; one that somebody listens on is not. For UDP the same
  // option would let two programs take one port, each for a part of the datagrams.
  if (tcp) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Otherwise the system may hand IPv4 traffic to this socket too, under mapped addresses.
  if (!v4) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  absl::Status status = bind.Bind(fd.get(), v4, port);
  // What a machine says whose IPv6 is switched off: the family is there and has no address. An address that the user
  // chose and that is not there is an error instead.
  if (absl::IsResourceExhausted(status) && bind.any()) status = absl::FailedPreconditionError(status.message());
  RETURN_IF_ERROR(Annotate(status, doing));
  if (tcp && listen(fd.get(), kBacklog) != 0) {
    if (errno == EADDRNOTAVAIL) return absl::FailedPreconditionError(SocketError(errno, doing).message());
    return SocketError(errno, doing);
  }
  return fd;
}

}  // namespace

absl::StatusOr<PortSockets> PortSockets::Open(Transport transport, uint16_t port, const BindOptions& bind) {
  PortSockets sockets;
  sockets.port = port;
  absl::Status absent;
  for (const bool v4 : {true, false}) {
    absl::StatusOr<UniqueFd> fd = OpenSocket(transport, v4, sockets.port, bind);
    if (absl::IsFailedPrecondition(fd.status())) {
      if (absent.ok()) absent = fd.status();
      continue;
    }
    if (!fd.ok()) return fd.status();
    if (sockets.port == 0) sockets.port = LocalEndpoint(fd->get()).value_or(Endpoint()).port;
    (v4 ? sockets.v4 : sockets.v6) = *std::move(fd);
  }
  if (!sockets.v4.valid() && !sockets.v6.valid()) return absent;
  return sockets;
}

}  // namespace torrent
