// An IP address and how far it reaches (RFC 1918, 3927, 4193, 4291, 6598, 6890).
// Immutable value of 16 bytes.
// Invariant: an IPv4 address has one form only: what comes in as ::ffff:a.b.c.d is a.b.c.d.
#ifndef TORRENT_NET_ADDRESS_H_
#define TORRENT_NET_ADDRESS_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace torrent {

// Where an address can be reached from. What the rule on hints (address_policy.h) compares.
enum class Reach : uint8_t {
  kUnspecified,  // 0/8, ::
  kMulticast,    // 224/4, ff00::/8; also broadcast and the never assigned 240/4
  kLinkLocal,    // 169.254/16, fe80::/10
  kLoopback,     // 127/8, ::1
  kPrivate,      // 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7, fec0::/10
  kGlobal,       // everything else
};

// "global", "loopback" ...: for messages.
const char* ReachName(Reach reach);

class Address {
 public:
  // 0.0.0.0.
  Address() = default;
  // 4 or 16 bytes in network order; nothing for any other length.
  static absl::optional<Address> FromBytes(absl::Span<const uint8_t> bytes);
  // "1.2.3.4" or "2001:db8::1", without brackets, scope, blanks, or the short forms that inet_aton takes.
  static absl::optional<Address> Parse(absl::string_view text);
  static Address V4Any() { return Address(); }
  static Address V6Any();
  static Address V4Loopback();
  static Address V6Loopback();

  bool is_v4() const;
  bool is_v6() const { return !is_v4(); }
  // 4 or 16 bytes in network order; valid as long as this object.
  absl::Span<const uint8_t> bytes() const;
  // IPv6 in the short form of RFC 5952.
  std::string ToString() const;

  // An IPv6 address that a gateway turns into an IPv4 one (v4-compatible, NAT64, 6to4) reaches as far as that one:
  // otherwise 64:ff9b::7f00:1 would be a global name of loopback.
  Reach reach() const;
  bool is_global() const { return reach() == Reach::kGlobal; }
  bool is_loopback() const { return reach() == Reach::kLoopback; }

  friend bool operator==(const Address& a, const Address& b) { return a.bytes_ == b.bytes_; }
  friend bool operator!=(const Address& a, const Address& b) { return a.bytes_ != b.bytes_; }
  friend bool operator<(const Address& a, const Address& b) { return a.bytes_ < b.bytes_; }
  template <typename H>
  friend H AbslHashValue(H h, const Address& a) {
    return H::combine(std::move(h), a.bytes_);
  }

 private:
  // IPv4 in its mapped form, ::ffff:a.b.c.d.
  std::array<uint8_t, 16> bytes_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
};

}  // namespace torrent

#endif  // TORRENT_NET_ADDRESS_H_
