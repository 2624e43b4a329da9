// Our address as others see it (BEP 42: `ip` of replies). One reply may lie, so several must agree: a vote a host, and
// hosts of one network have one together. Thread: the DHT's.
// Invariant: known() was named by kDhtAddressVotes voters at least and by more than half of those who voted last.
#ifndef TORRENT_DHT_EXTERNAL_ADDRESS_H_
#define TORRENT_DHT_EXTERNAL_ADDRESS_H_

#include <deque>

#include "absl/types/optional.h"
#include "net/address.h"

namespace torrent {

class ExternalAddress {
 public:
  // `voter` says that we are at `claimed`. Whether known() is another one now.
  bool Vote(const Address& voter, const Address& claimed);

  const absl::optional<Address>& known() const { return known_; }

 private:
  struct Ballot {
    Address voter, claimed;
  };
  std::deque<Ballot> ballots_;  // the newest last
  absl::optional<Address> known_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_EXTERNAL_ADDRESS_H_
