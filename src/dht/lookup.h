// One iterative lookup (BEP 5; Kademlia): asks the closest nodes that it knows, three at a time, hears of closer ones
// from them, and ends when the eight closest have answered or there is nobody left to ask. Decides only: who asks, and
// what is done with the answers, is searches.h's. Pure. Thread: the DHT's.
// Invariants: an endpoint and an id are asked once; of global addresses one a host and two a network; at most
// kMaxDhtSearchNodes are kept, the closest ones.
//
// A candidate is new, then asked; after a while slow (the next one is asked beside it), then lost (not waited for); and
// answered as soon as it does, late or not.
#ifndef TORRENT_DHT_LOOKUP_H_
#define TORRENT_DHT_LOOKUP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "dht/node_id.h"

namespace torrent {

class Lookup {
 public:
  explicit Lookup(const NodeId& target) : target_(target) {}

  const NodeId& target() const { return target_; }

  // A node that may be asked: of our own table, or named by `from`, who answered.
  void Add(const NodeInfo& node) { AddAt(node, 1); }
  void AddFrom(const Endpoint& from, const std::vector<NodeInfo>& nodes);

  // Whom to ask now; asked from here on. Nothing: enough are on their way, or nobody is left.
  absl::optional<NodeInfo> Next();
  // What became of it. Endpoints that were not asked are ignored.
  void OnAnswer(const Endpoint& from, const std::string& token);
  void OnSlow(const Endpoint& endpoint);
  void OnLost(const Endpoint& endpoint);

  bool IsDone() const;

  // --- Of a lookup that is done ------------------------------------------------------------------------------------
  struct Holder {
    NodeInfo node;
    std::string token;
  };
  // The closest eight that answered, without those that gave no token: where to announce.
  std::vector<Holder> Holders() const;
  uint32_t answered() const { return answered_; }
  // By how many others the closest that answered was found, and itself: 1 for one of our own table. 0: nobody answered.
  uint32_t hops() const;

 private:
  enum class State : uint8_t { kNew, kAsked, kSlow, kLost, kAnswered };
  struct Candidate {
    NodeInfo node;
    uint32_t hops = 1;
    State state = State::kNew;
    std::string token;
  };

  void AddAt(const NodeInfo& node, uint32_t hops);
  Candidate* Find(const Endpoint& endpoint);
  // How many of the candidates, from the closest on, matter: up to the eighth that answered.
  size_t Horizon() const;

  const NodeId target_;
  std::vector<Candidate> candidates_;  // the closest first
  uint32_t answered_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_DHT_LOOKUP_H_
