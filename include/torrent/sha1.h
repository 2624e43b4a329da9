// SHA-1 digests as values. BEP 3 names torrents (the infohash) and checks pieces with them.
// Immutable once made; may be shared by threads.
#ifndef TORRENT_SHA1_H_
#define TORRENT_SHA1_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace torrent {

struct Sha1Hash {
  static constexpr size_t kSize = 20;
  std::array<uint8_t, kSize> bytes{};

  // The 20 raw bytes of a digest; `raw` must have that size.
  static Sha1Hash FromRaw(absl::string_view raw) {
    Sha1Hash hash;
    memcpy(hash.bytes.data(), raw.data(), kSize);
    return hash;
  }
  // 40 hexadecimal digits of either case; nothing for any other text.
  static absl::optional<Sha1Hash> FromHex(absl::string_view hex);

  absl::string_view Raw() const { return {reinterpret_cast<const char*>(bytes.data()), kSize}; }
  std::string Hex() const;

  friend bool operator==(const Sha1Hash& a, const Sha1Hash& b) { return a.bytes == b.bytes; }
  friend bool operator!=(const Sha1Hash& a, const Sha1Hash& b) { return a.bytes != b.bytes; }
  friend bool operator<(const Sha1Hash& a, const Sha1Hash& b) { return a.bytes < b.bytes; }
  template <typename H>
  friend H AbslHashValue(H state, const Sha1Hash& hash) {
    return H::combine(std::move(state), hash.bytes);
  }
};

// SHA-1 of the raw bytes of a torrent's `info` value, never of a re-encoded form.
using Infohash = Sha1Hash;

}  // namespace torrent

#endif  // TORRENT_SHA1_H_
