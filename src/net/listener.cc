#include "net/listener.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

// The connection was gone before we took it, or was never ours to take: the next one is no worse (accept(2), ERRORS).
bool ConcernsOneConnectionOnly(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<Listener> Listener::Open(uint16_t port, const BindOptions& bind, int tries) {
  absl::Status last = absl::InvalidArgumentError(absl::StrCat("listen on port ", port, ": no try allowed"));
  for (int attempt = 0; attempt < tries; ++attempt) {
    const int candidate = port == 0 ? 0 : port + attempt;
    if (candidate > 65535) break;
    absl::StatusOr<PortSockets> sockets = PortSockets::Open(Transport::kTcp, static_cast<uint16_t>(candidate), bind);
    if (sockets.ok()) return Listener(*std::move(sockets));
    last = sockets.status();
    if (!absl::IsAlreadyExists(last)) return last;
  }
  return absl::UnavailableError(absl::StrCat("no free port from ", port, " on: ", last.message()));
}

absl::StatusOr<Listener::Accepted> Listener::Accept(TimePoint deadline, int cancel_fd) {
  while (true) {
    pollfd polled[3] = {{cancel_fd, POLLIN, 0}, {sockets_.v4.get(), POLLIN, 0}, {sockets_.v6.get(), POLLIN, 0}};
    const int ready = poll(polled, 3, PollTimeout(deadline, Now()));
    if (ready < 0 && errno != EINTR) return SocketError(errno, absl::StrCat("port ", sockets_.port, ": poll"));
    if (ready < 0) continue;
    if (polled[0].revents != 0) return absl::CancelledError(absl::StrCat("port ", sockets_.port, ": stopped"));
    if (ready == 0) {
      if (Now() < deadline) continue;
      return absl::DeadlineExceededError(absl::StrCat("port ", sockets_.port, ": nobody came"));
    }
    const bool take_v6 = polled[2].revents != 0 && (v6_first_ || polled[1].revents == 0);
    v6_first_ = !take_v6;
    sockaddr_storage storage = {};
    socklen_t size = sizeof storage;
    UniqueFd fd(accept4(take_v6 ? sockets_.v6.get() : sockets_.v4.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK || ConcernsOneConnectionOnly(error)) continue;
      return SocketError(error, absl::StrCat("accept on ", take_v6 ? "IPv6" : "IPv4", " port ", sockets_.port));
    }
    return Accepted{std::move(fd), Endpoint::FromSockaddr(storage).value_or(Endpoint())};
  }
}

}  // namespace torrent
