#include "base/crc32c.h"

namespace torrent {

uint32_t Crc32c(absl::Span<const uint8_t> bytes) {
  constexpr uint32_t kPolynomial = 0x82f63b78;  // 0x1EDC6F41, lowest bit first
  uint32_t crc = ~uint32_t{0};
  for (uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  return ~crc;
}

}  // namespace torrent
