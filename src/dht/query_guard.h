// Who asks too much (more than 50 queries in 10 seconds from one source) hears nothing for 5 minutes, so that a flood
// costs no replies. Thread: the DHT's. Invariant: at most kMaxDhtSources sources are remembered; those that are
// silenced are the last to be forgotten.
#ifndef TORRENT_DHT_QUERY_GUARD_H_
#define TORRENT_DHT_QUERY_GUARD_H_

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "net/endpoint.h"

namespace torrent {

class QueryGuard {
 public:
  // Counts a query; whether it may be answered.
  bool Admit(const Endpoint& from, TimePoint now);

  size_t size() const { return sources_.size(); }

 private:
  struct Source {
    TimePoint window_begun;
    TimePoint silent_until;
    int queries = 0;
  };
  void MakeRoom(TimePoint now);

  absl::flat_hash_map<Endpoint, Source> sources_;  // by SourceOf
};

}  // namespace torrent

#endif  // TORRENT_DHT_QUERY_GUARD_H_
