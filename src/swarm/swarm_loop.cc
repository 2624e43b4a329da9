// The coordinator's round: wait until something is due or somebody calls, do what is due, wait again. Each duty is
// short or bounded, so that none keeps the others waiting.
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/status.h"
#include "net/address_policy.h"
#include "swarm/dialing.h"
#include "swarm/peer_worker.h"
#include "swarm/piece_hasher.h"
#include "swarm/swarm.h"

namespace torrent {

namespace {

// Haves are told in batches: a worker is woken for them at most this often.
constexpr Duration kNewsEvery = std::chrono::milliseconds(250);
constexpr Duration kRatesEvery = std::chrono::seconds(1);
// Addresses that the next run tries first.
constexpr size_t kRememberedPeers = 50;
constexpr absl::string_view kPeerKey = "peer.";

int64_t WallSeconds() { return static_cast<int64_t>(std::time(nullptr)); }

}  // namespace

uint32_t Swarm::WaitForDuty(TimePoint deadline) {
  MutexLock lock(&mutex_);
  while (duties_.load() == 0 && Now() < deadline) called_.WaitUntil(&mutex_, deadline);
  // A request to stop stays until it is obeyed.
  return duties_.fetch_and(kStopRequested);
}

void Swarm::Loop() {
  TimePoint now = Now();
  started_ = last_round_ = last_payload_ = now;
  next_choke_round_ = now + kChokeRound;
  next_rates_ = now;
  for (const std::string& peer : options_.peers) {
    if (absl::optional<Endpoint> endpoint = Endpoint::Parse(peer)) book_.Add(*endpoint, PeerSource::kUser, now);
  }
  for (const auto& [key, seen] : remembered_extra_) {
    if (!absl::StartsWith(key, kPeerKey)) continue;
    if (absl::optional<Endpoint> endpoint = Endpoint::Parse(absl::string_view(key).substr(kPeerKey.size()))) {
      book_.Add(*endpoint, PeerSource::kResume, now);
    }
  }
  // A tracker's min interval outlives a run, as long as there is somebody to go on with meanwhile.
  if (book_.size() > 0) finder_->RestoreForbiddenTimes(remembered_extra_, now, WallSeconds());
  {
    MutexLock lock(&mutex_);
    accepting_ = true;
    opened_.SignalAll();
  }
  GoOnWithAdopted(now);

  while ((duties_.load() & kStopRequested) == 0) {
    now = Now();
    if (queue_.Complete() && complete_since_ == TimePoint::max() && now >= next_sync_try_) {
      if (!options_.seed) return;  // the stop syncs
      if (!Complete()) next_sync_try_ = now + std::chrono::seconds(1);
    }
    if (complete_since_ != TimePoint::max() && SeededEnough(now)) return;
    ReapPeers(now);
    FindPeers(now);
    if (now >= next_dial_) Dial(now);
    if (now >= next_choke_round_) ChokeRound(now);
    if (now >= next_rates_) MeasureRates(now);
    if (now >= next_news_) {
      last_news_ = now;
      next_news_ = TimePoint::max();
      news_called_.store(false);
      registry_.WakeIf([](const PeerLink& link) { return link.wants_news.load(std::memory_order_relaxed); });
    }
    const bool more = DoUpkeep();
    const TimePoint deadline =
        std::min({next_choke_round_, next_rates_, next_news_, next_dial_, finder_->NextDeadline(now)});
    const uint32_t duties = WaitForDuty(more ? now : deadline);
    if ((duties & kPiecesWritten) != 0) next_news_ = std::min(next_news_, std::max(Now(), last_news_ + kNewsEvery));
    if ((duties & (kInterestChanged | kPeerLeft)) != 0) FillSlots();
  }
}

// --- Completion ------------------------------------------------------------------------------------------------------

bool Swarm::Complete() {
  SetState(TorrentState::kSyncing);
  if (!checkpoint_->Flush(/*ended=*/false, Now() + std::chrono::milliseconds(500))) return false;
  const TimePoint now = Now();
  complete_since_ = now;
  const bool downloaded_now = context_->downloaded.load() > 0;
  if (downloaded_now) finder_->Completed(now);
  MeasureRates(now);
  {
    MutexLock lock(&mutex_);
    status_.state = TorrentState::kSeeding;
    status_.complete = true;
    status_.seconds = ToSeconds(now - started_);
  }
  if (events_.Wanted(kEndEvents)) events_.Tell(DoneEvent{queue_.wanted_bytes(), ToSeconds(now - started_)});
  // Those who are complete too look at their connections again and end them.
  registry_.WakeIf([](const PeerLink&) { return true; });
  return true;
}

bool Swarm::SeededEnough(TimePoint now) const {
  if (options_.seed_time.count() > 0 && now - complete_since_ >= options_.seed_time) return true;
  if (options_.seed_ratio <= 0) return false;
  const uint64_t uploaded = Status().uploaded_before_bytes + context_->uploaded.load();
  return static_cast<double>(uploaded) >= options_.seed_ratio * static_cast<double>(queue_.wanted_bytes());
}

// --- Peers -----------------------------------------------------------------------------------------------------------

void Swarm::ReapPeers(TimePoint now) {
  std::vector<EndedPeer> ended;
  std::vector<Endpoint> liars;
  {
    MutexLock lock(&mutex_);
    ended.swap(ended_);
    liars.swap(liars_);
  }
  // After that list was taken and before it is gone through: what these peers said came before their end.
  HearHints(now);
  if (!ended.empty()) next_dial_ = std::min(next_dial_, now);
  for (const Endpoint& liar : liars) book_.Ban(liar);
  banned_.insert(banned_.end(), liars.begin(), liars.end());
  for (const EndedPeer& peer : ended) {
    if (peer.own_thread) workers_.erase(peer.link);  // joins: it said good-bye as its last act
    if (peer.established) book_.Established(peer.endpoint, *peer.established);
    book_.Gone(peer.endpoint, peer.ending, now);
    at_last_round_.erase(peer.link);
  }
}

void Swarm::HearHints(TimePoint now) {
  const PeerHints::News news = hints_.Take();
  for (const Endpoint& endpoint : news.listening) {
    if (!MayLeadTo(endpoint.address, endpoint, HintKind::kIncoming)) continue;
    book_.Add(endpoint, PeerSource::kIncoming, now);
    book_.Connected(endpoint);
  }
  uint32_t added = 0;
  for (const auto& [endpoint, teller] : news.told) added += book_.Add(endpoint, PeerSource::kPex, now, teller);
  TellFound(PeerSource::kPex, added, now);
  for (const auto& [own, viewer] : news.seen) {
    if (absl::optional<Address> believed = own_address_.Vote(own, viewer)) book_.SetOwnAddress(*believed);
  }
}

void Swarm::TellFound(PeerSource source, uint32_t added, TimePoint now) {
  if (added == 0) return;
  next_dial_ = std::min(next_dial_, now);
  // What a tracker brought is in its own event.
  if (source == PeerSource::kTracker || !events_.Wanted(kPeerEvents)) return;
  events_.Tell(PeersFoundEvent{source, added, static_cast<uint32_t>(book_.size())});
}

void Swarm::FindPeers(TimePoint now) {
  const PeerFinder::News news = finder_->Step(now);
  if (news.own_address) book_.SetOwnAddress(*news.own_address);
  std::array<uint32_t, kPeerSourceCount> added{};
  for (const auto& [endpoint, source] : news.peers) {
    added[static_cast<size_t>(source)] += book_.Add(endpoint, source, now);
  }
  for (const PeerSource source : {PeerSource::kTracker, PeerSource::kDht, PeerSource::kLan}) {
    TellFound(source, added[static_cast<size_t>(source)], now);
  }
  if (!queue_.Complete() && book_.size() < kFewPeers && started_ + std::chrono::seconds(5) < now) {
    finder_->RequestMorePeers(now);
  }
}

void Swarm::Dial(TimePoint now) {
  const auto start = [this](const PeerBook::Pick& pick, Budget::Slot half_open, Budget::Slot connection) {
    // Shared, because a std::function must be copyable.
    struct Slots {
      Budget::Slot half_open, connection;
    };
    auto slots = std::make_shared<Slots>(Slots{std::move(half_open), std::move(connection)});
    return StartWorker(pick.endpoint, pick.source,
                       [slots](PeerWorker* worker) { return worker->RunOutgoing(std::move(slots->half_open)); });
  };
  next_dial_ = DialPeers(&book_, resources_.shared, start, now).next;
}

bool Swarm::StartWorker(const Endpoint& endpoint, PeerSource source, PeerLife life) {
  absl::StatusOr<std::shared_ptr<PeerLink>> link = registry_.Add(endpoint, source, /*incoming=*/false);
  if (!link.ok()) return false;
  absl::StatusOr<Thread> thread = Thread::Start("peer", [this, link = *link, life = std::move(life)]() mutable {
    const PatientForMemory patient;  // its beginning and its end are others' affair too
    absl::Status reason;
    {
      PeerWorker worker(context_.get(), link);
      reason = RunMortal([&] { return life(&worker); });
    }
    life = nullptr;
    EndOfPeer(*link, reason, /*on_own_thread=*/true);
  });
  if (!thread.ok()) {
    registry_.Remove(**link);
    return false;
  }
  workers_[(*link)->id] = *std::move(thread);
  return true;
}

void Swarm::GoOnWithAdopted(TimePoint now) {
  for (const Endpoint& liar : handover_.banned) book_.Ban(liar);
  for (const PeerBook::Pick& pick : handover_.known) book_.Add(pick.endpoint, pick.source, now);
  for (LiveConnection& connection : handover_.connections) {
    const Endpoint endpoint = connection.stream->remote();
    const PeerSource source = connection.source;
    auto live = std::make_shared<LiveConnection>(std::move(connection));
    if (StartWorker(endpoint, source,
                    [live](PeerWorker* worker) { return worker->RunAdopted(std::move(live->stream), live->theirs); })) {
      book_.Connected(endpoint);
    }
  }
  handover_.connections.clear();
  handover_.known.clear();
}

// --- Choking ---------------------------------------------------------------------------------------------------------

std::vector<Choker::Peer> Swarm::PeersForChoker(bool start_new_round, TimePoint now) {
  const double seconds = std::max(0.001, ToSeconds(now - last_round_));
  std::vector<Choker::Peer> peers;
  for (const std::shared_ptr<PeerLink>& link : registry_.Links()) {
    if (!link->established.load(std::memory_order_acquire)) continue;
    const RoundFigures total{link->downloaded.load(), link->uploaded.load()};
    RoundFigures& before = at_last_round_[link->id];
    peers.push_back({link->id, link->peer_interested.load(), !link->am_choking.load(), link->snubbed.load(),
                     static_cast<double>(total.downloaded - before.downloaded) / seconds,
                     static_cast<double>(total.uploaded - before.uploaded) / seconds, link->started,
                     link->idle.load()});
    if (start_new_round) before = total;
  }
  if (start_new_round) last_round_ = now;
  return peers;
}

void Swarm::ChokeRound(TimePoint now) {
  next_choke_round_ = now + kChokeRound;
  std::vector<Choker::Peer> peers = PeersForChoker(/*start_new_round=*/true, now);
  double upload_rate = 0;
  for (const Choker::Peer& peer : peers) upload_rate += peer.takes_rate;
  const std::vector<uint64_t> unchoked = choker_.Round(peers, queue_.Complete(), upload_rate, now);
  uint32_t interested = 0;
  for (const Choker::Peer& peer : peers) interested += peer.interested;
  for (const std::shared_ptr<PeerLink>& link : registry_.Links()) {
    const bool choke = std::find(unchoked.begin(), unchoked.end(), link->id) == unchoked.end();
    if (choke != link->am_choking.load()) link->mailbox.PostChoke(choke);
  }
  if (events_.Wanted(kChokeEvents)) events_.Tell(ChokeRoundEvent{static_cast<uint32_t>(unchoked.size()), interested});
}

void Swarm::FillSlots() {
  const std::vector<uint64_t> unchoke = choker_.FillFreeSlots(PeersForChoker(/*start_new_round=*/false, Now()));
  if (unchoke.empty()) return;
  for (const std::shared_ptr<PeerLink>& link : registry_.Links()) {
    if (std::find(unchoke.begin(), unchoke.end(), link->id) != unchoke.end()) link->mailbox.PostChoke(false);
  }
}

// --- Upkeep ----------------------------------------------------------------------------------------------------------

bool Swarm::DoUpkeep() {
  PieceQueue::Effects effects;
  bool did = false;
  if (absl::optional<PieceQueue::CatchUp> turn = queue_.TakeCatchUp()) {
    did = true;
    const uint64_t offset = layout_.PieceOffset(turn->piece_index) + uint64_t{turn->first_block} * kBlockBytes;
    const uint32_t last = turn->first_block + turn->block_count - 1;
    const uint64_t length = uint64_t{turn->block_count - 1} * kBlockBytes + layout_.BlockBytes(turn->piece_index, last);
    if (HashRange(store_.get(), offset, length, turn->hasher).ok()) {
      queue_.HashDone({&turn->piece_index, 1}, &effects);
    } else {
      queue_.HashFailed(turn->piece_index, &effects);
    }
  } else if (absl::optional<uint32_t> failed = queue_.TakeFailed()) {
    did = true;
    absl::StatusOr<std::vector<Sha1Hash>> hashes = HashBlocks(store_.get(), *failed);
    queue_.KeepEvidence(*failed, hashes.ok() ? *std::move(hashes) : std::vector<Sha1Hash>(), &effects);
  } else if (absl::optional<uint32_t> good = queue_.TakeVerdict()) {
    did = true;
    absl::StatusOr<std::vector<Sha1Hash>> hashes = HashBlocks(store_.get(), *good);
    queue_.Judge(*good, hashes.ok() ? *std::move(hashes) : std::vector<Sha1Hash>(), &effects);
  }
  CarryOut(effects);
  return did;
}

void Swarm::MeasureRates(TimePoint now) {
  next_rates_ = now + kRatesEvery;
  if (context_ == nullptr) return;
  StallFigures figures;
  uint32_t seeds = 0, unchoked = 0;
  std::array<uint32_t, kPeerSourceCount> connected{};
  for (const std::shared_ptr<PeerLink>& link : registry_.Links()) {
    if (!link->established.load(std::memory_order_acquire)) continue;
    const bool interesting = link->am_interested.load(std::memory_order_relaxed);
    const bool unchoking = !link->peer_choking.load(std::memory_order_relaxed);
    figures.connected++;
    figures.interesting += interesting;
    figures.unchoking += interesting && unchoking;
    seeds += link->is_seed.load(std::memory_order_relaxed);
    unchoked += unchoking;
    connected[static_cast<size_t>(link->source)]++;
    if (!link->counted.exchange(true)) book_.Established(EndpointInBook(*link), link->source);
  }
  const Stall stall = LookForStall(figures, now);
  MutexLock lock(&mutex_);
  download_rate_.Sample(context_->downloaded.load(), now);
  upload_rate_.Sample(context_->uploaded.load(), now);
  status_.connected_peers = figures.connected;
  status_.connected_seeds = seeds;
  status_.unchoked_by_peers = unchoked;
  status_.known_peers = static_cast<uint32_t>(book_.size());
  status_.peers_by_source = book_.CountBySource();
  for (size_t i = 0; i < kPeerSourceCount; i++) status_.peers_by_source[i].connected = connected[i];
  status_.stall = stall;
  if (!status_.complete) status_.seconds = ToSeconds(now - started_);
}

Stall Swarm::LookForStall(StallFigures figures, TimePoint now) {
  const uint64_t payload = context_->downloaded.load();
  if (payload != payload_seen_) {
    payload_seen_ = payload;
    last_payload_ = now;
  }
  figures.wants_payload = !queue_.Complete() && (duties_.load() & kStopRequested) == 0;
  figures.disk_full = context_->disk_waits.load();
  figures.without_payload = now - last_payload_;
  figures.known = static_cast<uint32_t>(book_.size());
  return DecideStall(figures);
}

std::vector<std::pair<std::string, int64_t>> Swarm::RememberedForNextRun() const {
  const int64_t wall_now = WallSeconds();
  std::vector<std::pair<std::string, int64_t>> extra = finder_->ForbiddenTimes(Now(), wall_now);
  for (const Endpoint& endpoint : book_.Best(kRememberedPeers)) {
    extra.emplace_back(absl::StrCat(kPeerKey, endpoint.ToString()), wall_now);
  }
  std::sort(extra.begin(), extra.end());
  return extra;
}

}  // namespace torrent
