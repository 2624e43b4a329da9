// The peers that others announced to us (BEP 5: announce_peer), as long as they are fresh. Pure: no I/O, no clock.
// Thread: the DHT's. Invariant: kMaxDhtStoredTorrents, kMaxDhtStoredPeers and kMaxDhtStoredPeersPerTorrent are never
// exceeded; a full store keeps what is closest to our id, because that is what others look for here.
#ifndef TORRENT_DHT_PEER_STORE_H_
#define TORRENT_DHT_PEER_STORE_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "base/random.h"
#include "dht/node_id.h"
#include "net/endpoint.h"

namespace torrent {

class PeerStore {
 public:
  // `seed` chooses which peers are named.
  PeerStore(uint64_t seed, TimePoint now) : random_(seed), next_sweep_(now + std::chrono::minutes(1)) {}

  // Enters or refreshes; the oldest of a full torrent gives way.
  void Add(const Infohash& infohash, const Endpoint& peer, const NodeId& own_id, TimePoint now);
  // At most `count` peers that somebody at `asker` may be led to (net/address_policy.h), chosen at random.
  std::vector<Endpoint> Sample(const Infohash& infohash, const Address& asker, size_t count, TimePoint now);
  bool Has(const Infohash& infohash, TimePoint now) const;

  size_t torrent_count() const { return torrents_.size(); }
  size_t peer_count() const { return peer_count_; }

 private:
  struct Peer {
    Endpoint endpoint;
    TimePoint announced;
  };
  static bool Alive(const Peer& peer, TimePoint now);
  void Sweep(TimePoint now);
  // Makes room by forgetting the torrent farthest from `own_id`; false when that would be `infohash` itself.
  bool ForgetFarthest(const Infohash& infohash, const NodeId& own_id);

  absl::flat_hash_map<Infohash, std::vector<Peer>> torrents_;
  size_t peer_count_ = 0;
  Random random_;
  TimePoint next_sweep_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_PEER_STORE_H_
