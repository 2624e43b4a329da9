// Listening TCP sockets of both families on one port number. Has no thread of its own: who owns it runs Accept in a
// loop. Thread: its owner's. Invariant: at least one socket, and all have the same port.
#ifndef TORRENT_NET_LISTENER_H_
#define TORRENT_NET_LISTENER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "net/bind_options.h"
#include "net/endpoint.h"
#include "net/port_sockets.h"

namespace torrent {

class Listener {
 public:
  struct Accepted {
    UniqueFd fd;  // non-blocking, close-on-exec
    Endpoint remote;
  };

  // Listens on `port` where `bind` says, on IPv4 and, as a socket of its own, on IPv6. A port that is taken in either
  // family costs a try and the next one is looked at, `tries` in all; port 0: any number that is free in both. A
  // machine (or choice of `bind`) without one of the families listens on the other alone. Unavailable: all tries are
  // taken; PermissionDenied, FailedPrecondition... as the system says, with port and family.
  static absl::StatusOr<Listener> Open(uint16_t port, const BindOptions& bind, int tries);

  uint16_t port() const { return sockets_.port; }
  bool has_v4() const { return sockets_.v4.valid(); }
  bool has_v6() const { return sockets_.v6.valid(); }

  // The next connection. Blocks until `deadline`, or until `cancel_fd` (-1: none) becomes readable.
  // DeadlineExceeded, Cancelled. ResourceExhausted: no descriptor or memory for it; it stays in the queue, so pause
  // before the next call instead of spinning.
  absl::StatusOr<Accepted> Accept(TimePoint deadline, int cancel_fd);

 private:
  explicit Listener(PortSockets sockets) : sockets_(std::move(sockets)) {}
  PortSockets sockets_;
  bool v6_first_ = false;  // so that a flood on one family does not hide the other
};

}  // namespace torrent

#endif  // TORRENT_NET_LISTENER_H_
