// The searches under way in one family's table: for nodes near an id, and for peers of a torrent with the announce at
// the end. A search that begins while the table is empty waits until somebody is known. Sans-I/O; thread: the DHT's.
// Invariants: at most kMaxDhtActiveSearches ask at once, the others wait their turn; no callback after End.
#ifndef TORRENT_DHT_SEARCHES_H_
#define TORRENT_DHT_SEARCHES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "absl/types/optional.h"
#include "base/clock.h"
#include "dht/krpc.h"
#include "dht/lookup.h"
#include "dht/routing_table.h"
#include "dht/transactions.h"

namespace torrent {

struct DhtSearch {
  NodeId target;
  bool for_peers = false;            // get_peers; otherwise find_node
  uint16_t announce_port = 0;        // 0: no announce
  std::vector<NodeInfo> first = {};  // asked beside those of the table
  // Peers as one node named them; may repeat. Empty functions are not called. Neither may call back.
  std::function<void(const std::vector<Endpoint>& peers)> on_peers = nullptr;
  std::function<void(uint32_t answered, uint32_t hops)> on_done = nullptr;
};

class Searches {
 public:
  // Sends a query for a search; its id and transaction are filled in by the owner. False: it cannot be sent.
  using Ask = std::function<bool(const NodeInfo& node, KrpcQuery query, DhtPurpose purpose, uint64_t search)>;
  explicit Searches(Ask ask) : ask_(std::move(ask)) {}

  // Never 0. Nothing is asked before Step.
  uint64_t Begin(DhtSearch search);
  void End(uint64_t search);
  // More nodes that it may ask.
  void Feed(uint64_t search, const std::vector<NodeInfo>& nodes);

  // What became of a query of kSearch or kAnnounce. `reply` holds only what `from` may name (address policy).
  void OnAnswer(const SentQuery& query, const KrpcReply& reply);
  void OnSlow(const SentQuery& query);
  void OnLost(const SentQuery& query);

  // Starts what may start, asks whom to ask, ends what is done.
  void Step(const RoutingTable& table);

  // Whether it has begun to ask.
  bool HasBegun(uint64_t search) const;
  size_t size() const { return searches_.size(); }
  uint64_t done() const { return done_; }

 private:
  struct Entry {
    DhtSearch search;
    absl::optional<Lookup> lookup;  // once it has begun
    bool announcing = false;
    std::vector<Endpoint> announces;  // on their way
  };
  Entry* Find(uint64_t search);
  void Advance(uint64_t number, Entry* entry);
  void Announce(uint64_t number, Entry* entry);

  const Ask ask_;
  std::map<uint64_t, Entry> searches_;  // in the order of their beginning
  uint64_t last_ = 0;
  uint64_t done_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_DHT_SEARCHES_H_
