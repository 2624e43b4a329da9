// Which files of a torrent are wanted: the expressions of `--select`, and the ranges of a magnet link. Pure.
#ifndef TORRENT_METAINFO_SELECTION_H_
#define TORRENT_METAINFO_SELECTION_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "torrent/metainfo.h"

namespace torrent {

// A flag a file, true for each that one of `expressions` names. An expression is a list, separated by commas, of
//   7         the file of that number: its place in `metainfo.files`, from 1
//   3-7, 5-   a range of numbers, the last one included; without it: to the end
//   *.flac    a shell pattern (fnmatch; `*` also matches slashes, a backslash takes the next character as it is, a
//   comma
//             too), held against the whole path and against the path below the torrent's own folder
// No expression at all: all files. Pad files count as places and are never wanted.
// InvalidArgument, quoting the part of the expression that is wrong: a number that no file has, a pad file's number, a
// range that runs backwards, a pattern that no file matches, an empty part.
absl::StatusOr<std::vector<bool>> SelectFiles(const Metainfo& metainfo, absl::Span<const std::string> expressions);

// The same for `so` of a magnet link (BEP 53; Magnet::selected): ranges of file indexes from 0, both ends within. What
// lies beyond the last file is ignored. No range at all: all files. InvalidArgument when no file is left.
absl::StatusOr<std::vector<bool>> SelectRanges(const Metainfo& metainfo,
                                               absl::Span<const std::pair<uint32_t, uint32_t>> ranges);

}  // namespace torrent

#endif  // TORRENT_METAINFO_SELECTION_H_
