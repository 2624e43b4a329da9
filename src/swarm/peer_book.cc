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

// By PeerSource: whose addresses give way to whose in a full book; the least stays longest. Who came to us says by
// itself where it listens, several times if it likes, so that it stands behind the trackers.
constexpr std::array<int, kPeerSourceCount> kRank = {2, 3, 0, 1, 5, 6, 4};

int RankOf(PeerSource source) { return kRank[static_cast<size_t>(source)]; }
uint8_t BitOf(PeerSource source) { return static_cast<uint8_t>(1u << static_cast<unsigned>(source)); }

bool TakenInPrivate(PeerSource source) {
  return source == PeerSource::kTracker || source == PeerSource::kIncoming || source == PeerSource::kUser ||
         source == PeerSource::kResume;
}

size_t ShareOf(PeerSource source) {
  switch (source) {
    case PeerSource::kPex:
      return kMaxKnownOfPex;
    case PeerSource::kDht:
      return kMaxKnownOfDht;
    case PeerSource::kLan:
      return kMaxKnownOfLan;
    default:
      return kMaxKnownPeers;
  }
}
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

bool PeerBook::Add(const Endpoint& endpoint, PeerSource source, TimePoint now, const absl::optional<Address>& teller) {
  if (endpoint.port == 0 || IsBanned(endpoint) || (is_private_ && !TakenInPrivate(source))) return false;
  if (auto found = entries_.find(endpoint); found != entries_.end()) {
    found->second.sources |= BitOf(source);
    return false;
  }
  const uint32_t teller_hash = teller ? static_cast<uint32_t>(absl::HashOf(*teller)) | 1u : 0;
  if (!MakeRoom(endpoint, source, teller_hash)) return false;
  Entry entry;
  entry.source = source;
  entry.sources = BitOf(source);
  entry.teller = teller_hash;
  entry.priority = PriorityOf(endpoint);
  entry.not_before = now;
  entries_[endpoint] = entry;
  by_source_[static_cast<size_t>(source)].known++;
  return true;
}

bool PeerBook::MakeRoom(const Endpoint& endpoint, PeerSource source, uint32_t teller) {
  if (teller != 0) {
    size_t of_teller = 0;
    for (const auto& [known, entry] : entries_) {
      of_teller += entry.teller == teller;
      // One machine at many ports is what who wants it knocked at would tell.
      if (entry.teller != 0 && known.address == endpoint.address && known.address.is_global()) return false;
    }
    if (of_teller >= kMaxKnownOfOnePeer) {
      return DropWorst(source, [teller](const Entry& entry) { return entry.teller == teller; });
    }
  }
  if (by_source_[static_cast<size_t>(source)].known >= ShareOf(source)) {
    return DropWorst(source, [source](const Entry& entry) { return entry.source == source; });
  }
  if (entries_.size() >= kMaxKnownPeers) {
    return DropWorst(source, [](const Entry&) { return true; });
  }
  return true;
}

template <typename IsCandidate>
bool PeerBook::DropWorst(PeerSource source, const IsCandidate& is_candidate) {
  const auto badness = [](const Entry& entry) { return std::pair(entry.failures, RankOf(entry.source)); };
  auto worst = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    const Entry& entry = it->second;
    if (entry.connected || (entry.sources & BitOf(PeerSource::kUser)) != 0 || !is_candidate(entry)) continue;
    if (worst == entries_.end() || badness(entry) > badness(worst->second)) worst = it;
  }
  if (worst == entries_.end()) return false;
  if (worst->second.failures == 0 && RankOf(worst->second.source) <= RankOf(source)) return false;
  Erase(worst);
  return true;
}

void PeerBook::Erase(Entries::iterator it) {
  by_source_[static_cast<size_t>(it->second.source)].known--;
  entries_.erase(it);
}

bool PeerBook::HeardFrom(const Endpoint& endpoint, PeerSource source) const {
  auto found = entries_.find(endpoint);
  return found != entries_.end() && (found->second.sources & BitOf(source)) != 0;
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

void PeerBook::Established(const Endpoint& endpoint, PeerSource source) {
  auto found = entries_.find(endpoint);
  if (found != entries_.end()) {
    if (found->second.proven) return;
    found->second.proven = true;
    source = found->second.source;
  }
  by_source_[static_cast<size_t>(source)].ever_connected++;
}

void PeerBook::Gone(const Endpoint& endpoint, Ending ending, TimePoint now) {
  auto found = entries_.find(endpoint);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.connected) connected_--;
  entry.connected = false;
  if (ending == Ending::kOurselves) {
    banned_endpoints_.insert(endpoint);
    Erase(found);
    return;
  }
  if (IsBanned(endpoint)) {
    Erase(found);
    return;
  }
  Duration wait = kReturn;
  if (ending == Ending::kUseless) {
    wait = kUselessRetry;
  } else if (ending == Ending::kNeverEstablished) {
    wait = kFirstRetry * (1 << std::min<int>(entry.failures, kMaxDoublings));
    if (entry.failures < UINT8_MAX) entry.failures++;
  } else {
    entry.failures = 0;
    Established(endpoint, entry.source);
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

std::vector<PeerBook::Pick> PeerBook::Known() const {
  std::vector<Pick> known;
  known.reserve(entries_.size());
  for (const auto& [endpoint, entry] : entries_) {
    if (!IsBanned(endpoint)) known.push_back({endpoint, entry.source});
  }
  return known;
}

void PeerBook::Ban(const Endpoint& endpoint) {
  if (endpoint.address.is_global()) {
    banned_addresses_.insert(endpoint.address);
  } else {
    banned_endpoints_.insert(endpoint);
  }
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto next = std::next(it);
    if (IsBanned(it->first) && !it->second.connected) Erase(it);
    it = next;
  }
}

}  // namespace torrent
