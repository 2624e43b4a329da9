// Who is in which swarm: all that a tracker knows (BEP 3). Keeps peers for two intervals after their last announce.
// Pure: no I/O, no clock; every call takes `now`. Thread: one at a time; its owner has the lock.
// Invariants: kMaxServedPeers and kMaxServedSwarms are never exceeded; a swarm without peers is forgotten.
#ifndef TORRENT_TRACKER_SERVER_ANNOUNCE_TABLE_H_
#define TORRENT_TRACKER_SERVER_ANNOUNCE_TABLE_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/endpoint.h"
#include "torrent/sha1.h"
#include "tracker/announce.h"

namespace torrent {

using PeerIdBytes = std::array<uint8_t, 20>;

struct ServedAnnounce {
  Infohash infohash;
  PeerIdBytes peer_id{};
  // Any text that the peer keeps for itself: together with the peer id it proves that announces from two addresses (of
  // both families, BEP 7) are one peer's. Empty: each address is a peer.
  std::string key;
  Endpoint endpoint;  // address really connected from, port that the peer says it listens on
  bool seeder = false;
  TrackerEvent event = TrackerEvent::kNone;
  size_t numwant = 0;
};

struct ServedPeer {
  PeerIdBytes peer_id{};
  Endpoint endpoint;
};

struct ServedAnswer {
  int64_t complete = 0;
  int64_t incomplete = 0;
  std::vector<ServedPeer> peers;
};

class AnnounceTable {
 public:
  // Peers are forgotten when they have been silent for `lifetime`. `seed` chooses which peers are named.
  AnnounceTable(Duration lifetime, uint64_t seed) : lifetime_(lifetime), random_(seed) {}

  // Enters, refreshes or (kStopped) removes the peer, and names others of its swarm: at most `numwant` and
  // kMaxServedNumwant, chosen at random, never itself, no seeders to seeders, and only addresses that the peer can be
  // led to from where it is (net/address_policy.h). A peer of two families is named by the address of the asking one's
  // family. ResourceExhausted: the table is full; nothing was entered.
  absl::StatusOr<ServedAnswer> Announce(const ServedAnnounce& announce, TimePoint now);

  // All zero for a swarm that is not known.
  ScrapeReply::File Scrape(const Infohash& infohash, TimePoint now);

  size_t swarm_count() const { return swarms_.size(); }
  size_t peer_count() const { return peer_count_; }

 private:
  struct Identity {
    PeerIdBytes peer_id;
    uint64_t proof;  // a hash of the key, or of the address
    friend bool operator==(const Identity& a, const Identity& b) {
      return a.proof == b.proof && a.peer_id == b.peer_id;
    }
    template <typename H>
    friend H AbslHashValue(H h, const Identity& identity) {
      return H::combine(std::move(h), identity.peer_id, identity.proof);
    }
  };
  // Where a peer is in one family; port 0: nowhere.
  struct Place {
    Endpoint endpoint;
    TimePoint seen;
  };
  struct Peer {
    Identity identity;
    Place v4, v6;
    bool seeder = false;
  };
  struct Swarm {
    std::vector<Peer> peers;
    absl::flat_hash_map<Identity, size_t> by_identity;  // index in peers
    int64_t complete = 0;                               // seeders among peers
    int64_t downloaded = 0;                             // `completed` announced, while the swarm lasts
  };

  static Identity IdentityOf(const ServedAnnounce& announce);
  void RemovePeer(Swarm* swarm, size_t index);
  void NamePeers(const Swarm& swarm, const ServedAnnounce& announce, TimePoint now, ServedAnswer* answer);
  bool Alive(const Place& place, TimePoint now) const {
    return place.endpoint.port != 0 && now - place.seen < lifetime_;
  }
  // Forgets silent peers and empty swarms, when it is time for that.
  void Sweep(TimePoint now);

  const Duration lifetime_;
  Random random_;
  absl::flat_hash_map<Infohash, Swarm> swarms_;
  size_t peer_count_ = 0;
  TimePoint next_sweep_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_SERVER_ANNOUNCE_TABLE_H_
