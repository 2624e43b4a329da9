#include "swarm/swarm_resources.h"

#include "base/random.h"

namespace torrent {

PeerFinder::Options SwarmResources::Sources(const Infohash& infohash, const TorrentOptions& options) const {
  PeerFinder::Options sources;
  sources.dht = shared.dht;
  sources.lan = lan;
  Announcer::Options& announces = sources.announces;
  announces.infohash = infohash;
  announces.user_trackers = options.trackers;
  announces.context.resolver = resolver;
  announces.context.udp = udp_trackers;
  announces.context.bind = shared.bind;
  announces.context.user_agent = "torrent/" TORRENT_VERSION;
  announces.threads = this->announces;
  announces.peer_id = shared.peer_id;
  announces.port = shared.port;
  announces.key = tracker_key;
  announces.seed = SecureRandom64();
  return sources;
}

}  // namespace torrent
