#include "dht/responder.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "net/address_policy.h"

namespace torrent {

Responder::Responder(Options options, TimePoint now)
    : options_(std::move(options)), tokens_(now), store_(options_.seed, now) {}

void Responder::Send(const Endpoint& to, const std::string& datagram, TimePoint now) {
  if (options_.budget->TakeWhole(datagram.size(), now)) options_.send(to, datagram);
}

KrpcReply Responder::ReplyTo(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id) const {
  KrpcReply reply;
  reply.transaction = query.transaction;
  reply.id = own_id;
  reply.ip = from;
  return reply;
}

KrpcReply Responder::ReplyWithNodes(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id) const {
  KrpcReply reply = ReplyTo(query, from, own_id);
  const bool any = query.want_v4 || query.want_v6;
  for (const bool v4 : {true, false}) {
    if (any ? !(v4 ? query.want_v4 : query.want_v6) : from.address.is_v4() != v4) continue;
    for (const NodeInfo& node : options_.closest(query.target, v4)) {
      if (node.endpoint == from || !MayLeadTo(from.address, node.endpoint, HintKind::kDht)) continue;
      (v4 ? reply.nodes_v4 : reply.nodes_v6).push_back(node);
    }
  }
  return reply;
}

void Responder::Answer(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id, TimePoint now) {
  switch (query.method) {
    case KrpcMethod::kPing:
      return Send(from, EncodeKrpc(ReplyTo(query, from, own_id)), now);
    case KrpcMethod::kFindNode:
      return Send(from, EncodeKrpc(ReplyWithNodes(query, from, own_id)), now);
    case KrpcMethod::kGetPeers:
      return GetPeers(query, from, own_id, now);
    case KrpcMethod::kAnnouncePeer:
      return AnnouncePeer(query, from, own_id, now);
    case KrpcMethod::kUnknown:
      return Send(from, EncodeKrpc(KrpcError{query.transaction, kKrpcMethodUnknown, "Method Unknown"}), now);
  }
}

void Responder::GetPeers(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id, TimePoint now) {
  const bool proven = proven_.Has(from.address, now);
  // A read-only node answers no ping (BEP 43): it has its reply at once.
  if (!proven && !query.read_only && withheld_.size() < kMaxDhtWithheldReplies && store_.Has(query.target, now)) {
    options_.ping(from);
    withheld_.push_back({query, from, now + kDhtProofPatience});
    return;
  }
  SendPeers(query, from, proven ? kDhtSampledPeers : query.read_only ? kDhtUnprovenPeers : 0, own_id, now);
}

void Responder::SendPeers(const KrpcQuery& query, const Endpoint& from, size_t peers, const NodeId& own_id,
                          TimePoint now) {
  KrpcReply reply = ReplyWithNodes(query, from, own_id);
  reply.token = tokens_.Make(from.address, now);
  if (peers > 0) reply.values = store_.Sample(query.target, from.address, peers, now);
  // In the place of nodes, so that the reply becomes no larger.
  if (peers == kDhtUnprovenPeers && !reply.values.empty()) {
    for (auto* nodes : {&reply.nodes_v4, &reply.nodes_v6}) nodes->resize(std::min(nodes->size(), kDhtBucketNodes / 2));
  }
  Send(from, EncodeKrpc(reply), now);
}

void Responder::AnnouncePeer(const KrpcQuery& query, const Endpoint& from, const NodeId& own_id, TimePoint now) {
  if (!tokens_.IsGood(query.token, from.address, now)) {
    return Send(from, EncodeKrpc(KrpcError{query.transaction, kKrpcProtocolError, "Bad Token"}), now);
  }
  OnProof(from.address, own_id, now);
  const Endpoint peer{from.address, query.implied_port ? from.port : query.port};
  if (!MayLeadTo(from.address, peer, HintKind::kDht)) {
    return Send(from, EncodeKrpc(KrpcError{query.transaction, kKrpcProtocolError, "Bad Port"}), now);
  }
  store_.Add(query.target, peer, own_id, now);
  Send(from, EncodeKrpc(ReplyTo(query, from, own_id)), now);
}

void Responder::OnProof(const Address& address, const NodeId& own_id, TimePoint now) {
  proven_.Add(address, now);
  for (auto it = withheld_.begin(); it != withheld_.end();) {
    if (it->from.address != address) {
      ++it;
      continue;
    }
    const Withheld ready = std::move(*it);
    it = withheld_.erase(it);
    SendPeers(ready.query, ready.from, kDhtSampledPeers, own_id, now);
  }
}

void Responder::Step(const NodeId& own_id, TimePoint now) {
  while (!withheld_.empty() && withheld_.front().until <= now) {
    const Withheld late = std::move(withheld_.front());
    withheld_.pop_front();
    SendPeers(late.query, late.from, 0, own_id, now);
  }
}

TimePoint Responder::NextDeadline() const { return withheld_.empty() ? TimePoint::max() : withheld_.front().until; }

}  // namespace torrent
