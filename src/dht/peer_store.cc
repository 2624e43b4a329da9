#include "dht/peer_store.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "net/address_policy.h"

namespace torrent {

bool PeerStore::Alive(const Peer& peer, TimePoint now) { return now - peer.announced < kDhtPeerLifetime; }

void PeerStore::Add(const Infohash& infohash, const Endpoint& peer, const NodeId& own_id, TimePoint now) {
  Sweep(now);
  auto position = torrents_.find(infohash);
  if (position != torrents_.end()) {
    std::vector<Peer>& peers = position->second;
    auto known = std::find_if(peers.begin(), peers.end(), [&](const Peer& p) { return p.endpoint == peer; });
    if (known == peers.end() && peers.size() >= kMaxDhtStoredPeersPerTorrent) {
      known = std::min_element(peers.begin(), peers.end(),
                               [](const Peer& a, const Peer& b) { return a.announced < b.announced; });
    }
    if (known != peers.end()) {
      *known = Peer{peer, now};
      return;
    }
  }
  while (peer_count_ >= kMaxDhtStoredPeers ||
         (position == torrents_.end() && torrents_.size() >= kMaxDhtStoredTorrents)) {
    if (!ForgetFarthest(infohash, own_id)) return;
  }
  torrents_[infohash].push_back({peer, now});
  ++peer_count_;
}

bool PeerStore::ForgetFarthest(const Infohash& infohash, const NodeId& own_id) {
  auto farthest = torrents_.begin();
  for (auto it = torrents_.begin(); it != torrents_.end(); ++it) {
    if (IsCloser(farthest->first, it->first, own_id)) farthest = it;
  }
  if (farthest == torrents_.end() || !IsCloser(infohash, farthest->first, own_id)) return false;
  peer_count_ -= farthest->second.size();
  torrents_.erase(farthest);
  return true;
}

std::vector<Endpoint> PeerStore::Sample(const Infohash& infohash, const Address& asker, size_t count, TimePoint now) {
  std::vector<Endpoint> fitting;
  auto position = torrents_.find(infohash);
  if (position == torrents_.end()) return fitting;
  for (const Peer& peer : position->second) {
    if (Alive(peer, now) && MayLeadTo(asker, peer.endpoint, HintKind::kDht)) fitting.push_back(peer.endpoint);
  }
  const size_t wanted = std::min(count, fitting.size());
  for (size_t i = 0; i < wanted; ++i) std::swap(fitting[i], fitting[i + random_.Below(fitting.size() - i)]);
  fitting.resize(wanted);
  return fitting;
}

bool PeerStore::Has(const Infohash& infohash, TimePoint now) const {
  auto position = torrents_.find(infohash);
  return position != torrents_.end() && std::any_of(position->second.begin(), position->second.end(),
                                                    [&](const Peer& peer) { return Alive(peer, now); });
}

void PeerStore::Sweep(TimePoint now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + std::chrono::minutes(1);
  for (auto it = torrents_.begin(); it != torrents_.end();) {
    peer_count_ -= std::erase_if(it->second, [&](const Peer& peer) { return !Alive(peer, now); });
    auto here = it++;
    if (here->second.empty()) torrents_.erase(here);
  }
}

}  // namespace torrent
