// Network byte order (big endian), as every number of the peer protocol, compact peer lists and BEP 15 has it.
#ifndef TORRENT_BASE_BYTES_H_
#define TORRENT_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/internal/endian.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace torrent {

inline uint16_t LoadBE16(const void* p) { return absl::big_endian::Load16(p); }
inline uint32_t LoadBE32(const void* p) { return absl::big_endian::Load32(p); }
inline uint64_t LoadBE64(const void* p) { return absl::big_endian::Load64(p); }
inline void StoreBE16(void* p, uint16_t v) { absl::big_endian::Store16(p, v); }
inline void StoreBE32(void* p, uint32_t v) { absl::big_endian::Store32(p, v); }
inline void StoreBE64(void* p, uint64_t v) { absl::big_endian::Store64(p, v); }

inline void AppendBE16(std::string* out, uint16_t v) {
  char bytes[2];
  StoreBE16(bytes, v);
  out->append(bytes, sizeof bytes);
}
inline void AppendBE32(std::string* out, uint32_t v) {
  char bytes[4];
  StoreBE32(bytes, v);
  out->append(bytes, sizeof bytes);
}

// The same bytes under the other type: text formats use string_view, buffers use spans.
inline absl::Span<const uint8_t> AsBytes(absl::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline absl::string_view AsText(absl::Span<const uint8_t> s) {
  return {reinterpret_cast<const char*>(s.data()), s.size()};
}

}  // namespace torrent

#endif  // TORRENT_BASE_BYTES_H_
