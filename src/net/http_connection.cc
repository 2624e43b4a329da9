#include "net/http_connection.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/connect.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"

namespace torrent {

namespace {

// The addresses that may be asked; PermissionDenied or NotFound if that leaves none.
absl::StatusOr<std::vector<Address>> Allowed(const HttpRequest& request, const Url& url,
                                             const absl::optional<Address>& redirected_from,
                                             const std::vector<Address>& addresses) {
  std::vector<Address> allowed;
  absl::Status refused =
      absl::NotFoundError(absl::StrCat(url.host, ": no ", request.family == Family::kV6 ? "IPv6" : "IPv4", " address"));
  for (const Address& address : addresses) {
    if (request.family != Family::kAny && address.is_v4() != (request.family == Family::kV4)) continue;
    absl::Status status = CheckTarget(request.policy, url, address);
    if (status.ok() && redirected_from) status = CheckRedirect(*redirected_from, address);
    if (status.ok()) {
      allowed.push_back(address);
    } else {
      refused = status;
    }
  }
  if (allowed.empty()) return refused;
  return allowed;
}

absl::StatusOr<std::unique_ptr<Stream>> OpenAt(const Endpoint& server, const HttpRequest& request, const Url& url,
                                               TimePoint deadline, int cancel_fd) {
  ASSIGN_OR_RETURN(UniqueFd fd, Connect(server, request.bind, deadline, cancel_fd));
  std::unique_ptr<Stream> stream = std::make_unique<TcpStream>(std::move(fd), server);
  if (!url.is_https()) return stream;
  ASSIGN_OR_RETURN(std::unique_ptr<TlsStream> tls,
                   TlsStream::Connect(std::move(stream), url.host, request.ca_file, deadline, cancel_fd));
  return std::unique_ptr<Stream>(std::move(tls));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stream>> OpenHttpConnection(const HttpRequest& request, const Url& url,
                                                           const absl::optional<Address>& redirected_from,
                                                           Resolver* resolver, TimePoint deadline, int cancel_fd) {
  const TimePoint name_deadline = std::min(deadline, Now() + kResolveTimeout);
  ASSIGN_OR_RETURN(const std::vector<Address> named, resolver->Resolve(url.host, name_deadline, cancel_fd));
  ASSIGN_OR_RETURN(const std::vector<Address> addresses, Allowed(request, url, redirected_from, named));

  absl::Status last;
  for (size_t i = 0; i < addresses.size(); ++i) {
    // An address that swallows everything must leave time for the next: each gets its share of what is left.
    const TimePoint now = Now();
    const Duration share = (deadline - now) / static_cast<int>(addresses.size() - i);
    absl::StatusOr<std::unique_ptr<Stream>> stream =
        OpenAt(Endpoint{addresses[i], url.port}, request, url, now + share, cancel_fd);
    // Somebody who cannot prove the name is no network failure; another address of the same name is asked no more.
    if (stream.ok() || absl::IsPermissionDenied(stream.status()) || absl::IsCancelled(stream.status())) return stream;
    last = stream.status();
  }
  return last;
}

}  // namespace torrent
