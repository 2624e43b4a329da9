#include "swarm/dialing.h"

#include <utility>

namespace torrent {

Dialled DialPeers(PeerBook* book, const SharedParts& shared, StartPeer start, TimePoint now) {
  while (true) {
    Budget::Slot connection = shared.connections->TryTake();
    Budget::Slot half_open = shared.half_open->TryTake();
    // One of ours that ends calls; another torrent's does not.
    if (!connection) return {now + kFullRetry, true};
    if (!half_open) return {now + kHalfOpenRetry};
    const absl::optional<PeerBook::Pick> pick = book->TakeNext(now);
    if (!pick) return {book->NextDue(now)};
    if (start(*pick, std::move(half_open), std::move(connection))) continue;
    // That costs a peer, for now.
    book->Gone(pick->endpoint, PeerBook::Ending::kWasGood, now);
    return {now + kDialPause};
  }
}

}  // namespace torrent
