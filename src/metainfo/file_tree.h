// The v2 half of a .torrent (BEP 52): the `file tree` of an info dictionary, its piece layers, and whether both say the
// same as the v1 list beside them. v2 is strict: what is wrong anywhere makes the torrent unusable, since two programs
// could see different torrents in it. Pure.
#ifndef TORRENT_METAINFO_FILE_TREE_H_
#define TORRENT_METAINFO_FILE_TREE_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "torrent/bencode.h"
#include "torrent/metainfo.h"

namespace torrent {

// One file as the tree has it; a view into the decoded bytes, good during the call that gets it.
struct TreeFile {
  absl::Span<const absl::string_view> path;  // as it stands, not cleaned
  uint64_t length = 0;
  absl::string_view root;  // the `pieces root`, 32 bytes; empty for files without bytes, pad files and links
  bool pad = false;
  bool symlink = false;
};

// Checks the v2 fields of `info` (`file tree`, `piece length`) and calls `visit` for each file in the tree's order.
// InvalidArgument for whatever BEP 52 does not allow, or the first error of `visit`.
absl::Status WalkFileTree(const bencode::Value& info, absl::FunctionRef<absl::Status(const TreeFile&)> visit);

// Checks `piece layers` against the tree of `info`, which WalkFileTree has accepted: every layer belongs to a file
// larger than a piece, has one hash a piece, and hashes to its file's root. Layers may be missing: peers can send them.
absl::Status CheckPieceLayers(const bencode::Value& info, const bencode::Value& piece_layers);

// Checks that the v1 list of `info`, which `metainfo` was read from, has the same files in the same order as the tree:
// same paths, same lengths, each file with bytes at the beginning of a piece.
absl::Status CheckHybrid(const bencode::Value& info, const Metainfo& metainfo);

}  // namespace torrent

#endif  // TORRENT_METAINFO_FILE_TREE_H_
