// Outgoing TCP connections.
// Thread-safe.
#ifndef TORRENT_NET_CONNECT_H_
#define TORRENT_NET_CONNECT_H_

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "net/bind_options.h"
#include "net/endpoint.h"

namespace torrent {

// A connected socket, non-blocking and close-on-exec, from where `bind` says. Blocks until it stands, until `deadline`,
// or until `cancel_fd` (-1: none) becomes readable, whichever is first. Unavailable: refused, unreachable.
// DeadlineExceeded, Cancelled. ResourceExhausted: no descriptor left. FailedPrecondition: `bind` has no address of that
// family. Every message names the endpoint.
absl::StatusOr<UniqueFd> Connect(const Endpoint& remote, const BindOptions& bind, TimePoint deadline, int cancel_fd);

}  // namespace torrent

#endif  // TORRENT_NET_CONNECT_H_
