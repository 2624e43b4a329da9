// A magnet link, and what it adds to the torrent that it names.
#include "torrent/magnet.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "net/endpoint.h"
#include "test/fuzz/fuzz_target.h"

namespace torrent::fuzz {

FUZZ_TARGET(magnet) {
  LooksLikeMagnet(input);
  const absl::StatusOr<Magnet> magnet = ParseMagnet(input);
  if (!magnet.ok()) return;
  // Hazards 30 and 31.
  FUZZ_CHECK(magnet->trackers.size() <= kMaxTrackers && magnet->web_seeds.size() <= kMaxWebSeeds);
  FUZZ_CHECK(magnet->peers.size() <= kMaxMagnetPeers && IsUtf8(magnet->name) && IsUtf8(magnet->notice));
  for (const std::string& peer : magnet->peers) FUZZ_CHECK(Endpoint::Parse(peer).has_value());
  uint64_t next = 0;
  for (const auto& [first, last] : magnet->selected) {
    FUZZ_CHECK(first >= next && first <= last && last < kMaxFiles);
    next = uint64_t{last} + 1;
  }
  Metainfo metainfo;
  metainfo.infohash = magnet->infohash;
  metainfo.name = magnet->name;
  AddHints(*magnet, &metainfo);
  const absl::StatusOr<Magnet> again = ParseMagnet(MagnetLink(metainfo));
  FUZZ_CHECK(!again.ok() || (again->infohash == magnet->infohash && again->trackers == magnet->trackers));
}

}  // namespace torrent::fuzz
