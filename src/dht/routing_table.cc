#include "dht/routing_table.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "base/limits.h"
#include "dht/address_groups.h"

namespace torrent {

namespace {
// Two failures in a row within a minute make a node bad.
constexpr std::chrono::seconds kPingAgain{30};
}  // namespace

RoutingTable::RoutingTable(const NodeId& own_id, TimePoint now) : own_id_(own_id), buckets_(1) {
  buckets_[0].changed = now;
}

void RoutingTable::SetOwnId(const NodeId& id, TimePoint now) {
  const std::vector<Bucket> old = std::exchange(buckets_, std::vector<Bucket>(1));
  buckets_[0].changed = now;
  own_id_ = id;
  for (const Bucket& bucket : old) {
    for (const Entry& entry : bucket.entries) TryPlace(entry, now);
  }
}

size_t RoutingTable::IndexFor(const NodeId& id) const {
  return std::min(static_cast<size_t>(SharedPrefixBits(id, own_id_)), buckets_.size() - 1);
}

RoutingTable::Entry* RoutingTable::Find(const std::function<bool(const Entry&)>& matches) {
  for (Bucket& bucket : buckets_) {
    auto it = std::find_if(bucket.entries.begin(), bucket.entries.end(), matches);
    if (it != bucket.entries.end()) return &*it;
  }
  return nullptr;
}

void RoutingTable::Erase(const std::function<bool(const Entry&)>& matches) {
  for (Bucket& bucket : buckets_) {
    std::erase_if(bucket.entries, matches);
    std::erase_if(bucket.replacements, matches);
  }
}

void RoutingTable::OnAnswer(const NodeInfo& node, TimePoint now) {
  if (node.id == own_id_) return;
  Entry entry{node, now, now, now, 0};
  if (Entry* known = Find([&](const Entry& e) { return e.node.id == node.id; })) {
    if (known->node.endpoint == node.endpoint) {
      known->heard = now;
      known->failures = 0;
      buckets_[IndexFor(node.id)].changed = now;
      return;
    }
    // Somebody else with the id of a node that is well: it stays where it was.
    if (known->failures == 0) return;
  }
  if (const Entry* same_host = Find([&](const Entry& e) {
        return e.node.endpoint != node.endpoint && IsSameHost(e.node.endpoint.address, node.endpoint.address);
      })) {
    if (same_host->failures == 0) return;
  }
  // What answered is what is there now: earlier entries of its id, endpoint and host are history.
  Erase([&](const Entry& e) {
    return e.node.id == node.id || e.node.endpoint == node.endpoint ||
           IsSameHost(e.node.endpoint.address, node.endpoint.address);
  });
  if (TryPlace(entry, now)) return;
  Bucket& bucket = buckets_[IndexFor(node.id)];
  if (ExceedsNetwork(bucket.replacements, nullptr, node)) return;
  if (bucket.replacements.size() >= kDhtBucketNodes) bucket.replacements.erase(bucket.replacements.begin());
  bucket.replacements.push_back(entry);
}

bool RoutingTable::ExceedsNetwork(const std::vector<Entry>& entries, const Entry* except, const NodeInfo& node) {
  return std::count_if(entries.begin(), entries.end(), [&](const Entry& e) {
           return &e != except && IsSameNetwork(e.node.endpoint.address, node.endpoint.address);
         }) >= static_cast<std::ptrdiff_t>(kMaxDhtNodesPerNetwork);
}

bool RoutingTable::TryPlace(const Entry& entry, TimePoint now) {
  while (true) {
    const size_t index = IndexFor(entry.node.id);
    Bucket& bucket = buckets_[index];
    if (bucket.entries.size() < kDhtBucketNodes) {
      if (ExceedsNetwork(bucket.entries, nullptr, entry.node)) return false;
      bucket.entries.push_back(entry);
      bucket.changed = now;
      return true;
    }
    auto weak = std::find_if(bucket.entries.begin(), bucket.entries.end(),
                             [](const Entry& e) { return e.failures >= kDhtBadFailures; });
    const bool may_split = index + 1 == buckets_.size() && buckets_.size() < static_cast<size_t>(kNodeIdBits);
    if (weak == bucket.entries.end() && may_split) {
      Split();
      continue;
    }
    // One whose id does not fit its address (BEP 42) gives way to one whose does.
    if (weak == bucket.entries.end() && NodeIdFits(entry.node.id, entry.node.endpoint.address)) {
      weak = std::find_if(bucket.entries.begin(), bucket.entries.end(),
                          [](const Entry& e) { return !NodeIdFits(e.node.id, e.node.endpoint.address); });
    }
    if (weak == bucket.entries.end() || ExceedsNetwork(bucket.entries, &*weak, entry.node)) return false;
    *weak = entry;
    bucket.changed = now;
    return true;
  }
}

void RoutingTable::Split() {
  const auto parting = static_cast<int>(buckets_.size());
  Bucket& old = buckets_.back();
  Bucket own;
  own.changed = old.changed;
  for (auto list : {&Bucket::entries, &Bucket::replacements}) {
    auto closer = std::stable_partition((old.*list).begin(), (old.*list).end(), [&](const Entry& entry) {
      return SharedPrefixBits(entry.node.id, own_id_) < parting;
    });
    std::move(closer, (old.*list).end(), std::back_inserter(own.*list));
    (old.*list).erase(closer, (old.*list).end());
  }
  buckets_.push_back(std::move(own));
}

void RoutingTable::OnQuery(const NodeInfo& node, TimePoint now) {
  if (Entry* known = Find([&](const Entry& e) { return e.node == node; })) known->heard = now;
}

void RoutingTable::OnFailure(const Endpoint& endpoint, TimePoint sent, TimePoint now) {
  Entry* entry = Find([&](const Entry& e) { return e.node.endpoint == endpoint; });
  if (entry == nullptr || (entry->failures > 0 && sent < entry->failed)) return;
  entry->failures++;
  entry->failed = now;
  entry->pinged = now;
  if (entry->failures < kDhtBadFailures) return;
  std::vector<Entry>& replacements = buckets_[IndexFor(entry->node.id)].replacements;
  // With nobody to take its place it stays for a while: it may be our own line that is down.
  if (replacements.empty() && entry->failures < kDhtGoneFailures) return;
  std::vector<Entry> waiting = std::exchange(replacements, {});
  Forget(endpoint);
  bool placed = false;
  while (!placed && !waiting.empty()) {
    placed = TryPlace(waiting.back(), now);
    waiting.pop_back();
  }
  // Each by its id: the last bucket may have been split.
  for (const Entry& other : waiting) buckets_[IndexFor(other.node.id)].replacements.push_back(other);
}

void RoutingTable::Forget(const Endpoint& endpoint) {
  Erase([&](const Entry& e) { return e.node.endpoint == endpoint; });
}

bool RoutingTable::HasRoomFor(const NodeInfo& node) const {
  if (node.id == own_id_) return false;
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.entries) {
      if (entry.node.id == node.id || entry.node.endpoint == node.endpoint) return false;
      if (IsSameHost(entry.node.endpoint.address, node.endpoint.address)) return false;
    }
  }
  const size_t index = IndexFor(node.id);
  const std::vector<Entry>& entries = buckets_[index].entries;
  if (ExceedsNetwork(entries, nullptr, node)) return false;
  return entries.size() < kDhtBucketNodes || index + 1 == buckets_.size() ||
         std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.failures > 0; });
}

std::vector<NodeInfo> RoutingTable::Closest(const NodeId& target, size_t count) const {
  std::vector<NodeInfo> nodes;
  for (const bool also_failing : {false, true}) {
    if (also_failing && !nodes.empty()) break;
    for (const Bucket& bucket : buckets_) {
      for (const Entry& entry : bucket.entries) {
        if (also_failing || entry.failures == 0) nodes.push_back(entry.node);
      }
    }
  }
  const size_t wanted = std::min(count, nodes.size());
  std::partial_sort(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(wanted), nodes.end(),
                    [&](const NodeInfo& a, const NodeInfo& b) { return IsCloser(a.id, b.id, target); });
  nodes.resize(wanted);
  return nodes;
}

std::vector<NodeInfo> RoutingTable::All() const {
  std::vector<NodeInfo> nodes;
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.entries) nodes.push_back(entry.node);
  }
  return nodes;
}

size_t RoutingTable::size() const {
  size_t count = 0;
  for (const Bucket& bucket : buckets_) count += bucket.entries.size();
  return count;
}

size_t RoutingTable::CountGood(TimePoint now) const {
  size_t count = 0;
  for (const Bucket& bucket : buckets_) {
    count += static_cast<size_t>(std::count_if(bucket.entries.begin(), bucket.entries.end(), [&](const Entry& e) {
      return e.failures == 0 && now - e.heard < kDhtGoodTime;
    }));
  }
  return count;
}

absl::optional<NodeInfo> RoutingTable::NextToPing(TimePoint now) {
  Entry* oldest = nullptr;
  for (Bucket& bucket : buckets_) {
    for (Entry& entry : bucket.entries) {
      const bool questionable = entry.failures > 0 || now - entry.heard >= kDhtGoodTime;
      if (!questionable || now - entry.pinged < kPingAgain) continue;
      if (oldest == nullptr || entry.heard < oldest->heard) oldest = &entry;
    }
  }
  if (oldest == nullptr) return absl::nullopt;
  oldest->pinged = now;
  return oldest->node;
}

absl::optional<NodeId> RoutingTable::NextToRefresh(TimePoint now) {
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (now - buckets_[i].changed < kDhtGoodTime) continue;
    buckets_[i].changed = now;
    return i + 1 == buckets_.size() ? own_id_ : RandomIdSharing(own_id_, static_cast<int>(i));
  }
  return absl::nullopt;
}

}  // namespace torrent
