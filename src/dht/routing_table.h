// The nodes that we know (BEP 5, "Routing Table"): buckets by how many first bits of our id a node shares, eight nodes
// each; the last bucket, which is our own, splits when it is full, so that we know more of those that are closer.
// A node is
//   good          heard within 15 minutes (and it has answered us once, or it would not be in here)
//   questionable  silent for longer, or it failed to answer once
//   bad           failed twice in a row: the first that comes takes its place
// What finds no room waits among the bucket's replacements. Pure: no I/O, no clock. Thread: the DHT's.
// Invariants: who has not answered us is not in here; one entry an endpoint and an id; of global addresses one entry a
// host (BEP 45) and two a network in a bucket.
#ifndef TORRENT_DHT_ROUTING_TABLE_H_
#define TORRENT_DHT_ROUTING_TABLE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/types/optional.h"
#include "base/clock.h"
#include "dht/node_id.h"

namespace torrent {

class RoutingTable {
 public:
  RoutingTable(const NodeId& own_id, TimePoint now);

  const NodeId& own_id() const { return own_id_; }
  // Everybody is entered anew.
  void SetOwnId(const NodeId& id, TimePoint now);

  // The node answered a query of ours.
  void OnAnswer(const NodeInfo& node, TimePoint now);
  // The node asked us something: if it is in here, it is alive.
  void OnQuery(const NodeInfo& node, TimePoint now);
  // It did not answer a query of `sent`, whatever id was expected there. Queries that were on their way together count
  // once.
  void OnFailure(const Endpoint& endpoint, TimePoint sent, TimePoint now);
  // It is not who it was.
  void Forget(const Endpoint& endpoint);
  // Whether OnAnswer would enter a node that is not in here.
  bool HasRoomFor(const NodeInfo& node) const;

  // At most `count` nodes closest to `target`, the closest first; of those that did not fail last time, and where
  // nobody is left of them, of all.
  std::vector<NodeInfo> Closest(const NodeId& target, size_t count) const;
  std::vector<NodeInfo> All() const;
  size_t size() const;
  size_t CountGood(TimePoint now) const;
  size_t bucket_count() const { return buckets_.size(); }

  // A questionable node that is to be pinged, the one silent longest; each at most once in half a minute.
  absl::optional<NodeInfo> NextToPing(TimePoint now);
  // An id to search for, in a bucket where nothing changed for 15 minutes; each bucket at most once in that time.
  absl::optional<NodeId> NextToRefresh(TimePoint now);

 private:
  struct Entry {
    NodeInfo node;
    TimePoint heard;
    TimePoint pinged;
    TimePoint failed;  // last
    int failures = 0;  // in a row
  };
  struct Bucket {
    std::vector<Entry> entries;       // at most kDhtBucketNodes
    std::vector<Entry> replacements;  // as many; the newest last
    TimePoint changed;
  };

  size_t IndexFor(const NodeId& id) const;
  Entry* Find(const std::function<bool(const Entry&)>& matches);
  void Erase(const std::function<bool(const Entry&)>& matches);
  // False where there is no room in its bucket or the bounds on networks forbid it.
  bool TryPlace(const Entry& entry, TimePoint now);
  void Split();
  static bool ExceedsNetwork(const std::vector<Entry>& entries, const Entry* except, const NodeInfo& node);

  NodeId own_id_;
  // Bucket i is for ids that share exactly i bits with ours; the last one for those that share as many or more.
  std::vector<Bucket> buckets_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_ROUTING_TABLE_H_
