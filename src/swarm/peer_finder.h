// Where a torrent's peers come from, side by side: its trackers, the DHT (BEP 5), the local network (BEP 14). All begin
// at once, and one that is dead delays none of the others. What peers tell of peers (BEP 11) comes through the workers.
// A private torrent (BEP 27) has its trackers alone.
// Thread: the coordinator's; what the DHT and the local network find arrives on their threads and waits in an inbox.
#ifndef TORRENT_SWARM_PEER_FINDER_H_
#define TORRENT_SWARM_PEER_FINDER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "dht/dht.h"
#include "lan/lan_discovery.h"
#include "swarm/announcer.h"
#include "torrent/event.h"

namespace torrent {

class PeerFinder {
 public:
  struct Options {
    Announcer::Options announces;
    Dht* dht = nullptr;                                   // null: not asked
    LanDiscovery* lan = nullptr;                          // null: neither told nor heard
    bool is_private = false;                              // then both count as null
    std::vector<std::pair<std::string, uint16_t>> nodes;  // of the DHT, that the torrent names
  };
  struct Found {
    Endpoint endpoint;
    PeerSource source;
  };
  struct News {
    std::vector<Found> peers;             // checked against the address policy
    absl::optional<Address> own_address;  // ours, as a tracker sees it
  };

  // `wake` is called on any thread when there is news.
  static absl::StatusOr<std::unique_ptr<PeerFinder>> Create(Options options, const Events* events,
                                                            std::function<Announcer::Totals()> totals,
                                                            std::function<void()> wake);
  // Ends what is under way.
  ~PeerFinder();

  // Starts what is due and answers what came in since the last call.
  News Step(TimePoint now);
  TimePoint NextDeadline(TimePoint now) const;
  // The torrent turned out to be private: the DHT and the local network are left, and what came from them is forgotten.
  void LeaveDhtAndLan();
  // Peers are few: all sources are asked again as early as each allows.
  void RequestMorePeers(TimePoint now);

  // --- The trackers' part, see Announcer ---------------------------------------------------------------------------
  void Completed(TimePoint now) { announcer_->Completed(now); }
  // The DHT and the local network are left at once; the trackers are told, by further steps.
  void Stopped();
  bool Done() const { return announcer_->Done(); }
  void Cancel() { announcer_->Cancel(); }
  std::vector<std::pair<std::string, int64_t>> ForbiddenTimes(TimePoint now, int64_t wall_now) const {
    return announcer_->ForbiddenTimes(now, wall_now);
  }
  void RestoreForbiddenTimes(const std::vector<std::pair<std::string, int64_t>>& times, TimePoint now,
                             int64_t wall_now) {
    announcer_->RestoreForbiddenTimes(times, now, wall_now);
  }

 private:
  // Outlives this object where a callback still runs.
  struct Inbox {
    Mutex mutex;
    std::vector<Found> found ABSL_GUARDED_BY(mutex);
    bool search_ended ABSL_GUARDED_BY(mutex) = false;
  };

  PeerFinder(Options options, std::function<void()> wake, std::unique_ptr<Announcer> announcer);
  void StepDht(TimePoint now);

  const Infohash infohash_;
  const uint16_t port_;
  Dht* dht_;
  LanDiscovery* const lan_;
  const std::function<void()> wake_;
  const std::shared_ptr<Inbox> inbox_;
  const std::unique_ptr<Announcer> announcer_;
  std::unique_ptr<Dht::Search> search_;
  std::unique_ptr<LanDiscovery::Torrent> lan_torrent_;
  TimePoint search_begun_;
  TimePoint next_search_ = TimePoint::min();
  int searches_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_FINDER_H_
