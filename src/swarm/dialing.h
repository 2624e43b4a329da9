// The times of connecting to peers, the same for a swarm and while its metadata is fetched.
#ifndef TORRENT_SWARM_DIALING_H_
#define TORRENT_SWARM_DIALING_H_

#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace torrent {

// After the machine refused a thread or a descriptor.
inline constexpr Duration kDialPause = std::chrono::seconds(2);
// While all half-open places, or all connections, are taken.
inline constexpr Duration kHalfOpenRetry = std::chrono::milliseconds(50);
inline constexpr Duration kFullRetry = std::chrono::seconds(1);
// With fewer known and connected peers than this a tracker is asked again as early as it allows.
inline constexpr size_t kFewPeers = 10;

}  // namespace torrent

#endif  // TORRENT_SWARM_DIALING_H_
