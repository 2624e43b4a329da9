#include "dht/searches.h"

#include <utility>

#include "base/limits.h"

namespace torrent {

uint64_t Searches::Begin(DhtSearch search) {
  searches_[++last_].search = std::move(search);
  return last_;
}

void Searches::End(uint64_t search) { searches_.erase(search); }

void Searches::Feed(uint64_t search, const std::vector<NodeInfo>& nodes) {
  Entry* entry = Find(search);
  if (entry == nullptr) return;
  for (const NodeInfo& node : nodes) {
    if (entry->lookup) {
      entry->lookup->Add(node);
    } else if (entry->search.first.size() < kMaxDhtSearchNodes) {
      entry->search.first.push_back(node);
    }
  }
}

Searches::Entry* Searches::Find(uint64_t search) {
  auto position = searches_.find(search);
  return position == searches_.end() ? nullptr : &position->second;
}

bool Searches::HasBegun(uint64_t search) const {
  auto position = searches_.find(search);
  return position != searches_.end() && position->second.lookup.has_value();
}

void Searches::OnAnswer(const SentQuery& query, const KrpcReply& reply) {
  Entry* entry = Find(query.search);
  if (entry == nullptr || !entry->lookup) return;
  if (query.purpose == DhtPurpose::kAnnounce) {
    std::erase(entry->announces, query.to);
    return;
  }
  entry->lookup->OnAnswer(query.to, reply.token);
  entry->lookup->AddFrom(query.to, query.to.address.is_v4() ? reply.nodes_v4 : reply.nodes_v6);
  if (entry->search.for_peers && !reply.values.empty() && entry->search.on_peers) {
    entry->search.on_peers(reply.values);
  }
}

void Searches::OnSlow(const SentQuery& query) {
  Entry* entry = Find(query.search);
  if (entry != nullptr && entry->lookup && query.purpose == DhtPurpose::kSearch) entry->lookup->OnSlow(query.to);
}

void Searches::OnLost(const SentQuery& query) {
  Entry* entry = Find(query.search);
  if (entry == nullptr || !entry->lookup) return;
  if (query.purpose == DhtPurpose::kAnnounce) {
    std::erase(entry->announces, query.to);
  } else {
    entry->lookup->OnLost(query.to);
  }
}

void Searches::Step(const RoutingTable& table) {
  size_t active = 0;
  auto here = searches_.begin();
  // Each turn goes on from the number, because the end of one search may begin another.
  for (uint64_t number = 0; here != searches_.end() && active < kMaxDhtActiveSearches;
       here = searches_.upper_bound(number)) {
    number = here->first;
    Entry& entry = here->second;
    if (!entry.lookup) {
      if (table.size() == 0 && entry.search.first.empty()) continue;
      entry.lookup.emplace(entry.search.target);
      for (const NodeInfo& node : std::exchange(entry.search.first, {})) entry.lookup->Add(node);
      for (const NodeInfo& node : table.Closest(entry.search.target, kDhtBucketNodes)) entry.lookup->Add(node);
    }
    Advance(number, &entry);
    if (!entry.announcing || !entry.announces.empty()) {
      ++active;
      continue;
    }
    // Out of the map before its callback.
    const Entry ended = std::move(entry);
    searches_.erase(here);
    ++done_;
    if (ended.search.on_done) ended.search.on_done(ended.lookup->answered(), ended.lookup->hops());
  }
}

void Searches::Advance(uint64_t number, Entry* entry) {
  if (entry->announcing) return;
  KrpcQuery query;
  query.method = entry->search.for_peers ? KrpcMethod::kGetPeers : KrpcMethod::kFindNode;
  query.target = entry->search.target;
  while (absl::optional<NodeInfo> next = entry->lookup->Next()) {
    if (!ask_(*next, query, DhtPurpose::kSearch, number)) entry->lookup->OnLost(next->endpoint);
  }
  if (entry->lookup->IsDone()) Announce(number, entry);
}

void Searches::Announce(uint64_t number, Entry* entry) {
  entry->announcing = true;
  if (entry->search.announce_port == 0) return;
  KrpcQuery query;
  query.method = KrpcMethod::kAnnouncePeer;
  query.target = entry->search.target;
  query.port = entry->search.announce_port;
  for (const Lookup::Holder& holder : entry->lookup->Holders()) {
    query.token = holder.token;
    if (ask_(holder.node, query, DhtPurpose::kAnnounce, number)) entry->announces.push_back(holder.node.endpoint);
  }
}

}  // namespace torrent
