// Magnet links (BEP 9; BEP 53 for `so`): a torrent named by its infohash, with hints where to find it.
// Immutable value once parsed.
#ifndef TORRENT_MAGNET_H_
#define TORRENT_MAGNET_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torrent/metainfo.h"
#include "torrent/sha1.h"

namespace torrent {

struct Magnet {
  Infohash infohash;
  std::string name;                                     // `dn`, cleaned for the eye; empty: none
  std::vector<std::vector<std::string>> trackers;       // `tr`, `tr.N`: a tier each, equal ones once
  std::vector<std::string> web_seeds;                   // `ws`
  std::vector<std::string> peers;                       // `x.pe`: "address:port"; names are left out
  std::vector<std::pair<uint32_t, uint32_t>> selected;  // `so`: ranges of file indexes, both ends within, ascending,
                                                        // not overlapping; empty: all
  std::vector<std::pair<std::string, uint16_t>> nodes;  // DHT nodes, where a link names some (`x.nodes` is not
                                                        // standard; empty so far)
  std::string notice;                                   // what was left out and why; empty: nothing
};

// Whether `text` is meant as a magnet link: begins with "magnet:" in any case.
bool LooksLikeMagnet(absl::string_view text);

// Reads a link of at most 64 KiB. InvalidArgument with one line that says what is wrong; Unimplemented where it names a
// v2 torrent only (btmh). Parameters that are unknown or broken are left out.
absl::StatusOr<Magnet> ParseMagnet(absl::string_view link);

// The link of a torrent: xt, dn, all trackers and web seeds.
std::string MagnetLink(const Metainfo& metainfo);

}  // namespace torrent

#endif  // TORRENT_MAGNET_H_
