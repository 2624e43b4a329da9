#include "swarm/piece_hasher.h"

#include <algorithm>

#include "base/limits.h"
#include "base/status.h"

namespace torrent {

namespace {
// Eight blocks a read; too large for a worker's stack.
constexpr size_t kReadBytes = 128 * 1024;
}  // namespace

absl::Status HashRange(FileStore* files, uint64_t offset, uint64_t length, Sha1* hasher) {
  std::vector<uint8_t> buffer(std::min<uint64_t>(length, kReadBytes));
  while (length > 0) {
    absl::Span<uint8_t> part(buffer.data(), std::min<uint64_t>(length, buffer.size()));
    RETURN_IF_ERROR(files->ReadAt(offset, part));
    hasher->Update(part);
    offset += part.size();
    length -= part.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Sha1Hash>> HashBlocks(FileStore* files, uint32_t piece_index) {
  const PieceLayout& layout = files->layout();
  std::vector<Sha1Hash> hashes;
  Sha1 hasher;
  for (uint32_t block = 0; block < layout.BlockCount(piece_index); block++) {
    const uint64_t offset = layout.PieceOffset(piece_index) + uint64_t{block} * kBlockBytes;
    RETURN_IF_ERROR(HashRange(files, offset, layout.BlockBytes(piece_index, block), &hasher));
    hashes.push_back(hasher.Finish());
  }
  return hashes;
}

}  // namespace torrent
