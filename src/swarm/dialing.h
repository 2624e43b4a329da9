// Connecting to the peers of the book, the same for a swarm and while its metadata is fetched. Thread: the
// coordinator's.
#ifndef TORRENT_SWARM_DIALING_H_
#define TORRENT_SWARM_DIALING_H_

#include <chrono>
#include <cstddef>

#include "absl/functional/function_ref.h"
#include "base/budget.h"
#include "base/clock.h"
#include "swarm/peer_book.h"
#include "swarm/swarm_context.h"

namespace torrent {

// After the machine refused a thread or a descriptor.
inline constexpr Duration kDialPause = std::chrono::seconds(2);
// While all half-open places, or all connections, are taken.
inline constexpr Duration kHalfOpenRetry = std::chrono::milliseconds(50);
inline constexpr Duration kFullRetry = std::chrono::seconds(1);

// Starts with one peer; its slots live as long as the connection, and `half_open` until it stands. False: the machine
// gave no thread or descriptor.
using StartPeer = absl::FunctionRef<bool(const PeerBook::Pick& pick, Budget::Slot half_open, Budget::Slot connection)>;

struct Dialled {
  TimePoint next = TimePoint::max();  // when to dial again, if nothing happens
  bool full = false;                  // all connections are taken
};

// Takes from the book who is due, as long as there is a place.
Dialled DialPeers(PeerBook* book, const SharedParts& shared, StartPeer start, TimePoint now);

// With fewer known and connected peers than this a tracker is asked again as early as it allows.
inline constexpr size_t kFewPeers = 10;

}  // namespace torrent

#endif  // TORRENT_SWARM_DIALING_H_
