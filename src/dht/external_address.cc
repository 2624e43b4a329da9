#include "dht/external_address.h"

#include <algorithm>

#include "base/limits.h"
#include "dht/address_groups.h"

namespace torrent {

bool ExternalAddress::Vote(const Address& voter, const Address& claimed) {
  switch (claimed.reach()) {
    case Reach::kUnspecified:
    case Reach::kMulticast:
    case Reach::kLinkLocal:
      return false;
    case Reach::kLoopback:
    case Reach::kPrivate:
      // What a neighbour sees says nothing about how the world sees us, and nobody out there sees this.
      if (voter.is_global()) return false;
      break;
    case Reach::kGlobal:
      break;
  }
  std::erase_if(ballots_,
                [&](const Ballot& ballot) { return ballot.voter == voter || IsSameNetwork(ballot.voter, voter); });
  ballots_.push_back({voter, claimed});
  if (ballots_.size() > kMaxDhtAddressVotes) ballots_.pop_front();
  const auto votes = static_cast<size_t>(
      std::count_if(ballots_.begin(), ballots_.end(), [&](const Ballot& ballot) { return ballot.claimed == claimed; }));
  if (votes < kDhtAddressVotes || 2 * votes <= ballots_.size() || known_ == claimed) return false;
  known_ = claimed;
  return true;
}

}  // namespace torrent
