// Making a .torrent (BEP 3, v1) of a file or a folder.
#ifndef TORRENT_CREATE_H_
#define TORRENT_CREATE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "torrent/sha1.h"

namespace torrent {

struct CreateOptions {
  std::string path;                    // the payload: a file or a folder
  std::vector<std::string> trackers;   // each becomes a tier of its own
  std::vector<std::string> web_seeds;  // BEP 19
  uint32_t piece_length = 0;           // a power of two from 16 KiB to 16 MiB; 0: chosen by size
  bool is_private = false;             // BEP 27
  std::string comment;
  absl::optional<int64_t> creation_date;  // seconds since 1970
  // Called about ten times a second with bytes hashed and in all, on the calling thread; false gives up (Cancelled).
  std::function<bool(uint64_t done, uint64_t total)> progress;
};

struct CreatedTorrent {
  std::string bytes;  // the .torrent file
  Infohash infohash;
  // One line each on a file whose name equals another's but for case: it is in the torrent, but downloads number it.
  std::vector<std::string> notices;
};

// Hashes on all cores; blocks until done. Files in the order of their paths' bytes; links are followed, folders without
// files leave no trace (BEP 3 has no place for them). Errors name the path: it cannot be read, changed while it was
// hashed, is neither file nor folder, has no file in it, or has a name that a download would have to change (not UTF-8,
// control characters).
absl::StatusOr<CreatedTorrent> CreateTorrent(const CreateOptions& options);

// The piece length that CreateTorrent chooses: the power of two in [16 KiB, 16 MiB] that gives at most 2000 pieces.
uint32_t ChoosePieceLength(uint64_t total_length);

}  // namespace torrent

#endif  // TORRENT_CREATE_H_
