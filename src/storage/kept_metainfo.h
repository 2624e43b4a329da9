// The .torrent that was made of a magnet link's metadata, kept in the state folder, so that the same link starts at
// once the next time. Blocks on the disk. Thread-safe: a file is replaced whole.
#ifndef TORRENT_STORAGE_KEPT_METAINFO_H_
#define TORRENT_STORAGE_KEPT_METAINFO_H_

#include <string>

#include "absl/status/statusor.h"
#include "torrent/metainfo.h"

namespace torrent {

// Replaces the file at `path` (StateDir::MetainfoPath) atomically, mode 0600; nobody finds half of one, also not after
// a power cut. The file system's errors with the path.
absl::Status KeepMetainfo(const std::string& path, const Metainfo& metainfo);

// NotFound: none is kept. InvalidArgument: what is there is no .torrent, or of another torrent than `infohash`.
absl::StatusOr<Metainfo> LoadKeptMetainfo(const std::string& path, const Infohash& infohash);

}  // namespace torrent

#endif  // TORRENT_STORAGE_KEPT_METAINFO_H_
