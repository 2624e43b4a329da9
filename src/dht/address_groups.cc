#include "dht/address_groups.h"

#include <algorithm>
#include <array>

namespace torrent {

namespace {

// Whether two global addresses of one family agree in as many bytes.
bool SharesBytes(const Address& a, const Address& b, size_t bytes_v4, size_t bytes_v6) {
  if (a.is_v4() != b.is_v4()) return false;
  const size_t bytes = a.is_v4() ? bytes_v4 : bytes_v6;
  return std::equal(a.bytes().begin(), a.bytes().begin() + bytes, b.bytes().begin()) && a.is_global() && b.is_global();
}

}  // namespace

bool IsSameHost(const Address& a, const Address& b) { return SharesBytes(a, b, 4, 8); }

bool IsSameNetwork(const Address& a, const Address& b) { return SharesBytes(a, b, 3, 6); }

Endpoint SourceOf(const Endpoint& from) {
  if (!from.address.is_global()) return from;
  if (from.address.is_v4()) return Endpoint{from.address, 0};
  std::array<uint8_t, 16> network{};
  std::copy_n(from.address.bytes().begin(), 8, network.begin());
  return Endpoint{*Address::FromBytes(network), 0};
}

}  // namespace torrent
