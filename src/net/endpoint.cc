#include "net/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace torrent {

absl::optional<Endpoint> Endpoint::Parse(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return absl::nullopt;
  absl::string_view host = text.substr(0, colon);
  const absl::string_view digits = text.substr(colon + 1);

  if (digits.empty() || digits.size() > 5) return absl::nullopt;
  uint32_t port = 0;
  for (char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return absl::nullopt;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > 65535) return absl::nullopt;

  // Brackets tell the colons of an IPv6 address from the one before the port: they must be there, and only there.
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != absl::string_view::npos)) return absl::nullopt;
  const absl::optional<Address> address = Address::Parse(host);
  if (!address) return absl::nullopt;
  return Endpoint{*address, static_cast<uint16_t>(port)};
}

absl::optional<Endpoint> Endpoint::FromCompact(absl::Span<const uint8_t> bytes) {
  if (bytes.size() != kCompactV4Bytes && bytes.size() != kCompactV6Bytes) return absl::nullopt;
  const size_t address_bytes = bytes.size() - 2;
  return Endpoint{*Address::FromBytes(bytes.first(address_bytes)), LoadBE16(bytes.data() + address_bytes)};
}

absl::optional<Endpoint> Endpoint::FromSockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in in;
    memcpy(&in, &storage, sizeof in);
    uint8_t bytes[4];
    memcpy(bytes, &in.sin_addr, sizeof bytes);
    return Endpoint{*Address::FromBytes(bytes), ntohs(in.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in;
    memcpy(&in, &storage, sizeof in);
    return Endpoint{*Address::FromBytes(in.sin6_addr.s6_addr), ntohs(in.sin6_port)};
  }
  return absl::nullopt;
}

std::string Endpoint::ToString() const {
  return address.is_v4() ? absl::StrCat(address.ToString(), ":", port)
                         : absl::StrCat("[", address.ToString(), "]:", port);
}

void Endpoint::AppendCompact(std::string* out) const {
  absl::StrAppend(out, AsText(address.bytes()));
  AppendBE16(out, port);
}

socklen_t Endpoint::ToSockaddr(sockaddr_storage* storage) const {
  *storage = {};
  if (address.is_v4()) {
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    memcpy(&in.sin_addr, address.bytes().data(), 4);
    memcpy(storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in = {};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  memcpy(&in.sin6_addr, address.bytes().data(), 16);
  memcpy(storage, &in, sizeof in);
  return sizeof in;
}

absl::optional<Endpoint> LocalEndpoint(int fd) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return absl::nullopt;
  return Endpoint::FromSockaddr(storage);
}

absl::optional<Endpoint> RemoteEndpoint(int fd) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return absl::nullopt;
  return Endpoint::FromSockaddr(storage);
}

}  // namespace torrent
