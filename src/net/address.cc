#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace torrent {

namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Whether the first `bits` bits of `ip` are those of `network`.
bool In(uint32_t ip, uint32_t network, int bits) { return (ip ^ network) >> (32 - bits) == 0; }

Reach ReachOfV4(uint32_t ip) {
  if (In(ip, 0x00000000, 8)) return Reach::kUnspecified;
  if (In(ip, 0x7f000000, 8)) return Reach::kLoopback;
  if (In(ip, 0xe0000000, 3)) return Reach::kMulticast;
  if (In(ip, 0xa9fe0000, 16)) return Reach::kLinkLocal;
  if (In(ip, 0x0a000000, 8) || In(ip, 0xac100000, 12) || In(ip, 0xc0a80000, 16) || In(ip, 0x64400000, 10)) {
    return Reach::kPrivate;
  }
  return Reach::kGlobal;
}

Reach ReachOfV6(const uint8_t* ip) {
  const uint64_t high = LoadBE64(ip);
  const uint64_t low = LoadBE64(ip + 8);
  if (high == 0 && low == 0) return Reach::kUnspecified;
  if (high == 0 && low == 1) return Reach::kLoopback;
  if (ip[0] == 0xff) return Reach::kMulticast;
  if (high >> 54 == 0xfe80 >> 6) return Reach::kLinkLocal;
  if (high >> 57 == 0xfc00 >> 9 || high >> 54 == 0xfec0 >> 6) return Reach::kPrivate;
  if (high >> 16 == 0x0064'ff9b'0001) return Reach::kPrivate;                     // RFC 8215: local NAT64
  if (high == 0 && low >> 32 == 0) return ReachOfV4(static_cast<uint32_t>(low));  // ::a.b.c.d
  if (high == 0x0064'ff9b'0000'0000 && low >> 32 == 0) return ReachOfV4(static_cast<uint32_t>(low));  // RFC 6052
  if (high >> 48 == 0x2002) return ReachOfV4(static_cast<uint32_t>(high >> 16));                      // RFC 3056: 6to4
  return Reach::kGlobal;
}

}  // namespace

const char* ReachName(Reach reach) {
  switch (reach) {
    case Reach::kUnspecified:
      return "unspecified";
    case Reach::kMulticast:
      return "multicast";
    case Reach::kLinkLocal:
      return "link-local";
    case Reach::kLoopback:
      return "loopback";
    case Reach::kPrivate:
      return "private";
    case Reach::kGlobal:
      return "global";
  }
  return "unknown";
}

absl::optional<Address> Address::FromBytes(absl::Span<const uint8_t> bytes) {
  Address address;
  if (bytes.size() == 4) {
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + 12);
  } else if (bytes.size() == 16) {
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  } else {
    return absl::nullopt;
  }
  return address;
}

absl::optional<Address> Address::Parse(absl::string_view text) {
  // inet_pton wants a terminated string: a NUL inside the text must not end it early.
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy || text.find('\0') != absl::string_view::npos) return absl::nullopt;
  memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  uint8_t bytes[16];
  if (inet_pton(AF_INET, copy, bytes) == 1) return FromBytes(absl::MakeConstSpan(bytes, 4));
  if (inet_pton(AF_INET6, copy, bytes) == 1) return FromBytes(absl::MakeConstSpan(bytes, 16));
  return absl::nullopt;
}

Address Address::V6Any() {
  Address address;
  address.bytes_ = {};
  return address;
}

Address Address::V4Loopback() {
  Address address;
  address.bytes_[12] = 127;
  address.bytes_[15] = 1;
  return address;
}

Address Address::V6Loopback() {
  Address address = V6Any();
  address.bytes_[15] = 1;
  return address;
}

bool Address::is_v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin()); }

absl::Span<const uint8_t> Address::bytes() const {
  absl::Span<const uint8_t> all(bytes_);
  return is_v4() ? all.subspan(kMappedPrefix.size()) : all;
}

std::string Address::ToString() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes().data(), text, sizeof text);
  return text;
}

Reach Address::reach() const { return is_v4() ? ReachOfV4(LoadBE32(&bytes_[12])) : ReachOfV6(bytes_.data()); }

}  // namespace torrent
