#include "dht/node_id.h"

#include <algorithm>
#include <array>
#include <bit>

#include "absl/types/span.h"
#include "base/crc32c.h"
#include "base/random.h"

namespace torrent {

namespace {

// BEP 42: the less significant a byte of the address is, the more of its bits count; of IPv6 the network half alone.
constexpr std::array<uint8_t, 4> kIdMaskV4 = {0x03, 0x0f, 0x3f, 0xff};
constexpr std::array<uint8_t, 8> kIdMaskV6 = {0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff};

// Its first 21 bits are those of the id.
uint32_t IdPrefix(const Address& address, uint8_t r) {
  const absl::Span<const uint8_t> bytes = address.bytes();
  const absl::Span<const uint8_t> mask =
      address.is_v4() ? absl::MakeConstSpan(kIdMaskV4) : absl::MakeConstSpan(kIdMaskV6);
  std::array<uint8_t, 8> masked;
  for (size_t i = 0; i < mask.size(); ++i) masked[i] = bytes[i] & mask[i];
  masked[0] = static_cast<uint8_t>(masked[0] | (r & 7) << 5);
  return Crc32c(absl::MakeConstSpan(masked.data(), mask.size()));
}

uint32_t FirstBytes(const NodeId& id) {
  return uint32_t{id.bytes[0]} << 24 | uint32_t{id.bytes[1]} << 16 | uint32_t{id.bytes[2]} << 8;
}

}  // namespace

NodeId RandomNodeId() {
  NodeId id;
  SecureRandomBytes(id.bytes.data(), id.bytes.size());
  return id;
}

int SharedPrefixBits(const NodeId& a, const NodeId& b) {
  for (size_t i = 0; i < NodeId::kSize; ++i) {
    const auto difference = static_cast<uint8_t>(a.bytes[i] ^ b.bytes[i]);
    if (difference != 0) return static_cast<int>(8 * i) + std::countl_zero(difference);
  }
  return kNodeIdBits;
}

bool IsCloser(const NodeId& a, const NodeId& b, const NodeId& target) {
  for (size_t i = 0; i < NodeId::kSize; ++i) {
    if (a.bytes[i] == b.bytes[i]) continue;
    return (a.bytes[i] ^ target.bytes[i]) < (b.bytes[i] ^ target.bytes[i]);
  }
  return false;
}

NodeId RandomIdSharing(const NodeId& id, int bits) {
  NodeId result = RandomNodeId();
  const auto whole = static_cast<size_t>(bits / 8);
  std::copy_n(id.bytes.begin(), whole, result.bytes.begin());
  // Of the byte in which they part: the bits before are the same, the next one differs.
  const int shared = bits % 8;
  const auto same = static_cast<uint8_t>(0xff00 >> shared);
  const auto parting = static_cast<uint8_t>(0x80 >> shared);
  uint8_t& byte = result.bytes[whole];
  byte = static_cast<uint8_t>((id.bytes[whole] & same) | (~id.bytes[whole] & parting) | (byte & ~(same | parting)));
  return result;
}

NodeId NodeIdFor(const Address& address, uint8_t r) {
  const uint32_t prefix = IdPrefix(address, r);
  NodeId id = RandomNodeId();
  id.bytes[0] = static_cast<uint8_t>(prefix >> 24);
  id.bytes[1] = static_cast<uint8_t>(prefix >> 16);
  id.bytes[2] = static_cast<uint8_t>((prefix >> 8 & 0xf8) | (id.bytes[2] & 7));
  id.bytes[19] = r;
  return id;
}

bool NodeIdFits(const NodeId& id, const Address& address) {
  if (!address.is_global()) return true;
  return (IdPrefix(address, id.bytes[19]) ^ FirstBytes(id)) >> 11 == 0;
}

}  // namespace torrent
