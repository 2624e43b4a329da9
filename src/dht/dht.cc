#include "dht/dht.h"

#include <algorithm>
#include <list>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "dht/dht_inbox.h"
#include "dht/name_lookups.h"
#include "dht/node.h"
#include "dht/search_gate.h"
#include "dht/state_file.h"
#include "net/address_policy.h"

namespace torrent {

namespace {

// Nodes of the run before that are asked again and again while nobody is known.
constexpr size_t kPersistentNodes = 16;

// How far a name leads that somebody else wrote down (a .torrent, this program's own list): out into the world only.
bool IsWorldly(const Endpoint& endpoint) {
  return endpoint.port != 0 && MayLeadTo(Reach::kGlobal, endpoint.address.reach());
}

class DhtThread : public Dht {
 public:
  DhtThread(DhtOptions options, Wakeup cancel)
      : options_(std::move(options)),
        inbox_(std::make_shared<DhtInbox>()),
        names_(options_.resolver, std::move(cancel)) {}
  ~DhtThread() override;
  absl::Status Begin();

  std::unique_ptr<Search> GetPeers(SearchOptions options) override;
  void AddNode(const Endpoint& node, const absl::optional<Address>& source) override;
  void AddNode(const std::string& host, uint16_t port) override;
  DhtStatus Status() const override;

 private:
  // The handle.
  class Handle : public Search {
   public:
    Handle(std::shared_ptr<SearchGate> gate, std::shared_ptr<DhtInbox> inbox)
        : gate_(std::move(gate)), inbox_(std::move(inbox)) {}
    ~Handle() override {
      gate_->Close();
      inbox_->Wake();
    }

   private:
    const std::shared_ptr<SearchGate> gate_;
    const std::shared_ptr<DhtInbox> inbox_;
  };
  // A search in one family.
  struct Part {
    Node* node;
    uint64_t number = 0;
    bool done = false;
  };
  struct Running {
    SearchOptions options;
    std::shared_ptr<SearchGate> gate;
    std::vector<Part> parts;
    absl::flat_hash_set<Endpoint> told;
    uint32_t answered = 0;
    uint32_t hops = 0;
    TimePoint first_done = TimePoint::max();
  };

  void Run();
  void OpenNodes(TimePoint now);
  void AddHeard(const Endpoint& node);
  void AskBootstrapNames(TimePoint now);
  void AddBootstrap(const std::vector<Endpoint>& endpoints, bool router, TimePoint now);
  bool KnowsNobody() const;
  void BeginSearch(SearchOptions options, std::shared_ptr<SearchGate> gate, TimePoint now);
  void StepSearches(TimePoint now);
  bool IsFinished(const Running& search, TimePoint now) const;
  TimePoint NextDeadline() const;
  void Save();
  void Publish(TimePoint now) ABSL_LOCKS_EXCLUDED(status_mutex_);

  const DhtOptions options_;
  const std::shared_ptr<DhtInbox> inbox_;
  mutable Mutex status_mutex_;
  DhtStatus status_ ABSL_GUARDED_BY(status_mutex_);

  // The thread's alone, from here on.
  std::unique_ptr<Node> v4_, v6_;  // null: this machine has no such family
  std::vector<Node*> nodes_;       // those that are there
  std::list<Running> searches_;
  TimePoint next_patience_ = TimePoint::max();  // when a search may end without one of the families
  NameLookups names_;
  TimePoint next_names_;
  Duration names_backoff_ = kMinDhtBootstrapBackoff;
  TimePoint next_save_;
  uint64_t inbox_dropped_ = 0;

  Thread thread_;
};

absl::Status DhtThread::Begin() {
  // Before anything is asked, so that the first answers find somebody.
  options_.port->Handle(UdpPort::Kind::kDht, [inbox = inbox_](const Endpoint& from, absl::string_view datagram) {
    inbox->Deliver(from, datagram);
  });
  OpenNodes(Now());
  Publish(Now());
  absl::StatusOr<Thread> thread = Thread::Start("dht", [this] { Run(); });
  if (!thread.ok()) {
    options_.port->Handle(UdpPort::Kind::kDht, nullptr);
    return thread.status();
  }
  thread_ = *std::move(thread);
  return absl::OkStatus();
}

DhtThread::~DhtThread() {
  if (!thread_.joinable()) return;
  options_.port->Handle(UdpPort::Kind::kDht, nullptr);
  inbox_->Stop();
  thread_.Join();
}

// --- Called by others ------------------------------------------------------------------------------------------------

std::unique_ptr<Dht::Search> DhtThread::GetPeers(SearchOptions options) {
  auto gate = std::make_shared<SearchGate>();
  inbox_->Do(
      [this, gate, options = std::move(options)](TimePoint now) mutable { BeginSearch(std::move(options), gate, now); },
      false);
  return std::make_unique<Handle>(gate, inbox_);
}

void DhtThread::AddNode(const Endpoint& node, const absl::optional<Address>& source) {
  const bool allowed = MayLeadTo(source.value_or(node.address), node, source ? HintKind::kDht : HintKind::kUser);
  if (allowed) inbox_->Do([this, node](TimePoint) { AddHeard(node); }, true);
}

void DhtThread::AddNode(const std::string& host, uint16_t port) {
  auto resolved = [this](const std::vector<Endpoint>& endpoints) {
    for (const Endpoint& endpoint : endpoints) {
      // As if a node out there had named it, because anybody may have written it.
      if (!IsWorldly(endpoint) || endpoint.port < 1024) continue;
      inbox_->Do([this, endpoint](TimePoint) { AddHeard(endpoint); }, true);
    }
  };
  inbox_->Do([this, host, port, resolved](TimePoint) { names_.Ask(host, port, resolved); }, true);
}

DhtStatus DhtThread::Status() const {
  MutexLock lock(&status_mutex_);
  return status_;
}

// --- The thread ------------------------------------------------------------------------------------------------------

void DhtThread::OpenNodes(TimePoint now) {
  DhtState state;
  if (!options_.state_path.empty()) {
    // Missing or damaged, it begins from nothing.
    if (absl::StatusOr<DhtState> loaded = LoadDhtState(options_.state_path); loaded.ok()) state = *std::move(loaded);
  }
  for (const bool v4 : {true, false}) {
    if (!(v4 ? options_.port->has_v4() : options_.port->has_v6())) continue;
    Node::Options node;
    node.v4 = v4;
    node.id = v4 ? state.id_v4 : state.id_v6;
    node.read_only = options_.read_only;
    // What does not leave is as if it were lost on its way: queries are not repeated, others are asked instead.
    node.send = [port = options_.port](const Endpoint& to, const std::string& datagram) {
      port->Send(to, datagram).IgnoreError();
    };
    std::unique_ptr<Node>& place = v4 ? v4_ : v6_;
    place = std::make_unique<Node>(std::move(node), now);
    const std::vector<NodeInfo>& known = v4 ? state.nodes_v4 : state.nodes_v6;
    for (size_t i = 0; i < known.size(); ++i) {
      // A few are asked until somebody is known: a line that comes up late must not cost the whole table.
      if (i < kPersistentNodes) place->AddBootstrap(known[i].endpoint, false, now);
      place->AddHeard(known[i].endpoint);
    }
    nodes_.push_back(place.get());
  }
  if (v4_ != nullptr && v6_ != nullptr) v4_->Join(v6_.get());
  next_names_ = now;
  next_save_ = now + kDhtSaveInterval;
}

void DhtThread::Run() {
  const PatientForMemory patient;
  DhtInbox::Turn turn;
  while (inbox_->Wait(NextDeadline(), &turn)) {
    const TimePoint now = Now();
    inbox_dropped_ += turn.dropped;
    for (DhtInbox::Command& command : turn.commands) command(now);
    for (const DhtInbox::Datagram& datagram : turn.datagrams) {
      Node* node = datagram.from.address.is_v4() ? v4_.get() : v6_.get();
      if (node != nullptr) node->Receive(datagram.from, datagram.bytes, now);
    }
    if (KnowsNobody() && now >= next_names_) AskBootstrapNames(now);
    names_.Step();
    for (Node* node : nodes_) node->Step(now);
    StepSearches(now);
    if (now >= next_save_) {
      Save();
      next_save_ = now + kDhtSaveInterval;
    }
    Publish(now);
  }
  Save();
}

TimePoint DhtThread::NextDeadline() const {
  TimePoint next = next_save_;
  if (KnowsNobody()) next = std::min(next, next_names_);
  for (const Node* node : nodes_) next = std::min(next, node->NextDeadline());
  return std::min(next, next_patience_);
}

// --- Beginning -------------------------------------------------------------------------------------------------------

bool DhtThread::KnowsNobody() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const Node* node) { return node->table().size() == 0; });
}

void DhtThread::AskBootstrapNames(TimePoint now) {
  for (const bool router : {false, true}) {
    for (const auto& [host, port] : router ? options_.bootstrap : options_.user_bootstrap) {
      names_.Ask(host, port, [this, router](const std::vector<Endpoint>& endpoints) {
        inbox_->Do([this, endpoints, router](TimePoint later) { AddBootstrap(endpoints, router, later); }, false);
      });
    }
  }
  next_names_ = now + names_backoff_;
  names_backoff_ = std::min<Duration>(2 * names_backoff_, kMaxDhtBootstrapBackoff);
}

void DhtThread::AddBootstrap(const std::vector<Endpoint>& endpoints, bool router, TimePoint now) {
  for (const Endpoint& endpoint : endpoints) {
    if (!(router ? IsWorldly(endpoint) : MayLeadTo(endpoint.address, endpoint, HintKind::kUser))) continue;
    Node* node = endpoint.address.is_v4() ? v4_.get() : v6_.get();
    if (node != nullptr) node->AddBootstrap(endpoint, router, now);
  }
}

void DhtThread::AddHeard(const Endpoint& node) {
  Node* family = node.address.is_v4() ? v4_.get() : v6_.get();
  if (family != nullptr) family->AddHeard(node);
}

// --- Searches --------------------------------------------------------------------------------------------------------

void DhtThread::BeginSearch(SearchOptions options, std::shared_ptr<SearchGate> gate, TimePoint now) {
  Running& search = searches_.emplace_back();
  search.options = std::move(options);
  search.gate = std::move(gate);
  search.parts.reserve(nodes_.size());  // they are pointed to
  for (Node* node : nodes_) {
    Part* part = &search.parts.emplace_back(Part{node});
    DhtSearch in_family;
    in_family.target = search.options.infohash;
    in_family.for_peers = true;
    in_family.announce_port = search.options.announce_port;
    in_family.on_peers = [&search](const std::vector<Endpoint>& peers) {
      std::vector<Endpoint> fresh;
      for (const Endpoint& peer : peers) {
        if (search.told.size() < kMaxDhtSearchPeers && search.told.insert(peer).second) fresh.push_back(peer);
      }
      if (fresh.empty() || !search.options.on_peers) return;
      search.gate->Pass([&] { search.options.on_peers(fresh); });
    };
    in_family.on_done = [&search, part](uint32_t answered, uint32_t hops) {
      part->done = true;
      search.answered += answered;
      search.hops = std::max(search.hops, hops);
    };
    part->number = node->BeginSearch(std::move(in_family), now);
  }
}

bool DhtThread::IsFinished(const Running& search, TimePoint now) const {
  for (const Part& part : search.parts) {
    if (part.done) continue;
    // A family that knows nobody does not hold up the other one for ever.
    const bool too_late = now - kDhtFamilyPatience >= search.first_done;
    if (part.node->SearchHasBegun(part.number) || !too_late) return false;
  }
  return true;
}

void DhtThread::StepSearches(TimePoint now) {
  next_patience_ = TimePoint::max();
  for (auto it = searches_.begin(); it != searches_.end();) {
    Running& search = *it;
    const bool any_done = std::any_of(search.parts.begin(), search.parts.end(), [](const Part& p) { return p.done; });
    if (any_done && search.first_done == TimePoint::max()) search.first_done = now;
    const bool finished = IsFinished(search, now);
    if (!finished && !search.gate->closed()) {
      if (any_done && search.first_done + kDhtFamilyPatience > now) {
        next_patience_ = std::min(next_patience_, search.first_done + kDhtFamilyPatience);
      }
      ++it;
      continue;
    }
    for (const Part& part : search.parts) part.node->EndSearch(part.number);
    if (search.options.on_done) search.gate->Pass([&] { search.options.on_done(search.answered, search.hops); });
    it = searches_.erase(it);
  }
}

// --- What others may know --------------------------------------------------------------------------------------------

void DhtThread::Save() {
  // An empty table is no news: what was saved before may still be true.
  if (options_.state_path.empty() || KnowsNobody()) return;
  DhtState state;
  if (v4_ != nullptr) {
    state.id_v4 = v4_->id();
    state.nodes_v4 = v4_->table().All();
  }
  if (v6_ != nullptr) {
    state.id_v6 = v6_->id();
    state.nodes_v6 = v6_->table().All();
  }
  // A state that cannot be kept costs the next beginning some seconds.
  SaveDhtState(options_.state_path, state).IgnoreError();
}

void DhtThread::Publish(TimePoint now) {
  DhtStatus status;
  for (const Node* node : nodes_) {
    status.good_nodes += static_cast<uint32_t>(node->table().CountGood(now));
    status.lookups += static_cast<uint32_t>(node->searches());
    status.lookups_done += node->searches_done();
    status.sent_bytes += node->sent_bytes();
    status.received_bytes += node->received_bytes();
    status.dropped += node->dropped();
    status.bootstrapped = status.bootstrapped || node->bootstrapped();
  }
  status.dropped += inbox_dropped_;
  if (v4_ != nullptr) {
    status.id = v4_->id().Hex();
    status.nodes_v4 = static_cast<uint32_t>(v4_->table().size());
    if (v4_->external()) status.external_v4 = v4_->external()->ToString();
  }
  if (v6_ != nullptr) {
    status.nodes_v6 = static_cast<uint32_t>(v6_->table().size());
    if (v6_->external()) status.external_v6 = v6_->external()->ToString();
  }
  MutexLock lock(&status_mutex_);
  status_ = std::move(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dht>> Dht::Start(DhtOptions options) {
  ASSIGN_OR_RETURN(Wakeup cancel, Wakeup::Create());
  auto dht = std::make_unique<DhtThread>(std::move(options), std::move(cancel));
  RETURN_IF_ERROR(dht->Begin());
  return dht;
}

}  // namespace torrent
