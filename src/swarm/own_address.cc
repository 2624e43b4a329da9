#include "swarm/own_address.h"

#include <algorithm>

namespace torrent {

absl::optional<Address> OwnAddress::Vote(const Address& own, const Address& viewer) {
  if (!own.is_global() || !viewer.is_global()) return absl::nullopt;
  std::deque<Ballot>& ballots = own.is_v4() ? v4_ : v6_;
  ballots.erase(std::remove_if(ballots.begin(), ballots.end(), [&](const Ballot& b) { return b.viewer == viewer; }),
                ballots.end());
  ballots.push_back({viewer, own});
  if (ballots.size() > kVoters) ballots.pop_front();
  // Only the address that was just named can have come to a majority.
  const auto votes =
      static_cast<size_t>(std::count_if(ballots.begin(), ballots.end(), [&](const Ballot& b) { return b.own == own; }));
  if (votes < kEnough || 2 * votes <= ballots.size()) return absl::nullopt;
  return own;
}

}  // namespace torrent
