#include "lan/lan_torrents.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "net/address_policy.h"

namespace torrent {

uint64_t LanTorrents::Add(const Infohash& infohash, OnPeer on_peer) {
  auto shared = std::make_shared<const OnPeer>(std::move(on_peer));
  MutexLock lock(&mutex_);
  Torrent& torrent = torrents_[++last_id_];
  torrent.infohash = infohash;
  torrent.on_peer = std::move(shared);
  return last_id_;
}

void LanTorrents::Remove(uint64_t id) {
  std::shared_ptr<const OnPeer> callback;  // destroyed without the lock
  MutexLock lock(&mutex_);
  const auto found = torrents_.find(id);
  if (found == torrents_.end()) return;
  callback = std::move(found->second.on_peer);
  torrents_.erase(found);
  while (running_ == id) call_ended_.Wait(&mutex_);
}

std::vector<Infohash> LanTorrents::TakeDue(TimePoint now) {
  std::vector<Infohash> due;
  bool round = false;
  MutexLock lock(&mutex_);
  for (auto& [id, torrent] : torrents_) {
    if (torrent.announced && (now < torrent.next || now < next_round_)) continue;
    round |= torrent.announced;
    torrent.announced = true;
    torrent.next = now + kLanAnnounceInterval + FromSeconds(ToSeconds(kLanAnnounceJitter) * random_.Fraction());
    // The same torrent under two handles is said once.
    if (std::find(due.begin(), due.end(), torrent.infohash) == due.end()) due.push_back(torrent.infohash);
  }
  if (round) next_round_ = now + kLanRoundInterval;
  return due;
}

TimePoint LanTorrents::NextDue() const {
  MutexLock lock(&mutex_);
  TimePoint next = TimePoint::max();
  for (const auto& [id, torrent] : torrents_) {
    if (!torrent.announced) return TimePoint::min();
    next = std::min(next, std::max(torrent.next, next_round_));
  }
  return next;
}

bool LanTorrents::MayTell(const Endpoint& peer, TimePoint now, Torrent* torrent) {
  const auto found = torrent->told.find(peer.address);
  if (found != torrent->told.end()) {
    const Duration wait = found->second.port == peer.port ? Duration(kLanRepeatInterval) : Duration(kLanSourceInterval);
    if (now < found->second.at + wait) return false;
  } else if (torrent->told.size() >= kMaxLanSources) {
    absl::erase_if(torrent->told, [now](const auto& told) { return now >= told.second.at + kLanRepeatInterval; });
    if (torrent->told.size() >= kMaxLanSources) return false;
  }
  torrent->told[peer.address] = {peer.port, now};
  return true;
}

void LanTorrents::Hear(const Address& source, const LsdMessage& message, TimePoint now) {
  const Endpoint peer{source, message.port};
  if (!MayLeadTo(source, peer, HintKind::kLan)) return;
  std::vector<std::pair<uint64_t, std::shared_ptr<const OnPeer>>> calls;
  {
    MutexLock lock(&mutex_);
    for (auto& [id, torrent] : torrents_) {
      const bool named =
          std::find(message.infohashes.begin(), message.infohashes.end(), torrent.infohash) != message.infohashes.end();
      if (named && MayTell(peer, now, &torrent)) calls.emplace_back(id, torrent.on_peer);
    }
  }
  for (auto& [id, on_peer] : calls) {
    {
      MutexLock lock(&mutex_);
      if (torrents_.count(id) == 0) continue;
      running_ = id;
    }
    try {
      (*on_peer)(peer);
    } catch (...) {
      // What a library throws (bad_alloc, mostly): it is said again in five minutes.
    }
    on_peer.reset();
    MutexLock lock(&mutex_);
    running_ = 0;
    call_ended_.SignalAll();
  }
}

}  // namespace torrent
