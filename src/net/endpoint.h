// An address with a port: as text, as the compact bytes of peer lists (BEP 23 for IPv4, BEP 7 for IPv6), as sockaddr.
// Immutable value of 18 bytes.
#ifndef TORRENT_NET_ENDPOINT_H_
#define TORRENT_NET_ENDPOINT_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "net/address.h"

namespace torrent {

inline constexpr size_t kCompactV4Bytes = 4 + 2;
inline constexpr size_t kCompactV6Bytes = 16 + 2;

struct Endpoint {
  Address address;
  uint16_t port = 0;

  // "1.2.3.4:80" or "[::1]:80"; the port in decimal, 0 to 65535.
  static absl::optional<Endpoint> Parse(absl::string_view text);
  // 4 or 16 bytes of address, 2 bytes of port, both in network order; nothing for any other length.
  static absl::optional<Endpoint> FromCompact(absl::Span<const uint8_t> bytes);
  // Nothing for families other than AF_INET and AF_INET6.
  static absl::optional<Endpoint> FromSockaddr(const sockaddr_storage& storage);

  std::string ToString() const;
  // 6 or 18 bytes.
  void AppendCompact(std::string* out) const;
  // Fills `storage` and returns the length that connect(2) and bind(2) want.
  socklen_t ToSockaddr(sockaddr_storage* storage) const;

  friend bool operator==(const Endpoint& a, const Endpoint& b) { return a.address == b.address && a.port == b.port; }
  friend bool operator!=(const Endpoint& a, const Endpoint& b) { return !(a == b); }
  friend bool operator<(const Endpoint& a, const Endpoint& b) {
    return a.address != b.address ? a.address < b.address : a.port < b.port;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Endpoint& e) {
    return H::combine(std::move(h), e.address, e.port);
  }
};

// Where this end (getsockname) and the other end (getpeername) of a connected or listening socket are; nothing for
// sockets of other families.
absl::optional<Endpoint> LocalEndpoint(int fd);
absl::optional<Endpoint> RemoteEndpoint(int fd);

}  // namespace torrent

#endif  // TORRENT_NET_ENDPOINT_H_
