#include "swarm/pex_roster.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "net/address_policy.h"

namespace torrent {

namespace {

wire::PexPeer PexPeerOf(const Endpoint& endpoint, uint8_t flags) {
  std::string compact;
  endpoint.AppendCompact(&compact);
  wire::PexPeer peer;
  peer.compact.assign(compact.begin(), compact.end());
  peer.flags = flags;
  return peer;
}

}  // namespace

void PexRoster::Set(uint64_t link, const Endpoint& endpoint, uint8_t flags) {
  MutexLock lock(&mutex_);
  for (Entry& entry : present_) {
    if (entry.link != link) continue;
    entry.flags = flags;
    return;
  }
  present_.push_back({link, endpoint, flags, changes_.load(std::memory_order_relaxed) + 1, 0});
  changes_.fetch_add(1, std::memory_order_release);
}

void PexRoster::Remove(uint64_t link) {
  MutexLock lock(&mutex_);
  auto found = std::find_if(present_.begin(), present_.end(), [link](const Entry& e) { return e.link == link; });
  if (found == present_.end()) return;
  found->left = changes_.load(std::memory_order_relaxed) + 1;
  left_.push_back(*found);
  present_.erase(found);
  if (left_.size() > kMaxPexLeft) left_.pop_front();
  changes_.fetch_add(1, std::memory_order_release);
}

wire::PexMessage PexRoster::Next(Place* place, uint64_t to, const Address& address) const {
  const auto may_tell = [&](const Entry& entry) {
    return entry.link != to && MayLeadTo(address, entry.endpoint, HintKind::kPex);
  };
  const auto holds = [](const std::vector<Entry>& entries, const Endpoint& endpoint) {
    return std::any_of(entries.begin(), entries.end(), [&](const Entry& e) { return e.endpoint == endpoint; });
  };
  std::vector<Entry> added, dropped;
  wire::PexMessage message;

  MutexLock lock(&mutex_);
  bool more = false;
  for (const Entry& entry : left_) {
    if (entry.left <= place->left) continue;
    if (entry.joined <= place->joined && may_tell(entry)) {
      if ((more = dropped.size() == kMaxPexPeers)) break;
      dropped.push_back(entry);
    }
    place->left = entry.left;
  }
  for (const Entry& entry : present_) {
    if (entry.joined <= place->joined) continue;
    if (may_tell(entry) && !holds(added, entry.endpoint)) {
      if (added.size() == kMaxPexPeers) {
        more = true;
        break;
      }
      added.push_back(entry);
    }
    place->joined = entry.joined;
  }
  // Who left and came back is where it was told to be.
  for (const Entry& entry : added) {
    if (!holds(dropped, entry.endpoint)) message.added.push_back(PexPeerOf(entry.endpoint, entry.flags));
  }
  for (const Entry& entry : dropped) {
    if (!holds(present_, entry.endpoint)) message.dropped.push_back(PexPeerOf(entry.endpoint, 0));
  }
  if (!more) place->seen = changes_.load(std::memory_order_relaxed);
  return message;
}

}  // namespace torrent
