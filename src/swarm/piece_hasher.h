// Hashes pieces and blocks that lie in files: for what no worker hashed in passing, for evidence, for proof.
// Thread: any, one call at a time for one hasher. Blocks on the disk.
#ifndef TORRENT_SWARM_PIECE_HASHER_H_
#define TORRENT_SWARM_PIECE_HASHER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/sha1.h"
#include "storage/file_store.h"

namespace torrent {

// Passes [offset, offset + length) of the torrent through `hasher`. Errors of FileStore::ReadAt.
absl::Status HashRange(FileStore* files, uint64_t offset, uint64_t length, Sha1* hasher);

// The hash of each 16 KiB block of a piece.
absl::StatusOr<std::vector<Sha1Hash>> HashBlocks(FileStore* files, uint32_t piece_index);

}  // namespace torrent

#endif  // TORRENT_SWARM_PIECE_HASHER_H_
