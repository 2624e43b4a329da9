// SHA-256 of bytes that lie in one piece, as the merkle trees of BEP 52 need it. Thread-safe.
#ifndef TORRENT_BASE_SHA256_H_
#define TORRENT_BASE_SHA256_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace torrent {

using Sha256Hash = std::array<uint8_t, 32>;

Sha256Hash Sha256(absl::Span<const uint8_t> bytes);

}  // namespace torrent

#endif  // TORRENT_BASE_SHA256_H_
