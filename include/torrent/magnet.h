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
  std::vector<std::pair<std::string, uint16_t>> nodes;  // `dht` (not standard, written by libtorrent): DHT nodes
  std::string notice;                                   // what was left out and why; empty: nothing
};

// Whether `text` is meant as a magnet link: begins with "magnet:" in any case.
bool LooksLikeMagnet(absl::string_view text);

// Reads a link of at most 64 KiB. InvalidArgument with one line that says what is wrong; Unimplemented where it names a
// v2 torrent only (btmh). Other parameters that are unknown or broken are left out; where that is more than we take of
// their kind, or a host whose name may look like another's (punycode), `notice` says so.
absl::StatusOr<Magnet> ParseMagnet(absl::string_view link);

// The link of a torrent: xt, dn, all trackers and web seeds. A private torrent's too: whoever has it may hand it on.
std::string MagnetLink(const Metainfo& metainfo);

// Gives `metainfo`, made of the bare `info` value (ParseInfo), the trackers, web seeds and nodes of the link; those
// that it has stay in front. A private torrent (BEP 27) gets no nodes.
void AddHints(const Magnet& magnet, Metainfo* metainfo);

}  // namespace torrent

#endif  // TORRENT_MAGNET_H_
