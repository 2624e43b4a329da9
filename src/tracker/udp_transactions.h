// The transactions with all UDP trackers of a session (BEP 15) over its one UDP port: sends requests, repeats what is
// not answered, and hands each reply to the call that waits for it, by the tracker's endpoint and the transaction id.
// Thread-safe; any number of threads may be in Ask at once. Replies arrive on the port's thread.
// Invariants: a transaction id is random, and used for one datagram; what comes from elsewhere, with another id, too
// short, or with an action that was not asked for changes nothing.
#ifndef TORRENT_TRACKER_UDP_TRANSACTIONS_H_
#define TORRENT_TRACKER_UDP_TRANSACTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/udp_port.h"
#include "tracker/udp_messages.h"

namespace torrent {

struct UdpTrackerTimes {
  Duration first_wait = kUdpTrackerFirstWait;            // doubled at each repetition
  Duration total = kUdpTrackerTimeout;                   // of one announce or scrape
  Duration connection_life = kUdpTrackerConnectionLife;  // of a connection id, from its receipt
};

class UdpTransactions {
 public:
  // `port` outlives this object; its kTracker datagrams are taken.
  explicit UdpTransactions(UdpPort* port, const UdpTrackerTimes& times = {});
  // Nobody may be in Ask.
  ~UdpTransactions();

  const UdpTrackerTimes& times() const { return times_; }
  // Whether our port has the family of `address`.
  bool Speaks(const Address& address) const { return address.is_v4() ? port_->has_v4() : port_->has_v6(); }

  struct Reply {
    Endpoint from;
    UdpAction action;  // what was asked for, or kError
    std::string body;
  };
  // One request to the tracker that stands at all of `trackers` (at least one): they are tried in turn, a repetition
  // each. Where no connection id of the last minute is known, connects first. `request` makes the datagram for a
  // connection id. Blocks until `deadline`, or until `cancel_fd` (-1: none) becomes readable. DeadlineExceeded,
  // Cancelled; Unavailable: there is no way to any of them; ResourceExhausted: no descriptor.
  absl::StatusOr<Reply> Ask(absl::Span<const Endpoint> trackers,
                            const std::function<std::string(uint64_t connection_id)>& request, TimePoint deadline,
                            int cancel_fd);

 private:
  using Key = std::pair<Endpoint, uint32_t>;  // the tracker, the transaction id
  struct Transaction {
    UdpAction asked;
    const Wakeup* caller;  // outlives the transaction
    absl::optional<Reply> reply;
  };
  struct Connection {
    uint64_t id;
    TimePoint expires;
  };
  class Call;

  void OnDatagram(const Endpoint& from, absl::string_view datagram);
  absl::optional<uint64_t> ConnectionId(const Endpoint& tracker, TimePoint now);
  void KeepConnectionId(const Endpoint& tracker, uint64_t id, TimePoint now);
  void ForgetConnectionId(const Endpoint& tracker);

  UdpPort* const port_;
  const UdpTrackerTimes times_;
  Mutex mutex_;
  absl::flat_hash_map<Key, Transaction> transactions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Endpoint, Connection> connections_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_UDP_TRANSACTIONS_H_
