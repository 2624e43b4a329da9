// An `info` value of random bytes, and the messages that bring it (BEP 9).
#ifndef TORRENT_TEST_SWARM_METADATA_PIECES_H_
#define TORRENT_TEST_SWARM_METADATA_PIECES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/limits.h"
#include "base/random.h"
#include "wire/metadata_message.h"

namespace torrent {

inline std::string InfoOf(uint32_t size, uint64_t seed = 1) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t next = random.Next();
    memcpy(&bytes[i], &next, std::min(sizeof next, bytes.size() - i));
  }
  return bytes;
}

inline wire::MetadataMessage PieceOf(const std::string& info, uint32_t piece) {
  const auto size = static_cast<uint32_t>(info.size());
  return {wire::MetadataMessage::Type::kData, piece, size,
          absl::string_view(info).substr(size_t{piece} * kMetadataPieceBytes, wire::MetadataPieceBytes(size, piece))};
}

}  // namespace torrent

#endif  // TORRENT_TEST_SWARM_METADATA_PIECES_H_
