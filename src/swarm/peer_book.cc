#include "swarm/peer_book.h"

#include <algorithm>

#include "base/limits.h"
#include "wire/peer_priority.h"

namespace torrent {

namespace {
// Who does not answer may be starting just now; from here on each failure doubles the wait.
constexpr Duration kFirstRetry = std::chrono::seconds(5);
// Who was here and left is often back soon: a dropped line, a restarted client.
constexpr Duration kReturn = std::chrono::seconds(10);
constexpr int kMaxDoublings = 10;  // an hour and a half
constexpr Duration kUselessRetry = std::chrono::minutes(30);
}  // namespace

uint32_t PeerBook::PriorityOf(const Endpoint& endpoint) const {
  const absl::optional<Address>& own = endpoint.address.is_v4() ? own_v4_ : own_v6_;
  // Until we know our address every order is as good: by one that nobody can choose.
  if (!own) return static_cast<uint32_t>(absl::HashOf(endpoint));
  return wire::PeerPriority(own->bytes(), own_port_, endpoint.address.bytes(), endpoint.port);
}

void PeerBook::SetOwnAddress(const Address& address) {
  absl::optional<Address>& own = address.is_v4() ? own_v4_ : own_v6_;
  if (own == address) return;
  own = address;
  for (auto& [endpoint, entry] : entries_) entry.priority = PriorityOf(endpoint);
}

bool PeerBook::IsBanned(const Endpoint& endpoint) const {
  return banned_addresses_.contains(endpoint.address) || banned_endpoints_.contains(endpoint);
}

bool PeerBook::Add(const Endpoint& endpoint, PeerSource source, TimePoint now) {
  if (endpoint.port == 0 || IsBanned(endpoint) || entries_.contains(endpoint)) return false;
  if (entries_.size() >= kMaxKnownPeers) {
    auto worst = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second.connected || it->second.failures == 0) continue;
      if (worst == entries_.end() || it->second.failures > worst->second.failures) worst = it;
    }
    if (worst == entries_.end()) return false;
    entries_.erase(worst);
  }
  Entry entry;
  entry.source = source;
  entry.priority = PriorityOf(endpoint);
  entry.not_before = now;
  entries_[endpoint] = entry;
  return true;
}

absl::optional<PeerBook::Pick> PeerBook::TakeNext(TimePoint now) {
  auto best = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    const Entry& entry = it->second;
    if (entry.connected || entry.not_before > now) continue;
    if (best == entries_.end() || entry.failures < best->second.failures ||
        (entry.failures == best->second.failures && entry.priority > best->second.priority)) {
      best = it;
    }
  }
  if (best == entries_.end()) return absl::nullopt;
  best->second.connected = true;
  connected_++;
  return Pick{best->first, best->second.source};
}

TimePoint PeerBook::NextDue(TimePoint) const {
  TimePoint due = TimePoint::max();
  for (const auto& [endpoint, entry] : entries_) {
    if (!entry.connected) due = std::min(due, entry.not_before);
  }
  return due;
}

void PeerBook::Connected(const Endpoint& endpoint) {
  auto found = entries_.find(endpoint);
  if (found == entries_.end() || found->second.connected) return;
  found->second.connected = true;
  connected_++;
}

void PeerBook::Gone(const Endpoint& endpoint, Ending ending, TimePoint now) {
  auto found = entries_.find(endpoint);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.connected) connected_--;
  entry.connected = false;
  if (ending == Ending::kOurselves) {
    banned_endpoints_.insert(endpoint);
    entries_.erase(found);
    return;
  }
  if (IsBanned(endpoint)) {
    entries_.erase(found);
    return;
  }
  Duration wait = kReturn;
  if (ending == Ending::kUseless) {
    wait = kUselessRetry;
  } else if (ending == Ending::kNeverEstablished) {
    wait = kFirstRetry * (1 << std::min(entry.failures, kMaxDoublings));
    entry.failures++;
  } else {
    entry.failures = 0;
    entry.proven = true;
  }
  // Up to a quarter longer, so that those who left together do not come back together.
  entry.not_before = now + wait + FromSeconds(ToSeconds(wait) * 0.25 * random_.Fraction());
}

std::vector<Endpoint> PeerBook::Best(size_t count) const {
  std::vector<Endpoint> best;
  for (const auto& [endpoint, entry] : entries_) {
    if (best.size() < count && (entry.proven || entry.connected)) best.push_back(endpoint);
  }
  return best;
}

void PeerBook::Ban(const Endpoint& endpoint) {
  if (endpoint.address.is_global()) {
    banned_addresses_.insert(endpoint.address);
  } else {
    banned_endpoints_.insert(endpoint);
  }
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (IsBanned(it->first) && !it->second.connected) {
      entries_.erase(it++);
    } else {
      ++it;
    }
  }
}

}  // namespace torrent
