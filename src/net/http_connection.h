// A connection for one hop of an HTTP request: name, address rule, TCP, TLS.
// Thread-safe; blocks its caller.
#ifndef TORRENT_NET_HTTP_CONNECTION_H_
#define TORRENT_NET_HTTP_CONNECTION_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "net/http.h"
#include "net/stream.h"

namespace torrent {

// Connects to the server of `url` as `request` says: tries its addresses of the wanted family in the resolver's order,
// each for its share of the time, and only those that the policy allows, and a redirect from `redirected_from` if there
// is one. The stream's remote() is the address that answered; for https its certificate was verified. PermissionDenied:
// no address was allowed, or the certificate proves nothing. Otherwise the last address's error.
absl::StatusOr<std::unique_ptr<Stream>> OpenHttpConnection(const HttpRequest& request, const Url& url,
                                                           const absl::optional<Address>& redirected_from,
                                                           Resolver* resolver, TimePoint deadline, int cancel_fd);

}  // namespace torrent

#endif  // TORRENT_NET_HTTP_CONNECTION_H_
