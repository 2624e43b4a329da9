#include "wire/peer_priority.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/crc32c.h"

namespace torrent::wire {
namespace {

// BEP 40: the crc of both, the smaller first.
uint32_t CrcOfSorted(absl::string_view a, absl::string_view b) {
  const std::string both = a < b ? absl::StrCat(a, b) : absl::StrCat(b, a);
  return Crc32c(AsBytes(both));
}

}  // namespace

uint32_t PeerPriority(absl::Span<const uint8_t> address_a, uint16_t port_a, absl::Span<const uint8_t> address_b,
                      uint16_t port_b) {
  if (address_a == address_b) {
    std::string a, b;
    AppendBE16(&a, port_a);
    AppendBE16(&b, port_b);
    return CrcOfSorted(a, b);
  }
  // BEP 40: "the mask to be used should be FF.FF.55.55 unless the IP addresses are in the same /16", then FF.FF.FF.55,
  // then all of it; for IPv6 the same, beginning with six bytes. That is: whole bytes as far as both agree and one
  // more, at least 2 (6) of them; every other bit of the rest, so that one network does not own every priority.
  const size_t size = std::min(address_a.size(), address_b.size());
  size_t common = 0;
  while (common < size && address_a[common] == address_b[common]) ++common;
  const size_t whole = std::max<size_t>(size == 4 ? 2 : 6, common + 1);
  const auto masked = [whole](absl::Span<const uint8_t> address) {
    std::string out(AsText(address));
    for (size_t i = whole; i < out.size(); ++i) out[i] = static_cast<char>(out[i] & 0x55);
    return out;
  };
  return CrcOfSorted(masked(address_a), masked(address_b));
}

}  // namespace torrent::wire
