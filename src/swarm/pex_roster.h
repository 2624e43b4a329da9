// Who is connected in a swarm and can be dialled, in the order in which they came, and who left, in the order in which
// they went: what peer exchange (BEP 11) tells. One list for the swarm, and each connection keeps its own place in it:
// so that it is told what is new costs it a few bytes and not a list of its own of what it was told.
// Thread-safe. Invariant: at most kMaxPexLeft of those that left are kept; who falls out is never told as dropped.
#ifndef TORRENT_SWARM_PEX_ROSTER_H_
#define TORRENT_SWARM_PEX_ROSTER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/mutex.h"
#include "net/endpoint.h"
#include "wire/pex_message.h"

namespace torrent {

class PexRoster {
 public:
  // The peer of that connection can be dialled at `endpoint`; `flags` are of wire::PexFlag. Called again, it changes
  // the flags; the first endpoint stays.
  void Set(uint64_t link, const Endpoint& endpoint, uint8_t flags);
  void Remove(uint64_t link);

  // How far a connection was told.
  struct Place {
    uint64_t joined = 0;
    uint64_t left = 0;
    uint64_t seen = 0;
  };
  // False: there is nothing to tell from there. Cheap.
  bool HasNews(const Place& place) const { return changes_.load(std::memory_order_acquire) != place.seen; }
  // At most kMaxPexPeers that came and kMaxPexPeers that went since `place`, which moves behind them: but for the peer
  // of connection `to` itself, those that were never told, and those whose address may not be told to `address`: who
  // told a peer an address that leads further in than the peer stands would invite it to knock there.
  wire::PexMessage Next(Place* place, uint64_t to, const Address& address) const;

 private:
  struct Entry {
    uint64_t link;
    Endpoint endpoint;
    uint8_t flags;
    uint64_t joined;
    uint64_t left;
  };
  mutable Mutex mutex_;
  std::vector<Entry> present_ ABSL_GUARDED_BY(mutex_);  // by `joined`
  std::deque<Entry> left_ ABSL_GUARDED_BY(mutex_);      // by `left`
  std::atomic<uint64_t> changes_{0};                    // so many came and went; written under the lock
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEX_ROSTER_H_
