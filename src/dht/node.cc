#include "dht/node.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/random.h"
#include "dht/address_groups.h"
#include "net/address_policy.h"

namespace torrent {

namespace {

// Beyond so many bits nobody else is found: of 10 million nodes, the closest one shares 23.
constexpr int kMaxFarSearches = 24;
// A search for ourselves that nobody answered is not repeated sooner.
constexpr std::chrono::seconds kSelfSearchAgain{30};
// So many queries lost in a row, whoever was asked: the failures beyond are nobody's fault.
constexpr int kSilentLine = 8;
// What the budget for strangers holds at the beginning, so that the first who ask us have an answer.
constexpr std::chrono::seconds kFirstBudget{1};

}  // namespace

Node::Node(Options options, TimePoint now)
    : options_(std::move(options)),
      now_(now),
      stranger_budget_(options_.answer_bytes_per_second, now - kFirstBudget),
      table_(options_.id.value_or(RandomNodeId()), now),
      searches_([this](const NodeInfo& node, KrpcQuery query, DhtPurpose purpose, uint64_t search) {
        return SendQuery(std::move(query), SentQuery{node.endpoint, node.id, purpose, search, now_});
      }),
      responder_(Responder::Options{
                     [this](const NodeId& target, bool v4) {
                       const Node* node = v4 == options_.v4 ? this : sibling_;
                       return node == nullptr ? std::vector<NodeInfo>() : node->table_.Closest(target, kDhtBucketNodes);
                     },
                     [this](const Endpoint& to, const std::string& datagram) { Send(to, datagram); },
                     [this](const Endpoint& to) { PingStranger(to); },
                     &stranger_budget_,
                     SecureRandom64(),
                 },
                 now),
      next_bootstrap_(now),
      next_maintenance_(now + kDhtMaintenanceInterval),
      next_self_search_(now) {}

void Node::Join(Node* sibling) {
  sibling_ = sibling;
  sibling->sibling_ = this;
}

// --- Sending ---------------------------------------------------------------------------------------------------------

void Node::Send(const Endpoint& to, const std::string& datagram) {
  sent_bytes_ += datagram.size();
  options_.send(to, datagram);
}

bool Node::SendQuery(KrpcQuery query, const SentQuery& sent) {
  query.transaction = transactions_.Add(sent);
  if (query.transaction.empty()) return false;
  query.id = table_.own_id();
  query.read_only = options_.read_only;
  const bool names_nodes = query.method == KrpcMethod::kFindNode || query.method == KrpcMethod::kGetPeers;
  if (names_nodes && sibling_ != nullptr && sibling_->IsPoor()) query.want_v4 = query.want_v6 = true;
  Send(sent.to, EncodeKrpc(query));
  return true;
}

void Node::Ping(const Endpoint& to, absl::optional<NodeId> id) {
  SendQuery(KrpcQuery(), SentQuery{to, id, DhtPurpose::kPing, 0, now_});
}

void Node::PingStranger(const Endpoint& to) {
  if (transactions_.IsAsking(to) || !MayLeadTo(to.address, to, HintKind::kDht)) return;
  // Being so short, they would take all of the budget before a reply fits into it.
  if (transactions_.Count(DhtPurpose::kPing) >= kMaxDhtPingsInFlight) return;
  if (stranger_budget_.TakeWhole(EncodeKrpc(KrpcQuery()).size() + sizeof(uint32_t), now_)) Ping(to, absl::nullopt);
}

void Node::AskBootstrap(const Endpoint& node) {
  if (transactions_.IsAsking(node)) return;
  KrpcQuery query;
  query.method = KrpcMethod::kFindNode;
  query.target = table_.own_id();
  SendQuery(std::move(query), SentQuery{node, absl::nullopt, DhtPurpose::kBootstrap, 0, now_});
}

// --- Receiving -------------------------------------------------------------------------------------------------------

void Node::Receive(const Endpoint& from, absl::string_view datagram, TimePoint now) {
  now_ = now;
  received_bytes_ += datagram.size();
  absl::StatusOr<KrpcMessage> message = absl::InvalidArgumentError("");
  if (from.port != 0 && from.address.is_v4() == options_.v4) message = ParseKrpc(datagram);
  if (!message.ok()) {
    ++dropped_;
  } else if (auto* query = std::get_if<KrpcQuery>(&*message)) {
    OnQuery(*query, from, now);
  } else if (auto* reply = std::get_if<KrpcReply>(&*message)) {
    OnReply(std::move(*reply), from, now);
  } else if (auto* error = std::get_if<KrpcError>(&*message)) {
    OnError(*error, from);
  }
}

void Node::OnQuery(const KrpcQuery& query, const Endpoint& from, TimePoint now) {
  // Our own id: a query of ours that somebody sends back to us.
  if (query.id == table_.own_id() || options_.read_only || !responder_.Admit(from, now)) {
    ++dropped_;
    return;
  }
  if (!query.read_only) {
    const NodeInfo node{query.id, from};
    table_.OnQuery(node, now);
    if (table_.HasRoomFor(node) && !IsRouter(from)) PingStranger(from);
  }
  responder_.Answer(query, from, table_.own_id(), now);
}

void Node::OnReply(KrpcReply reply, const Endpoint& from, TimePoint now) {
  const absl::optional<SentQuery> sent = transactions_.Take(reply.transaction, from);
  if (!sent) {
    ++dropped_;
    return;
  }
  if (reply.id == table_.own_id() || (sent->id && *sent->id != reply.id)) {
    ++dropped_;
    table_.Forget(from);
    searches_.OnLost(*sent);
    return;
  }
  lost_in_a_row_ = 0;
  responder_.OnProof(from.address, table_.own_id(), now);
  if (reply.ip && reply.ip->address.is_v4() == options_.v4 && external_.Vote(from.address, reply.ip->address)) {
    OnExternalChange(now);
  }
  if (!IsRouter(from)) table_.OnAnswer({reply.id, from}, now);

  KeepAllowed(&reply.nodes_v4, from);
  KeepAllowed(&reply.nodes_v6, from);
  std::erase_if(reply.values, [&](const Endpoint& peer) {
    return peer.address.is_v4() != options_.v4 || !MayLeadTo(from.address, peer, HintKind::kDht);
  });
  if (sibling_ != nullptr && sibling_->IsPoor()) {
    for (const NodeInfo& node : options_.v4 ? reply.nodes_v6 : reply.nodes_v4) sibling_->AddHeard(node.endpoint);
  }
  switch (sent->purpose) {
    case DhtPurpose::kPing:
      break;
    case DhtPurpose::kBootstrap:
      SearchForSelf(std::move(options_.v4 ? reply.nodes_v4 : reply.nodes_v6));
      break;
    case DhtPurpose::kSearch:
    case DhtPurpose::kAnnounce:
      searches_.OnAnswer(*sent, reply);
      break;
  }
}

void Node::KeepAllowed(std::vector<NodeInfo>* nodes, const Endpoint& from) const {
  std::erase_if(*nodes, [&](const NodeInfo& node) {
    return node.id == table_.own_id() || !MayLeadTo(from.address, node.endpoint, HintKind::kDht);
  });
}

void Node::OnError(const KrpcError& error, const Endpoint& from) {
  const absl::optional<SentQuery> sent = transactions_.Take(error.transaction, from);
  if (sent) {
    searches_.OnLost(*sent);
  } else {
    ++dropped_;
  }
}

void Node::OnExternalChange(TimePoint now) {
  const Address& address = *external_.known();
  if (NodeIdFits(table_.own_id(), address)) return;
  table_.SetOwnId(NodeIdFor(address, static_cast<uint8_t>(SecureRandom64())), now);
  // What is around the new id is not known yet.
  bootstrapped_ = false;
  searches_.End(std::exchange(self_search_, 0));
  searches_.End(std::exchange(far_search_, 0));
  next_self_search_ = now;
}

// --- Time ------------------------------------------------------------------------------------------------------------

void Node::Step(TimePoint now) {
  now_ = now;
  for (const Transactions::Aged& aged : transactions_.Advance(now)) {
    if (aged.age == Transactions::Age::kSlow) searches_.OnSlow(aged.query);
    if (aged.age == Transactions::Age::kLost) OnLost(aged.query, now);
  }
  responder_.Step(table_.own_id(), now);
  StepBootstrap(now);
  StepHeard();
  StepMaintenance(now);
  if (!bootstrapped_ && far_search_ == 0 && table_.size() > 0 && now >= next_self_search_) SearchForSelf({});
  searches_.Step(table_);
}

void Node::OnLost(const SentQuery& query, TimePoint now) {
  searches_.OnLost(query);
  // When nobody at all answers any more, it is our own line that is silent, and not this node.
  if (++lost_in_a_row_ <= kSilentLine) table_.OnFailure(query.to, query.sent, now);
}

void Node::StepBootstrap(TimePoint now) {
  if (!IsPoor()) {
    bootstrap_backoff_ = kMinDhtBootstrapBackoff;
    return;
  }
  if (bootstrap_.empty() || now < next_bootstrap_) return;
  // All at once: those that are dead hold up nobody.
  for (const BootstrapNode& node : bootstrap_) AskBootstrap(node.endpoint);
  next_bootstrap_ = now + bootstrap_backoff_;
  bootstrap_backoff_ = std::min<Duration>(2 * bootstrap_backoff_, kMaxDhtBootstrapBackoff);
}

void Node::StepHeard() {
  while (!heard_.empty() && transactions_.Count(DhtPurpose::kPing) < kMaxDhtPingsInFlight) {
    const Endpoint next = heard_.front();
    heard_.pop_front();
    if (!transactions_.IsAsking(next)) Ping(next, absl::nullopt);
  }
}

void Node::StepMaintenance(TimePoint now) {
  if (now < next_maintenance_) return;
  next_maintenance_ = now + kDhtMaintenanceInterval;
  if (absl::optional<NodeInfo> node = table_.NextToPing(now)) Ping(node->endpoint, node->id);
  const absl::optional<NodeId> target = table_.NextToRefresh(now);
  if (!target || table_.size() == 0) return;
  if (*target == table_.own_id()) return SearchForSelf({});
  DhtSearch search;
  search.target = *target;
  searches_.Begin(std::move(search));
}

void Node::SearchForSelf(std::vector<NodeInfo> first) {
  if (self_search_ != 0) return searches_.Feed(self_search_, first);
  if (table_.size() == 0 && first.empty()) return;
  next_self_search_ = now_ + kSelfSearchAgain;
  DhtSearch search;
  search.target = table_.own_id();
  search.first = std::move(first);
  search.on_done = [this](uint32_t answered, uint32_t) {
    self_search_ = 0;
    if (answered > 0 && !bootstrapped_) SearchFarAway(0);
  };
  self_search_ = searches_.Begin(std::move(search));
}

void Node::SearchFarAway(int bits) {
  const std::vector<NodeInfo> nearest = table_.Closest(table_.own_id(), 1);
  const int known = nearest.empty() ? 0 : SharedPrefixBits(nearest[0].id, table_.own_id());
  far_search_ = 0;
  bootstrapped_ = bits >= std::min(known, kMaxFarSearches);
  if (bootstrapped_) return;
  DhtSearch search;
  search.target = RandomIdSharing(table_.own_id(), bits);
  search.on_done = [this, bits](uint32_t, uint32_t) { SearchFarAway(bits + 1); };
  far_search_ = searches_.Begin(std::move(search));
}

TimePoint Node::NextDeadline() const {
  TimePoint next = std::min({transactions_.NextDeadline(), responder_.NextDeadline(), next_maintenance_});
  if (IsPoor() && !bootstrap_.empty()) next = std::min(next, next_bootstrap_);
  return next;
}

// --- Who is named ----------------------------------------------------------------------------------------------------

bool Node::IsRouter(const Endpoint& endpoint) const {
  return std::any_of(bootstrap_.begin(), bootstrap_.end(),
                     [&](const BootstrapNode& node) { return node.router && node.endpoint == endpoint; });
}

void Node::AddBootstrap(const Endpoint& node, bool router, TimePoint now) {
  now_ = now;
  const bool known = std::any_of(bootstrap_.begin(), bootstrap_.end(),
                                 [&](const BootstrapNode& other) { return other.endpoint == node; });
  if (known || bootstrap_.size() >= kMaxDhtBootstrapNodes) return;
  bootstrap_.push_back({node, router});
  if (IsPoor()) AskBootstrap(node);
}

void Node::AddHeard(const Endpoint& node) {
  if (node.address.is_v4() != options_.v4 || heard_.size() >= kMaxDhtHeardNodes) return;
  if (std::find(heard_.begin(), heard_.end(), node) == heard_.end()) heard_.push_back(node);
}

uint64_t Node::BeginSearch(DhtSearch search, TimePoint now) {
  if (search.for_peers && search.on_peers) {
    // To ourselves anything may be told that is in the store.
    const Address self = options_.v4 ? Address::V4Loopback() : Address::V6Loopback();
    std::vector<Endpoint> own = responder_.store()->Sample(search.target, self, kDhtSampledPeers, now);
    if (!own.empty()) search.on_peers(own);
  }
  return searches_.Begin(std::move(search));
}

}  // namespace torrent
