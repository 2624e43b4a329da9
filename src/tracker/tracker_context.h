// What all trackers of a run share, and who named one. Plain values.
#ifndef TORRENT_TRACKER_TRACKER_CONTEXT_H_
#define TORRENT_TRACKER_TRACKER_CONTEXT_H_

#include <string>

#include "net/bind_options.h"
#include "net/http_policy.h"
#include "net/resolver.h"
#include "tracker/udp_transactions.h"

namespace torrent {

// Who named the tracker. What the user typed may lie anywhere; what a .torrent names may not lead to services of this
// machine (net/http_policy.h).
enum class TrackerOrigin { kTorrent, kUser };

inline HttpPolicy PolicyOf(TrackerOrigin origin) {
  return origin == TrackerOrigin::kUser ? HttpPolicy::kUser : HttpPolicy::kTracker;
}

struct TrackerContext {
  Resolver* resolver = nullptr;    // outlives the tracker
  UdpTransactions* udp = nullptr;  // outlives the tracker; null: no UDP trackers in this run
  BindOptions bind;                // of HTTP trackers; those of UDP are asked from our UDP port
  std::string user_agent;
  std::string ca_file;  // as in HttpRequest
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_TRACKER_CONTEXT_H_
