// Every address that a torrent has heard of: where it came from, when it may be tried (again), and in which order.
// Thread: the coordinator's. Takes `now`: tested without waiting.
// Invariant: at most kMaxKnownPeers addresses; one entry an endpoint; a banned address is never handed out.
#ifndef TORRENT_SWARM_PEER_BOOK_H_
#define TORRENT_SWARM_PEER_BOOK_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/endpoint.h"
#include "torrent/event.h"

namespace torrent {

class PeerBook {
 public:
  // `own_port` is what we listen on: with our address it makes the order of BEP 40.
  PeerBook(uint16_t own_port, uint64_t seed) : own_port_(own_port), random_(seed) {}

  // Our address as others see it, once somebody told.
  void SetOwnAddress(const Address& address);

  // Whether it is new. Addresses are checked against the address policy by who brings them. A full book drops the entry
  // that failed most to take a new one.
  bool Add(const Endpoint& endpoint, PeerSource source, TimePoint now);

  // The address to connect to next: never tried and least failed first, then by canonical peer priority (BEP 40). It
  // counts as connected until Gone. Nothing when none is due.
  struct Pick {
    Endpoint endpoint;
    PeerSource source;
  };
  absl::optional<Pick> TakeNext(TimePoint now);
  // When TakeNext may have something; TimePoint::max() when only Add or Gone can change that.
  TimePoint NextDue(TimePoint now) const;

  // An incoming connection from there counts too: it is not dialled meanwhile.
  void Connected(const Endpoint& endpoint);

  enum class Ending : uint8_t {
    kNeverEstablished,  // no connection or no handshake: back off, doubling from 5 seconds to an hour and a half
    kWasGood,           // established, then ended: again in some seconds
    kUseless,           // both complete, or the same peer twice: not again in this run unless nothing else is left
    kOurselves,         // forgotten for ever
  };
  void Gone(const Endpoint& endpoint, Ending ending, TimePoint now);
  // A proven liar: the address for ever; where it is not global, the endpoint alone.
  void Ban(const Endpoint& endpoint);
  bool IsBanned(const Endpoint& endpoint) const;

  // At most `count` addresses that a later run should try first: those that were connected to.
  std::vector<Endpoint> Best(size_t count) const;

  size_t size() const { return entries_.size(); }
  size_t connected() const { return connected_; }

 private:
  struct Entry {
    PeerSource source = PeerSource::kTracker;
    bool connected = false;
    bool proven = false;  // was connected to
    int failures = 0;
    uint32_t priority = 0;
    TimePoint not_before = TimePoint::min();
  };
  uint32_t PriorityOf(const Endpoint& endpoint) const;

  const uint16_t own_port_;
  Random random_;
  absl::optional<Address> own_v4_, own_v6_;
  absl::flat_hash_map<Endpoint, Entry> entries_;
  absl::flat_hash_set<Address> banned_addresses_;
  absl::flat_hash_set<Endpoint> banned_endpoints_;
  size_t connected_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_BOOK_H_
