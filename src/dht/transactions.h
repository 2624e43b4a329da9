// The queries that we sent and that may still be answered, by their transaction ids: 4 bytes that a stranger cannot
// guess. Thread: the DHT's. Invariants: an answer counts once, and only from the endpoint that was asked; at most
// kMaxDhtQueriesInFlight wait.
#ifndef TORRENT_DHT_TRANSACTIONS_H_
#define TORRENT_DHT_TRANSACTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "dht/node_id.h"

namespace torrent {

enum class DhtPurpose : uint8_t {
  kPing,       // of a node that is in the table, or might be
  kBootstrap,  // of a node to begin with
  kSearch,
  kAnnounce,
};

struct SentQuery {
  Endpoint to;
  absl::optional<NodeId> id;  // whom we expect there; nothing: anybody
  DhtPurpose purpose = DhtPurpose::kPing;
  uint64_t search = 0;  // of kSearch and kAnnounce
  TimePoint sent;
};

class Transactions {
 public:
  enum class Age : uint8_t {
    kFresh,
    kSlow,  // kDhtSlowQuery: does not hold up the next one
    kLost,  // kDhtLostQuery: its search goes on without it
    kGone,  // kDhtQueryTimeout: forgotten
  };
  struct Aged {
    Age age;
    SentQuery query;
  };

  // The new transaction's id; empty: too many wait.
  std::string Add(const SentQuery& query);
  // The query that `transaction` from `from` answers; it is forgotten.
  absl::optional<SentQuery> Take(absl::string_view transaction, const Endpoint& from);
  // What has reached a further age since the last call, each age once.
  std::vector<Aged> Advance(TimePoint now);
  // When the next one does; TimePoint::max() when none waits.
  TimePoint NextDeadline() const;

  // Of those that are not lost.
  bool IsAsking(const Endpoint& endpoint) const;
  size_t Count(DhtPurpose purpose) const;
  size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    SentQuery query;
    Age age = Age::kFresh;
  };
  static Duration NextAgeAfter(Age age);

  absl::flat_hash_map<uint32_t, Waiting> waiting_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_TRANSACTIONS_H_
