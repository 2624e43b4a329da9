// The piece hashes of a new torrent, computed on all cores.
#ifndef TORRENT_METAINFO_SOURCE_HASHER_H_
#define TORRENT_METAINFO_SOURCE_HASHER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "metainfo/piece_layout.h"
#include "metainfo/source_files.h"

namespace torrent {

// The SHA-1 of each piece of `layout` over the files of `tree`, one after the other: the `pieces` of an info
// dictionary. Blocks; takes one thread and one buffer of 256 KiB a core. `progress` as in CreateOptions. Errors name
// the file: it cannot be read, or is not what the walk saw. Cancelled when `progress` says so.
absl::StatusOr<std::string> HashSource(const SourceTree& tree, const PieceLayout& layout,
                                       const std::function<bool(uint64_t, uint64_t)>& progress);

}  // namespace torrent

#endif  // TORRENT_METAINFO_SOURCE_HASHER_H_
