#include "tracker_server/announce_table.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "net/address_policy.h"

namespace torrent {

AnnounceTable::Identity AnnounceTable::IdentityOf(const ServedAnnounce& announce) {
  const uint64_t proof = announce.key.empty() ? absl::HashOf(announce.endpoint.address) : absl::HashOf(announce.key);
  return Identity{announce.peer_id, proof};
}

absl::StatusOr<ServedAnswer> AnnounceTable::Announce(const ServedAnnounce& announce, TimePoint now) {
  Sweep(now);
  const Identity identity = IdentityOf(announce);
  const bool v4 = announce.endpoint.address.is_v4();
  const bool stopped = announce.event == TrackerEvent::kStopped;
  auto swarm_position = swarms_.find(announce.infohash);
  if (swarm_position == swarms_.end()) {
    if (stopped) return ServedAnswer();
    if (swarms_.size() >= kMaxServedSwarms) {
      return absl::ResourceExhaustedError(absl::StrCat("this tracker is full: ", kMaxServedSwarms, " torrents"));
    }
    if (peer_count_ >= kMaxServedPeers) {
      return absl::ResourceExhaustedError(absl::StrCat("this tracker is full: ", kMaxServedPeers, " peers"));
    }
    swarm_position = swarms_.try_emplace(announce.infohash).first;
  }
  Swarm& swarm = swarm_position->second;

  auto position = swarm.by_identity.find(identity);
  if (stopped) {
    if (position != swarm.by_identity.end()) {
      Peer& peer = swarm.peers[position->second];
      (v4 ? peer.v4 : peer.v6) = Place();
      if (peer.v4.endpoint.port == 0 && peer.v6.endpoint.port == 0) RemovePeer(&swarm, position->second);
    }
    ServedAnswer answer;
    answer.complete = swarm.complete;
    answer.incomplete = static_cast<int64_t>(swarm.peers.size()) - swarm.complete;
    if (swarm.peers.empty()) swarms_.erase(swarm_position);
    return answer;
  }
  if (position == swarm.by_identity.end()) {
    if (peer_count_ >= kMaxServedPeers) {
      return absl::ResourceExhaustedError(absl::StrCat("this tracker is full: ", kMaxServedPeers, " peers"));
    }
    position = swarm.by_identity.emplace(identity, swarm.peers.size()).first;
    swarm.peers.push_back(Peer{identity, {}, {}, false});
    ++peer_count_;
  }
  Peer& peer = swarm.peers[position->second];
  (v4 ? peer.v4 : peer.v6) = Place{announce.endpoint, now};
  // Over the second family it is the same completion.
  if (announce.event == TrackerEvent::kCompleted && !peer.seeder) ++swarm.downloaded;
  swarm.complete += static_cast<int64_t>(announce.seeder) - static_cast<int64_t>(peer.seeder);
  peer.seeder = announce.seeder;

  ServedAnswer answer;
  answer.complete = swarm.complete;
  answer.incomplete = static_cast<int64_t>(swarm.peers.size()) - swarm.complete;
  NamePeers(swarm, announce, now, &answer);
  return answer;
}

void AnnounceTable::NamePeers(const Swarm& swarm, const ServedAnnounce& announce, TimePoint now, ServedAnswer* answer) {
  const Identity self = IdentityOf(announce);
  const bool v4 = announce.endpoint.address.is_v4();
  const size_t wanted = std::min(announce.numwant, kMaxServedNumwant);
  const size_t looks = std::min(swarm.peers.size(), kMaxServedLookups);
  const size_t first = random_.Below(swarm.peers.size());
  for (size_t i = 0; i < looks && answer->peers.size() < wanted; ++i) {
    const Peer& peer = swarm.peers[(first + i) % swarm.peers.size()];
    if (peer.identity == self || (announce.seeder && peer.seeder)) continue;
    for (const Place& place : {v4 ? peer.v4 : peer.v6, v4 ? peer.v6 : peer.v4}) {
      if (!Alive(place, now) || place.endpoint == announce.endpoint) continue;
      if (!MayLeadTo(announce.endpoint.address, place.endpoint, HintKind::kTracker)) continue;
      answer->peers.push_back(ServedPeer{peer.identity.peer_id, place.endpoint});
      break;
    }
  }
}

ScrapeReply::File AnnounceTable::Scrape(const Infohash& infohash, TimePoint now) {
  Sweep(now);
  ScrapeReply::File counts;
  auto position = swarms_.find(infohash);
  if (position == swarms_.end()) return counts;
  const Swarm& swarm = position->second;
  counts.complete = swarm.complete;
  counts.downloaded = swarm.downloaded;
  counts.incomplete = static_cast<int64_t>(swarm.peers.size()) - swarm.complete;
  return counts;
}

void AnnounceTable::RemovePeer(Swarm* swarm, size_t index) {
  if (swarm->peers[index].seeder) --swarm->complete;
  swarm->by_identity.erase(swarm->peers[index].identity);
  if (index + 1 != swarm->peers.size()) {
    swarm->peers[index] = swarm->peers.back();
    swarm->by_identity[swarm->peers[index].identity] = index;
  }
  swarm->peers.pop_back();
  --peer_count_;
}

void AnnounceTable::Sweep(TimePoint now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + kServedSweepInterval;
  for (auto position = swarms_.begin(); position != swarms_.end();) {
    Swarm& swarm = position->second;
    for (size_t i = swarm.peers.size(); i > 0; --i) {
      const Peer& peer = swarm.peers[i - 1];
      if (!Alive(peer.v4, now) && !Alive(peer.v6, now)) RemovePeer(&swarm, i - 1);
    }
    const auto here = position++;
    if (swarm.peers.empty()) swarms_.erase(here);
  }
}

}  // namespace torrent
