// What other nodes ask us (BEP 5), answered: nodes of our tables, peers that were announced here, tokens. Made so that
// nobody can turn us against somebody else (a datagram's source can be forged): all of it together is at most
// kDhtAnswerBytesPerSecond, one source is answered so often only, and peers, which make a reply much larger than its
// query, are told to proven addresses alone. Whoever asks for peers that we have and is not proven is pinged first, and
// has its reply as soon as it answers that; otherwise it gets nodes alone a little later. A read-only node (BEP 43),
// which answers no ping, gets a few peers in the place of nodes.
// Sans-I/O; thread: the DHT's.
#ifndef TORRENT_DHT_RESPONDER_H_
#define TORRENT_DHT_RESPONDER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "dht/krpc.h"
#include "dht/peer_store.h"
#include "dht/proven_addresses.h"
#include "dht/query_guard.h"
#include "dht/token.h"

namespace torrent {

class Responder {
 public:
  struct Options {
    // The closest nodes to `target` that we know of one family.
    std::function<std::vector<NodeInfo>(const NodeId& target, bool v4)> closest;
    std::function<void(const Endpoint& to, const std::string& datagram)> send;
    std::function<void(const Endpoint& to)> ping;  // for the proof; may do nothing
    RateLimiter* budget = nullptr;                 // all that strangers make us send
    uint64_t seed = 0;                             // chooses which peers are told
  };
  Responder(Options options, TimePoint now);

  // Whether `from` may ask now at all; counts it.
  bool Admit(const Endpoint& from, TimePoint now) { return guard_.Admit(from, now); }
  void Answer(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id, TimePoint now);
  // Something that only `address` could have received came back from there.
  void OnProof(const Address& address, const NodeId& own_id, TimePoint now);
  // Replies whose proof did not come leave without peers.
  void Step(const NodeId& own_id, TimePoint now);
  TimePoint NextDeadline() const;

  PeerStore* store() { return &store_; }

 private:
  struct Withheld {
    KrpcQuery query;
    Endpoint from;
    TimePoint until;
  };
  void GetPeers(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id, TimePoint now);
  void AnnouncePeer(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id, TimePoint now);
  KrpcReply ReplyTo(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id) const;
  // With the nodes that `from` may be led to.
  KrpcReply ReplyWithNodes(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id) const;
  void SendPeers(const KrpcQuery& query, const Endpoint& from, size_t peers, const NodeId& own_id, TimePoint now);
  void Send(const Endpoint& to, const std::string& datagram, TimePoint now);

  const Options options_;
  QueryGuard guard_;
  ProvenAddresses proven_;
  TokenMaker tokens_;
  PeerStore store_;
  std::deque<Withheld> withheld_;  // in the order of their deadlines
};

}  // namespace torrent

#endif  // TORRENT_DHT_RESPONDER_H_
