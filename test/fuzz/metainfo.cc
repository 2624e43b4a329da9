// A .torrent file, and a bare `info` value, up to what is made of them: layout, names, the file written again, the
// link.
#include "torrent/metainfo.h"

#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "metainfo/piece_layout.h"
#include "test/fuzz/fuzz_target.h"
#include "torrent/magnet.h"

namespace torrent::fuzz {
namespace {

// Hazards 1 to 3, 5 and 8 to 10: the path stays below the download folder and moves no cursor.
void CheckPath(absl::string_view path) {
  FUZZ_CHECK(!path.empty() && IsUtf8(path));
  for (absl::string_view element : absl::StrSplit(path, '/')) {
    FUZZ_CHECK(!element.empty() && element != "." && element != ".." && element.size() <= kMaxPathElementBytes);
    for (char c : element) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\');
  }
}

void CheckMetainfo(const Metainfo& metainfo) {
  FUZZ_CHECK(metainfo.piece_length >= 1 && metainfo.piece_length <= kMaxPieceBytes);
  FUZZ_CHECK(metainfo.piece_count <= kMaxPieces && metainfo.total_length <= kMaxTorrentBytes);
  FUZZ_CHECK(metainfo.pieces_offset + 20 * uint64_t{metainfo.piece_count} <= metainfo.info_bytes.size());
  const PieceLayout layout(metainfo);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < layout.piece_count(); i++) {
    FUZZ_CHECK(layout.PieceBytes(i) >= 1 && layout.BlockCount(i) >= 1);
    metainfo.PieceHash(i);
    sum += layout.PieceBytes(i);
  }
  FUZZ_CHECK(sum == metainfo.total_length);
  uint64_t offset = 0;
  for (const MetainfoFile& file : metainfo.files) {
    if (!file.pad) CheckPath(file.path);
    FUZZ_CHECK(file.offset == offset);
    offset += file.length;
  }
  FUZZ_CHECK(offset == metainfo.total_length);
  FUZZ_CHECK(metainfo.trackers.size() <= kMaxTrackers && metainfo.web_seeds.size() <= kMaxWebSeeds);
}

}  // namespace

FUZZ_TARGET(metainfo) {
  const absl::StatusOr<Metainfo> metainfo = ParseMetainfo(input);
  if (metainfo.ok()) {
    CheckMetainfo(*metainfo);
    const absl::StatusOr<Metainfo> again = ParseMetainfo(EncodeMetainfo(*metainfo));
    FUZZ_CHECK(again.ok() && again->infohash == metainfo->infohash && again->trackers == metainfo->trackers);
    const absl::StatusOr<Magnet> link = ParseMagnet(MagnetLink(*metainfo));
    FUZZ_CHECK(!link.ok() || link->infohash == metainfo->infohash);
  }
  const absl::StatusOr<Metainfo> info = ParseInfo(input);
  if (info.ok()) CheckMetainfo(*info);
}

}  // namespace torrent::fuzz
