// Our node of one family's DHT (BEP 5; BEP 32: IPv4 and IPv6 are two networks with a table each): what it does with a
// datagram, and when. Sans-I/O: datagrams and the time come in as arguments, datagrams leave through a function, so
// that tests can run hundreds of nodes on one thread. Thread: its owner's, alone. Invariants: nothing that a stranger
// sent is believed without a transaction id of ours from where it was asked; nothing is sent to an address that the
// address policy forbids; a read-only node (BEP 43) answers nobody.
#ifndef TORRENT_DHT_NODE_H_
#define TORRENT_DHT_NODE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/rate_limiter.h"
#include "dht/external_address.h"
#include "dht/krpc.h"
#include "dht/responder.h"
#include "dht/routing_table.h"
#include "dht/searches.h"
#include "dht/transactions.h"

namespace torrent {

class Node {
 public:
  struct Options {
    bool v4 = true;                  // the family
    absl::optional<NodeId> id = {};  // of the run before; nothing: a random one
    bool read_only = false;
    std::function<void(const Endpoint& to, const std::string& datagram)> send;  // must not call back
    int64_t answer_bytes_per_second = kDhtAnswerBytesPerSecond;
  };
  Node(Options options, TimePoint now);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The node of the other family, which lives as long as this one is used: each names the other's nodes (BEP 32), and
  // finds nodes for it while it knows few. Both ways are set by one call.
  void Join(Node* sibling);

  // A datagram came. Never fails: what is not to be believed is dropped and counted.
  void Receive(const Endpoint& from, absl::string_view datagram, TimePoint now);
  // Whatever is due. To be called after Receive, after the calls below, and at NextDeadline.
  void Step(TimePoint now);
  TimePoint NextDeadline() const;

  // Somebody to begin with, asked at once while the table is poor, and again and again with growing waits: a few nodes
  // that know only each other would remain an island. A router is not taken into the table: it serves everybody's
  // beginning and no more.
  void AddBootstrap(const Endpoint& node, bool router, TimePoint now);
  // A node that was named by somebody who may (address policy): pinged, and taken if it answers.
  void AddHeard(const Endpoint& node);

  // Peers of ours for `search.target` are told at once.
  uint64_t BeginSearch(DhtSearch search, TimePoint now);
  void EndSearch(uint64_t search) { searches_.End(search); }
  bool SearchHasBegun(uint64_t search) const { return searches_.HasBegun(search); }

  const NodeId& id() const { return table_.own_id(); }
  const RoutingTable& table() const { return table_; }
  const absl::optional<Address>& external() const { return external_.known(); }
  // Our own neighbourhood was searched, and every distance from it.
  bool bootstrapped() const { return bootstrapped_; }
  size_t searches() const { return searches_.size(); }
  uint64_t searches_done() const { return searches_.done(); }
  size_t stored_peers() { return responder_.store()->peer_count(); }
  uint64_t sent_bytes() const { return sent_bytes_; }
  uint64_t received_bytes() const { return received_bytes_; }
  uint64_t dropped() const { return dropped_; }

 private:
  struct BootstrapNode {
    Endpoint endpoint;
    bool router;
  };

  void OnQuery(const KrpcQuery& query, const Endpoint& from, TimePoint now);
  void OnReply(KrpcReply reply, const Endpoint& from, TimePoint now);
  void OnError(const KrpcError& error, const Endpoint& from);
  void OnLost(const SentQuery& query, TimePoint now);
  void OnExternalChange(TimePoint now);
  // Takes out what `from` may not name, and ourselves.
  void KeepAllowed(std::vector<NodeInfo>* nodes, const Endpoint& from) const;

  bool SendQuery(KrpcQuery query, const SentQuery& sent);
  void Ping(const Endpoint& to, absl::optional<NodeId> id);
  // A ping that a stranger's query makes us send, within the budget for such.
  void PingStranger(const Endpoint& to);
  void Send(const Endpoint& to, const std::string& datagram);
  void AskBootstrap(const Endpoint& node);
  bool IsRouter(const Endpoint& endpoint) const;

  void StepBootstrap(TimePoint now);
  void StepHeard();
  void StepMaintenance(TimePoint now);
  void SearchForSelf(std::vector<NodeInfo> first);
  // Neighbours know each other and nobody else: each half, quarter ... of the space where we are not is searched once
  // (Kademlia: the refresh of all buckets after joining), one after the other. `bits`: how many the next target shares
  // with us.
  void SearchFarAway(int bits);
  bool IsPoor() const { return table_.size() < kDhtBucketNodes; }

  const Options options_;
  Node* sibling_ = nullptr;
  TimePoint now_;  // of the call in progress
  RateLimiter stranger_budget_;
  RoutingTable table_;
  Transactions transactions_;
  Searches searches_;
  Responder responder_;
  ExternalAddress external_;

  std::vector<BootstrapNode> bootstrap_;
  TimePoint next_bootstrap_;
  Duration bootstrap_backoff_ = kMinDhtBootstrapBackoff;
  std::deque<Endpoint> heard_;  // to be pinged
  TimePoint next_maintenance_;
  TimePoint next_self_search_;
  uint64_t self_search_ = 0;  // under way; 0: none
  uint64_t far_search_ = 0;   // the same
  bool bootstrapped_ = false;
  int lost_in_a_row_ = 0;  // queries that nobody answered, since the last answer from anybody

  uint64_t sent_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_DHT_NODE_H_
