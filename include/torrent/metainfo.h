// The content of a .torrent file (BEP 3; BEP 12 trackers, 19 web seeds, 27 private, 47 attributes), checked and with
// safe names: whoever holds a Metainfo need not distrust it.
// Immutable once parsed; shared by all threads of a torrent.
#ifndef TORRENT_METAINFO_H_
#define TORRENT_METAINFO_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "torrent/sha1.h"

namespace torrent {

struct MetainfoFile {
  // Where the file lies below the download folder: clean elements joined by '/', never absolute, never with "..".
  // With several files the first element is the torrent's name.
  std::string path;
  uint64_t offset = 0;  // of its first byte in the torrent
  uint64_t length = 0;
  bool pad = false;         // BEP 47: zeros that align the next file; never requested, never written
  bool executable = false;  // BEP 47
  bool symlink = false;     // BEP 47: has length 0 here; links are not created
};

struct Metainfo {
  Infohash infohash;
  std::string name;
  uint64_t total_length = 0;  // pad files included
  uint32_t piece_length = 0;
  uint32_t piece_count = 0;
  std::vector<MetainfoFile> files;
  bool multi_file = false;
  bool hybrid = false;  // has a v2 file tree as well (BEP 52); used as v1
  bool is_private = false;
  std::vector<std::vector<std::string>> trackers;       // tiers (BEP 12); a lone `announce` is a tier of one
  std::vector<std::string> web_seeds;                   // `url-list` (BEP 19)
  std::vector<std::pair<std::string, uint16_t>> nodes;  // DHT nodes (BEP 5)
  std::string comment;
  std::string created_by;
  absl::optional<int64_t> creation_date;  // seconds since 1970
  std::string info_bytes;                 // the raw `info` value, as hashed

  Sha1Hash PieceHash(uint32_t piece_index) const {
    return Sha1Hash::FromRaw(absl::string_view(info_bytes).substr(pieces_offset + 20 * size_t{piece_index}, 20));
  }
  size_t pieces_offset = 0;  // of the first piece hash in info_bytes
};

// Reads a .torrent file's bytes. InvalidArgument with one line that names the field and both values when it is not a
// usable one; Unimplemented for v2-only torrents.
absl::StatusOr<Metainfo> ParseMetainfo(absl::string_view bytes);

// The same for a bare `info` value, as metadata exchange (BEP 9) delivers it.
absl::StatusOr<Metainfo> ParseInfo(absl::string_view info_bytes);

// The bytes of a .torrent file with that `info` value and these trackers, web seeds, nodes and remarks. (Of a hybrid
// one without its v2 hashes of pieces, which nobody needs who uses it as v1.)
std::string EncodeMetainfo(const Metainfo& metainfo);

// Reads and parses `path`. NotFound, PermissionDenied and the like with the path for what the file system says.
absl::StatusOr<Metainfo> LoadMetainfo(const std::string& path);

}  // namespace torrent

#endif  // TORRENT_METAINFO_H_
