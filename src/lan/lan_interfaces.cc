#include "lan/lan_interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "absl/types/optional.h"
#include "net/endpoint.h"

namespace torrent {

namespace {

absl::optional<Address> AddressOf(const sockaddr* socket_address) {
  if (socket_address == nullptr) return absl::nullopt;
  const int family = socket_address->sa_family;
  if (family != AF_INET && family != AF_INET6) return absl::nullopt;
  sockaddr_storage storage = {};
  memcpy(&storage, socket_address, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  const absl::optional<Endpoint> endpoint = Endpoint::FromSockaddr(storage);
  if (!endpoint) return absl::nullopt;
  return endpoint->address;
}

int LeadingOnes(absl::Span<const uint8_t> bytes) {
  int ones = 0;
  for (const uint8_t byte : bytes) {
    for (int bit = 7; bit >= 0; --bit, ++ones) {
      if ((byte >> bit & 1) == 0) return ones;
    }
  }
  return ones;
}

bool Fits(const ifaddrs& entry, const Address& address, const BindOptions& bind) {
  const auto has = [&entry](unsigned flag) { return (entry.ifa_flags & flag) != 0; };
  if (!has(IFF_UP)) return false;
  const std::string chosen = bind.ToString();
  if (!bind.any() && chosen != entry.ifa_name && chosen != address.ToString()) return false;
  // Loopback does not say that it takes multicast, and does.
  if (has(IFF_LOOPBACK)) return !bind.any();
  const Reach reach = address.reach();
  return has(IFF_MULTICAST) && (reach == Reach::kPrivate || reach == Reach::kGlobal);
}

}  // namespace

std::vector<LanInterface> LanInterfaces(const BindOptions& bind) {
  std::vector<LanInterface> interfaces;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return interfaces;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const absl::optional<Address> address = AddressOf(entry->ifa_addr);
    if (!address || !Fits(*entry, *address, bind)) continue;
    // A mask like 255.255.0.0 is no address of ours, but has its form.
    const absl::optional<Address> mask = AddressOf(entry->ifa_netmask);
    const int bits = mask && mask->is_v4() == address->is_v4() ? LeadingOnes(mask->bytes())
                                                               : static_cast<int>(address->bytes().size() * 8);
    interfaces.push_back({if_nametoindex(entry->ifa_name), *address, bits});
  }
  return interfaces;
}

bool InNetwork(const Address& address, const LanInterface& interface) {
  if (address.is_v4() != interface.address.is_v4()) return false;
  const absl::Span<const uint8_t> a = address.bytes(), b = interface.address.bytes();
  const auto bits = static_cast<size_t>(interface.prefix_bits);
  const size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(whole), b.begin())) return false;
  return bits % 8 == 0 || ((a[whole] ^ b[whole]) >> (8 - bits % 8)) == 0;
}

bool IsNeighbour(const Address& source, absl::Span<const LanInterface> interfaces) {
  switch (source.reach()) {
    case Reach::kPrivate:
    case Reach::kLoopback:
      return true;
    case Reach::kGlobal:
      return std::any_of(interfaces.begin(), interfaces.end(),
                         [&source](const LanInterface& interface) { return InNetwork(source, interface); });
    case Reach::kUnspecified:
    case Reach::kMulticast:
    case Reach::kLinkLocal:
      return false;
  }
  return false;
}

}  // namespace torrent
