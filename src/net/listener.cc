#include "net/listener.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/status.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

// A burst of peers (a tracker just told all of them) waits here while workers are started.
constexpr int kBacklog = 128;

std::string Describe(bool v4, uint16_t port) {
  return absl::StrCat("listen on ", v4 ? "IPv4" : "IPv6", " port ", port);
}

// A listening socket. FailedPrecondition: this machine, or `bind`, has no such family; AlreadyExists: the port is
// taken.
absl::StatusOr<UniqueFd> ListenOn(bool v4, uint16_t port, const BindOptions& bind) {
  const std::string doing = Describe(v4, port);
  UniqueFd fd(socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    if (errno == EAFNOSUPPORT) return absl::FailedPreconditionError(SocketError(errno, doing).message());
    return SocketError(errno, doing);
  }
  const int on = 1;
  // A port whose old connections are still fading is free; one that somebody listens on is not.
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Otherwise the system may hand IPv4 connections to this socket too, under mapped addresses.
  if (!v4) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  absl::Status status = bind.Bind(fd.get(), v4, port);
  // What a machine says whose IPv6 is switched off: the family is there and has no address. An address that the user
  // chose and that is not there is an error instead.
  if (absl::IsResourceExhausted(status) && bind.any()) status = absl::FailedPreconditionError(status.message());
  RETURN_IF_ERROR(Annotate(status, doing));
  if (listen(fd.get(), kBacklog) != 0) {
    if (errno == EADDRNOTAVAIL) return absl::FailedPreconditionError(SocketError(errno, doing).message());
    return SocketError(errno, doing);
  }
  return fd;
}

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
    Listener listener;
    listener.port_ = static_cast<uint16_t>(candidate);

    absl::StatusOr<UniqueFd> v4 = ListenOn(true, listener.port_, bind);
    const absl::Status no_v4 = v4.status();
    if (v4.ok()) {
      listener.v4_ = *std::move(v4);
      if (listener.port_ == 0) listener.port_ = LocalEndpoint(listener.v4_.get()).value_or(Endpoint()).port;
    } else if (absl::IsAlreadyExists(no_v4)) {
      last = no_v4;
      continue;
    } else if (!absl::IsFailedPrecondition(no_v4)) {
      return no_v4;
    }

    absl::StatusOr<UniqueFd> v6 = ListenOn(false, listener.port_, bind);
    if (v6.ok()) {
      listener.v6_ = *std::move(v6);
      if (listener.port_ == 0) listener.port_ = LocalEndpoint(listener.v6_.get()).value_or(Endpoint()).port;
    } else if (absl::IsAlreadyExists(v6.status())) {
      last = v6.status();
      continue;
    } else if (!absl::IsFailedPrecondition(v6.status())) {
      return v6.status();
    }

    if (!listener.has_v4() && !listener.has_v6()) return no_v4;
    return listener;
  }
  return absl::UnavailableError(absl::StrCat("no free port from ", port, " on: ", last.message()));
}

absl::StatusOr<Listener::Accepted> Listener::Accept(TimePoint deadline, int cancel_fd) {
  while (true) {
    pollfd polled[3] = {{cancel_fd, POLLIN, 0}, {v4_.get(), POLLIN, 0}, {v6_.get(), POLLIN, 0}};
    const int ready = poll(polled, 3, PollTimeout(deadline, Now()));
    if (ready < 0 && errno != EINTR) return SocketError(errno, absl::StrCat("port ", port_, ": poll"));
    if (ready < 0) continue;
    if (polled[0].revents != 0) return absl::CancelledError(absl::StrCat("port ", port_, ": stopped"));
    if (ready == 0) {
      if (Now() < deadline) continue;
      return absl::DeadlineExceededError(absl::StrCat("port ", port_, ": nobody came"));
    }
    const bool take_v6 = polled[2].revents != 0 && (v6_first_ || polled[1].revents == 0);
    v6_first_ = !take_v6;
    sockaddr_storage storage = {};
    socklen_t size = sizeof storage;
    UniqueFd fd(accept4(take_v6 ? v6_.get() : v4_.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK || ConcernsOneConnectionOnly(error)) continue;
      return SocketError(error, absl::StrCat("accept on ", take_v6 ? "IPv6" : "IPv4", " port ", port_));
    }
    return Accepted{std::move(fd), Endpoint::FromSockaddr(storage).value_or(Endpoint())};
  }
}

}  // namespace torrent
