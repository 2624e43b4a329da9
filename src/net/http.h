// HTTP and HTTPS GET (RFC 9112) with a bound on everything: time, size, redirects, and where it may lead. cpp-httplib
// speaks the protocol, over connections of ours that it never touches (http_connection.h). Thread-safe; blocks its
// caller.
#ifndef TORRENT_NET_HTTP_H_
#define TORRENT_NET_HTTP_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/bind_options.h"
#include "net/endpoint.h"
#include "net/http_policy.h"
#include "net/resolver.h"
#include "net/url.h"

namespace torrent {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

enum class Family { kAny, kV4, kV6 };

struct HttpRequest {
  Url url;  // http or https; its userinfo becomes basic authorization
  HttpPolicy policy = HttpPolicy::kTracker;
  Family family = Family::kAny;
  BindOptions bind;
  // Sent beside Host, Accept-Encoding and Connection. Authorization and Cookie do not survive a redirect to another
  // origin.
  HttpHeaders headers;
  std::string user_agent;
  // What the body may hold, as it comes and after inflating.
  size_t max_body_bytes = kMaxTrackerBodyBytes;
  Duration connect_timeout = kHttpConnectTimeout;  // each hop: name, connection and TLS handshake
  Duration total_timeout = kHttpTotalTimeout;      // everything, redirects included
  int max_redirects = kMaxHttpRedirects;
  bool allow_idna = false;
  // A PEM file of authorities to trust beside the system's.
  std::string ca_file;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;     // inflated
  Url url;              // of the last hop
  Endpoint remote;      // really connected to at the last hop: the source of every address in the body

  // The first value of the header with this name in lower case; empty without one.
  absl::string_view Header(absl::string_view name) const;
};

// Asks for request.url and follows redirects. Any final status is a response; only the caller knows what a 400 means to
// it. Blocks until there is one, until a time is up, or until `cancel_fd` (-1: none) becomes readable. InvalidArgument:
// the answer breaks HTTP or a bound. PermissionDenied: where it may not lead, or a certificate that proves nothing.
// Unavailable, NotFound, DeadlineExceeded, Cancelled. Messages name URLs without userinfo and query.
absl::StatusOr<HttpResponse> HttpGet(const HttpRequest& request, Resolver* resolver, int cancel_fd);

}  // namespace torrent

#endif  // TORRENT_NET_HTTP_H_
