// Every address that a torrent has heard of: where it came from, when it may be tried (again), and in which order.
// Thread: the coordinator's. Takes `now`: tested without waiting.
// Invariant: at most kMaxKnownPeers addresses, of each source and of each teller no more than their share; one entry an
// endpoint; a banned address is never handed out; in a private torrent (BEP 27) none that peers, the DHT or the local
// network named.
#ifndef TORRENT_SWARM_PEER_BOOK_H_
#define TORRENT_SWARM_PEER_BOOK_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/endpoint.h"
#include "torrent/session.h"

namespace torrent {

class PeerBook {
 public:
  // `own_port` is what we listen on: with our address it makes the order of BEP 40.
  PeerBook(uint16_t own_port, uint64_t seed, bool is_private = false)
      : own_port_(own_port), is_private_(is_private), random_(seed) {}

  // Our address as others see it, once somebody told.
  void SetOwnAddress(const Address& address);

  // Whether it is new; a known one counts as heard from `source` too. Addresses are checked against the address policy
  // by who brings them. `teller` is the peer that named it (kPex). Where a share is full, the entry of that share that
  // failed most makes room; where the book is, the one that failed most, or else one of a lesser source: what the user
  // typed, then the last run, trackers, incoming connections, the local network, the DHT, peers. What the user typed
  // stays.
  bool Add(const Endpoint& endpoint, PeerSource source, TimePoint now,
           const absl::optional<Address>& teller = absl::nullopt);

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
  // Both handshakes are through. Once a connection; `source` counts where the address is not in the book: who came to
  // us and did not say where it listens.
  void Established(const Endpoint& endpoint, PeerSource source);

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
  // All addresses that may be handed out, for another book.
  std::vector<Pick> Known() const;

  // By the source that named an address first: addresses in the book now, and those that were ever connected to.
  // `connected` is not the book's to know.
  std::array<PeersOfSource, kPeerSourceCount> CountBySource() const { return by_source_; }
  // Whether `source` named it, first or later.
  bool HeardFrom(const Endpoint& endpoint, PeerSource source) const;

  size_t size() const { return entries_.size(); }
  size_t connected() const { return connected_; }

 private:
  // There are thousands: 24 bytes.
  struct Entry {
    TimePoint not_before = TimePoint::min();
    uint32_t priority = 0;
    uint32_t teller = 0;                       // a hash of it; 0: none
    PeerSource source = PeerSource::kTracker;  // the first
    uint8_t sources = 0;                       // a bit each
    uint8_t failures = 0;                      // 255: that many or more
    bool connected : 1;
    bool proven : 1;  // was connected to

    Entry() : connected(false), proven(false) {}
  };
  using Entries = absl::flat_hash_map<Endpoint, Entry>;

  uint32_t PriorityOf(const Endpoint& endpoint) const;
  // Makes room for an address of `source` by `teller`; false when there is none.
  bool MakeRoom(const Endpoint& endpoint, PeerSource source, uint32_t teller);
  // Drops the worst of the entries that `is_candidate`, if it is worse than a new one of `source`.
  template <typename IsCandidate>
  bool DropWorst(PeerSource source, const IsCandidate& is_candidate);
  void Erase(Entries::iterator it);

  const uint16_t own_port_;
  const bool is_private_;
  Random random_;
  absl::optional<Address> own_v4_, own_v6_;
  Entries entries_;
  absl::flat_hash_set<Address> banned_addresses_;
  absl::flat_hash_set<Endpoint> banned_endpoints_;
  size_t connected_ = 0;
  std::array<PeersOfSource, kPeerSourceCount> by_source_{};
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_BOOK_H_
