// What peers tell about themselves, about others and about us, on its way from the workers to the coordinator, who
// decides what to make of it.
// Thread-safe. Invariant: at most kMaxKnownPeers of each kind wait here; more are dropped.
#ifndef TORRENT_SWARM_PEER_HINTS_H_
#define TORRENT_SWARM_PEER_HINTS_H_

#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "net/endpoint.h"

namespace torrent {

class PeerHints {
 public:
  // By peer exchange (BEP 11); checked against the address policy.
  struct Told {
    Endpoint endpoint;
    Address teller;
  };
  // `yourip` of BEP 10.
  struct Seen {
    Address own;
    Address viewer;
  };
  struct News {
    std::vector<Endpoint> listening;  // who came to us listens there, as it told (BEP 10, `p`)
    std::vector<Told> told;
    std::vector<Seen> seen;
  };

  void Listens(const Endpoint& endpoint) {
    MutexLock lock(&mutex_);
    if (news_.listening.size() < kMaxKnownPeers) news_.listening.push_back(endpoint);
  }
  void Tells(const std::vector<Endpoint>& endpoints, const Address& teller) {
    MutexLock lock(&mutex_);
    for (const Endpoint& endpoint : endpoints) {
      if (news_.told.size() < kMaxKnownPeers) news_.told.push_back({endpoint, teller});
    }
  }
  void Sees(const Address& own, const Address& viewer) {
    MutexLock lock(&mutex_);
    if (news_.seen.size() < kMaxKnownPeers) news_.seen.push_back({own, viewer});
  }
  News Take() {
    MutexLock lock(&mutex_);
    return std::exchange(news_, News{});
  }

 private:
  Mutex mutex_;
  News news_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_HINTS_H_
