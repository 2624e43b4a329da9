// Our own address as peers see it (`yourip`, BEP 10). One peer may err or lie; what several say, and most of those that
// spoke last, is believed.
// Thread: the coordinator's. Invariant: one vote a peer's address; at most kVoters are kept, the last ones.
#ifndef TORRENT_SWARM_OWN_ADDRESS_H_
#define TORRENT_SWARM_OWN_ADDRESS_H_

#include <deque>

#include "absl/types/optional.h"
#include "net/address.h"

namespace torrent {

class OwnAddress {
 public:
  static constexpr size_t kVoters = 15;
  static constexpr size_t kEnough = 3;

  // What is believed now, of the family of `own`; nothing where too few agree. A vote counts where both addresses are
  // global: what a neighbour sees is no address that others could use.
  absl::optional<Address> Vote(const Address& own, const Address& viewer);

 private:
  struct Ballot {
    Address viewer;
    Address own;
  };
  std::deque<Ballot> v4_, v6_;  // the oldest first
};

}  // namespace torrent

#endif  // TORRENT_SWARM_OWN_ADDRESS_H_
