#include "dht/proven_addresses.h"

#include "base/limits.h"

namespace torrent {

void ProvenAddresses::Add(const Address& address, TimePoint now) {
  if (proven_.size() >= kMaxDhtProvenAddresses && !proven_.contains(address)) {
    // The older half goes when nothing has expired: they prove themselves again with the next reply.
    for (Duration lifetime = kDhtProofLifetime; proven_.size() >= kMaxDhtProvenAddresses; lifetime /= 2) {
      absl::erase_if(proven_, [&](const auto& entry) { return now - entry.second >= lifetime; });
    }
  }
  proven_[address] = now;
}

bool ProvenAddresses::Has(const Address& address, TimePoint now) const {
  auto position = proven_.find(address);
  return position != proven_.end() && now - position->second < kDhtProofLifetime;
}

}  // namespace torrent
