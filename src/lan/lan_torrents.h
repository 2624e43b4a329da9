// The torrents of local discovery: which of them are to be announced when, and who is told of a peer that announces
// one. Decides only, without I/O or clock; every call takes `now`. Thread-safe. Hear runs callbacks, with no lock held,
// and belongs to one thread. Invariants: no torrent is due twice within kLanAnnounceInterval; a source is told of a
// torrent once a minute at most; no callback runs once Remove has returned.
#ifndef TORRENT_LAN_LAN_TORRENTS_H_
#define TORRENT_LAN_LAN_TORRENTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "lan/lsd_message.h"
#include "net/endpoint.h"
#include "torrent/sha1.h"

namespace torrent {

class LanTorrents {
 public:
  using OnPeer = std::function<void(const Endpoint& peer)>;

  explicit LanTorrents(uint64_t seed) : random_(seed) {}

  // The handle for Remove.
  uint64_t Add(const Infohash& infohash, OnPeer on_peer);
  // Waits for the callback of this torrent that runs, so it must not be called by one.
  void Remove(uint64_t id);

  // Those to announce now, each of which counts as announced: new ones at once, the others after five minutes, rounds
  // of them a minute apart at least.
  std::vector<Infohash> TakeDue(TimePoint now);
  // When TakeDue may have something if nothing is added.
  TimePoint NextDue() const;

  // `message` came from `source`: tells the torrents that it names.
  void Hear(const Address& source, const LsdMessage& message, TimePoint now);

 private:
  struct Told {
    uint16_t port;
    TimePoint at;
  };
  struct Torrent {
    Infohash infohash;
    std::shared_ptr<const OnPeer> on_peer;
    bool announced = false;
    TimePoint next;  // announce, after the first
    absl::flat_hash_map<Address, Told> told;
  };

  // Whether a torrent is told of this peer now; notes that it was.
  static bool MayTell(const Endpoint& peer, TimePoint now, Torrent* torrent);

  mutable Mutex mutex_;
  CondVar call_ended_;
  Random random_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Torrent> torrents_ ABSL_GUARDED_BY(mutex_);  // by handle
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t running_ ABSL_GUARDED_BY(mutex_) = 0;  // whose callback runs now; 0: none
  TimePoint next_round_ ABSL_GUARDED_BY(mutex_) = TimePoint::min();
};

}  // namespace torrent

#endif  // TORRENT_LAN_LAN_TORRENTS_H_
