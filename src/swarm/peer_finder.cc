#include "swarm/peer_finder.h"

#include <algorithm>

#include "base/limits.h"
#include "base/status.h"

namespace torrent {

absl::StatusOr<std::unique_ptr<PeerFinder>> PeerFinder::Create(Options options, const Events* events,
                                                               std::function<Announcer::Totals()> totals,
                                                               std::function<void()> wake) {
  ASSIGN_OR_RETURN(std::unique_ptr<Announcer> announcer,
                   Announcer::Create(options.announces, events, std::move(totals), wake));
  return std::unique_ptr<PeerFinder>(new PeerFinder(std::move(options), std::move(wake), std::move(announcer)));
}

PeerFinder::PeerFinder(Options options, std::function<void()> wake, std::unique_ptr<Announcer> announcer)
    : infohash_(options.announces.infohash),
      port_(options.announces.port),
      dht_(options.is_private ? nullptr : options.dht),
      lan_(options.is_private ? nullptr : options.lan),
      wake_(std::move(wake)),
      inbox_(std::make_shared<Inbox>()),
      announcer_(std::move(announcer)) {
  if (dht_ != nullptr) {
    for (const auto& [host, port] : options.nodes) dht_->AddNode(host, port);
  }
  if (lan_ != nullptr) {
    lan_torrent_ = lan_->Add(infohash_, [inbox = inbox_, wake = wake_](const Endpoint& peer) {
      {
        MutexLock lock(&inbox->mutex);
        if (inbox->found.size() >= kMaxKnownPeers) return;
        inbox->found.push_back({peer, PeerSource::kLan});
      }
      wake();
    });
  }
}

PeerFinder::~PeerFinder() { Stopped(); }

void PeerFinder::Stopped() {
  search_.reset();
  lan_torrent_.reset();
  next_search_ = TimePoint::max();
  announcer_->Stopped();
}

void PeerFinder::LeaveDhtAndLan() {
  search_.reset();
  lan_torrent_.reset();
  dht_ = nullptr;
  MutexLock lock(&inbox_->mutex);
  inbox_->found.clear();
}

PeerFinder::News PeerFinder::Step(TimePoint now) {
  News news;
  std::vector<Endpoint> of_trackers;
  announcer_->Step(now, &of_trackers, &news.own_address);
  for (const Endpoint& peer : of_trackers) news.peers.push_back({peer, PeerSource::kTracker});
  StepDht(now);
  MutexLock lock(&inbox_->mutex);
  news.peers.insert(news.peers.end(), inbox_->found.begin(), inbox_->found.end());
  inbox_->found.clear();
  return news;
}

void PeerFinder::StepDht(TimePoint now) {
  if (dht_ == nullptr) return;
  bool ended;
  {
    MutexLock lock(&inbox_->mutex);
    ended = inbox_->search_ended;
    inbox_->search_ended = false;
  }
  if (ended) {
    search_.reset();
    next_search_ = search_begun_ + kDhtSearchInterval;
  }
  if (search_ != nullptr || now < next_search_) return;
  search_begun_ = now;
  searches_++;
  next_search_ = TimePoint::max();  // not before this one has ended
  Dht::SearchOptions options;
  options.infohash = infohash_;
  options.announce_port = port_;
  options.on_peers = [inbox = inbox_, wake = wake_](const std::vector<Endpoint>& peers) {
    {
      MutexLock lock(&inbox->mutex);
      for (const Endpoint& peer : peers) {
        if (inbox->found.size() < kMaxKnownPeers) inbox->found.push_back({peer, PeerSource::kDht});
      }
    }
    wake();
  };
  options.on_done = [inbox = inbox_, wake = wake_](uint32_t, uint32_t) {
    {
      MutexLock lock(&inbox->mutex);
      inbox->search_ended = true;
    }
    wake();
  };
  search_ = dht_->GetPeers(std::move(options));
}

TimePoint PeerFinder::NextDeadline(TimePoint now) const {
  return std::min(announcer_->NextDeadline(now), dht_ == nullptr ? TimePoint::max() : next_search_);
}

void PeerFinder::RequestMorePeers(TimePoint now) {
  announcer_->RequestMorePeers(now);
  // Each search that brought too little makes the next one wait longer, up to the usual time.
  if (searches_ > 0 && search_ == nullptr && next_search_ != TimePoint::max()) {
    const Duration wait = kDhtHungryInterval * (1 << std::min(searches_ - 1, 4));
    next_search_ = std::min(next_search_, std::max(now, search_begun_ + wait));
  }
}

}  // namespace torrent
