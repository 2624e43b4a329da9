// Addresses that are known to receive what we send to them: something of it came back (a transaction id, a token). A
// datagram's source can be forged; only who is in here gets replies that are larger than what was asked with.
// Thread: the DHT's. Invariant: at most kMaxDhtProvenAddresses, each for kDhtProofLifetime.
#ifndef TORRENT_DHT_PROVEN_ADDRESSES_H_
#define TORRENT_DHT_PROVEN_ADDRESSES_H_

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "net/address.h"

namespace torrent {

class ProvenAddresses {
 public:
  void Add(const Address& address, TimePoint now);
  bool Has(const Address& address, TimePoint now) const;

  size_t size() const { return proven_.size(); }

 private:
  absl::flat_hash_map<Address, TimePoint> proven_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_PROVEN_ADDRESSES_H_
