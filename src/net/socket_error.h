// errno of a socket call as a Status: the one place where this room decides what a system error means.
#ifndef TORRENT_NET_SOCKET_ERROR_H_
#define TORRENT_NET_SOCKET_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace torrent {

// "`doing`: reason". `doing` names the call's purpose and the endpoint, "connect to 1.2.3.4:80".
// ResourceExhausted: descriptors, memory or ports of this machine are used up. AlreadyExists: address in use.
// PermissionDenied. DeadlineExceeded: the system gave the connection up. Unavailable: everything else, which is the
// network's doing.
absl::Status SocketError(int error, absl::string_view doing);

}  // namespace torrent

#endif  // TORRENT_NET_SOCKET_ERROR_H_
