// CRC-32C (Castagnoli): a checksum that BEP 40 (peer priority) and BEP 42 (DHT node ids) take as a hash of addresses.
// Thread-safe. For a few bytes at a time: nothing here is fast.
#ifndef TORRENT_BASE_CRC32C_H_
#define TORRENT_BASE_CRC32C_H_

#include <cstdint>

#include "absl/types/span.h"

namespace torrent {

// Polynomial 0x1EDC6F41, reflected, begun and ended with all ones: Crc32c("123456789") is 0xe3069283.
uint32_t Crc32c(absl::Span<const uint8_t> bytes);

}  // namespace torrent

#endif  // TORRENT_BASE_CRC32C_H_
