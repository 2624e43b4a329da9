#include "swarm/metadata_fetch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/random.h"
#include "base/status.h"
#include "net/address_policy.h"
#include "swarm/dialing.h"

namespace torrent {

namespace {

constexpr Duration kMeasureEvery = std::chrono::seconds(1);
// How much is left is not known, but that there is something: libtorrent, too, says one block.
constexpr uint64_t kLeftUnknown = kBlockBytes;

// BEP 27: peers of a private torrent come from its trackers, or from the user.
bool AllowedIfPrivate(PeerSource source) {
  return source != PeerSource::kDht && source != PeerSource::kPex && source != PeerSource::kLan;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetadataFetch>> MetadataFetch::Create(TorrentId id, const Magnet& magnet,
                                                                     const TorrentOptions& options,
                                                                     const SwarmResources& resources, OnDone on_done) {
  std::unique_ptr<MetadataFetch> fetch(new MetadataFetch(id, magnet, options, resources, std::move(on_done)));
  PeerFinder::Options sources = resources.Sources(magnet.infohash, options);
  sources.nodes = magnet.nodes;
  sources.announces.trackers = magnet.trackers;
  fetch->ties_->Bind(
      [] {
        Announcer::Totals unknown;
        unknown.left = kLeftUnknown;
        return unknown;
      },
      [raw = fetch.get()] { raw->Call(kLookAround); });
  ASSIGN_OR_RETURN(fetch->finder_,
                   PeerFinder::Create(
                       std::move(sources), fetch->ties_->events(), [ties = fetch->ties_] { return ties->Totals(); },
                       [ties = fetch->ties_] { ties->Wake(); }));
  return fetch;
}

MetadataFetch::MetadataFetch(TorrentId id, const Magnet& magnet, const TorrentOptions& options,
                             const SwarmResources& resources, OnDone on_done)
    : magnet_(magnet),
      options_(options),
      resources_(resources),
      events_(resources.listener, id),
      on_done_(std::move(on_done)),
      registry_(resources.shared.peer_id),
      assembly_(magnet.infohash,
                [this] {
                  registry_.WakeIf([](const PeerLink& link) { return link.hungry.load(std::memory_order_relaxed); });
                }),
      context_{
          resources_.shared, magnet_.infohash, events_, assembly_, registry_, [this] { Call(kLookAround); }, hints_},
      book_(resources.shared.port, SecureRandom64()),
      ties_(std::make_shared<FinderTies>(events_)) {
  MutexLock lock(&mutex_);
  status_.state = TorrentState::kMetadata;
}

MetadataFetch::~MetadataFetch() { Join(); }

void MetadataFetch::Join() {
  RequestStop();
  coordinator_.Join();
}

absl::Status MetadataFetch::Start() {
  ASSIGN_OR_RETURN(coordinator_, Thread::Start("coordinator", [this] { Run(); }));
  return absl::OkStatus();
}

TorrentStatus MetadataFetch::Status() const {
  MutexLock lock(&mutex_);
  return status_;
}

void MetadataFetch::Call(uint32_t duties) {
  if ((duties_.fetch_or(duties) & duties) == duties) return;
  MutexLock lock(&mutex_);
  called_.Signal();
}

// --- The coordinator's life ------------------------------------------------------------------------------------------

void MetadataFetch::Run() {
  const PatientForMemory patient;
  Loop();
  const TimePoint begin = Now();
  const bool goes_on = assembly_.complete() && !options_.metadata_only && (duties_.load() & kStopRequested) == 0;
  EndConnections(goes_on ? absl::OkStatus() : absl::CancelledError("stopping"), begin);
  absl::StatusOr<FetchedMetadata> result = absl::CancelledError("stopped before the metadata was there");
  if (assembly_.complete()) result = Conclude(goes_on);
  // Who goes on is still in the swarm.
  if (finder_ != nullptr) TellTrackers(begin);
  finder_.reset();
  on_done_(std::move(result));
}

void MetadataFetch::Loop() {
  TimePoint now = Now();
  started_ = now;
  for (const std::vector<std::string>* peers : {&options_.peers, &magnet_.peers}) {
    for (const std::string& peer : *peers) {
      // What the user typed; a link that was pasted is that, too.
      if (absl::optional<Endpoint> endpoint = Endpoint::Parse(peer)) book_.Add(*endpoint, PeerSource::kUser, now);
    }
  }
  if (!magnet_.notice.empty() && events_.Wanted(kAnnounceEvents)) {
    events_.Tell(AnnounceEvent{"", "", absl::OkStatus(), 0, magnet_.notice});
  }
  while ((duties_.load() & kStopRequested) == 0 && !assembly_.complete()) {
    now = Now();
    ReapPeers(now);
    FindPeers(now);
    if (now >= next_dial_) Dial(now);
    Measure(now);
    WaitForDuty(std::min({next_dial_, next_measure_, finder_->NextDeadline(now)}));
  }
  Measure(Now());
}

void MetadataFetch::WaitForDuty(TimePoint deadline) {
  MutexLock lock(&mutex_);
  while (duties_.load() == 0 && Now() < deadline) called_.WaitUntil(&mutex_, deadline);
  // A request to stop stays until it is obeyed.
  duties_.fetch_and(kStopRequested);
}

void MetadataFetch::EndConnections(const absl::Status& reason, TimePoint begin) {
  {
    MutexLock lock(&mutex_);
    if (!reason.ok()) status_.state = TorrentState::kStopping;
  }
  registry_.StopAll(reason);
  registry_.WaitEmpty(begin + std::chrono::seconds(2));
  workers_.clear();
  ReapPeers(Now());
}

void MetadataFetch::TellTrackers(TimePoint begin) {
  finder_->Stopped();
  finder_->Step(begin);
  while (!finder_->Done() && Now() < begin + std::chrono::seconds(3)) {
    WaitForDuty(std::min(begin + std::chrono::seconds(3), finder_->NextDeadline(Now())));
    // Asked to stop already, and this is it: the request wakes nobody any more.
    duties_.store(0);
    finder_->Step(Now());
  }
  finder_->Cancel();
}

absl::StatusOr<FetchedMetadata> MetadataFetch::Conclude(bool goes_on) {
  absl::StatusOr<Metainfo> metainfo = ParseInfo(assembly_.Take());
  if (!metainfo.ok()) return Annotate(metainfo.status(), absl::StrCat("metadata of ", magnet_.infohash.Hex()));
  AddHints(magnet_, &*metainfo);
  const bool is_private = metainfo->is_private;
  FetchedMetadata fetched;
  fetched.metainfo = std::make_shared<const Metainfo>(*std::move(metainfo));
  Handover& handover = fetched.handover;
  for (LiveConnection& live : live_) {
    if (!is_private || AllowedIfPrivate(live.source)) handover.connections.push_back(std::move(live));
  }
  live_.clear();
  for (const PeerBook::Pick& pick : book_.Known()) {
    // The swarm hears of it by the connection itself; before that it would dial it.
    if (came_in_.contains(pick.endpoint)) continue;
    if (!is_private || AllowedIfPrivate(pick.source)) handover.known.push_back(pick);
  }
  if (is_private) finder_->LeaveDhtAndLan();
  handover.ties = ties_;
  if (goes_on) handover.finder = std::move(finder_);
  MutexLock lock(&mutex_);
  handover.banned = liars_;
  return fetched;
}

// --- Peers -----------------------------------------------------------------------------------------------------------

void MetadataFetch::ReapPeers(TimePoint now) {
  std::vector<EndedPeer> ended;
  {
    MutexLock lock(&mutex_);
    ended.swap(ended_);
    for (const Endpoint& liar : liars_) book_.Ban(liar);
  }
  if (!ended.empty()) next_dial_ = std::min(next_dial_, now);
  // After the list of those that ended: what one of them said came before its end.
  const PeerHints::News news = hints_.Take();
  for (const Endpoint& endpoint : news.listening) {
    if (!MayLeadTo(endpoint.address, endpoint, HintKind::kIncoming)) continue;
    book_.Add(endpoint, PeerSource::kIncoming, now);
    book_.Connected(endpoint);
  }
  for (const auto& [endpoint, teller] : news.told) {
    if (book_.Add(endpoint, PeerSource::kPex, now, teller)) next_dial_ = std::min(next_dial_, now);
  }
  for (EndedPeer& peer : ended) {
    if (peer.own_thread) workers_.erase(peer.link);  // joins: it said good-bye as its last act
    book_.Gone(peer.endpoint, peer.ending, now);
    if (peer.goes_on && !peer.own_thread) came_in_.insert(peer.endpoint);
    if (peer.live) live_.push_back(*std::move(peer.live));
  }
}

void MetadataFetch::FindPeers(TimePoint now) {
  const PeerFinder::News news = finder_->Step(now);
  if (news.own_address) book_.SetOwnAddress(*news.own_address);
  for (const auto& [endpoint, source] : news.peers) {
    if (book_.Add(endpoint, source, now)) next_dial_ = std::min(next_dial_, now);
  }
  if (book_.size() < kFewPeers && started_ + std::chrono::seconds(5) < now) finder_->RequestMorePeers(now);
}

void MetadataFetch::Dial(TimePoint now) {
  const auto start = [this](const PeerBook::Pick& pick, Budget::Slot half_open, Budget::Slot connection) {
    absl::StatusOr<std::shared_ptr<PeerLink>> link = registry_.Add(pick.endpoint, pick.source, /*incoming=*/false);
    if (!link.ok()) return false;
    // Shared, because a std::function must be copyable.
    struct Slots {
      Budget::Slot half_open, connection;
    };
    auto slots = std::make_shared<Slots>(Slots{std::move(half_open), std::move(connection)});
    absl::StatusOr<Thread> thread = Thread::Start("peer", [this, link = *link, slots] {
      RunOutgoing(link, std::move(slots->half_open), std::move(slots->connection));
    });
    if (!thread.ok()) {
      registry_.Remove(**link);
      return false;
    }
    workers_[(*link)->id] = *std::move(thread);
    return true;
  };
  const Dialled dialled = DialPeers(&book_, resources_.shared, start, now);
  next_dial_ = dialled.next;
  if (dialled.full && book_.NextDue(now) <= now) ShedUseless(now);
}

void MetadataFetch::ShedUseless(TimePoint now) {
  std::shared_ptr<PeerLink> oldest;
  for (const std::shared_ptr<PeerLink>& link : registry_.Links()) {
    if (link->downloaded.load() > 0 || now - link->started < kMetadataUseless) continue;
    if (oldest == nullptr || link->started < oldest->started) oldest = link;
  }
  if (oldest == nullptr) return;
  // Not for long: it may be fetching as we are.
  oldest->mailbox.PostStop(absl::DeadlineExceededError("gave no metadata, and others wait"));
}

void MetadataFetch::RunOutgoing(const std::shared_ptr<PeerLink>& link, Budget::Slot half_open,
                                Budget::Slot connection) {
  const PatientForMemory patient;  // its beginning and its end are others' affair too
  absl::Status reason;
  absl::optional<LiveConnection> live;
  {
    MetadataWorker worker(&context_, link);
    reason = RunMortal([&] { return worker.RunOutgoing(std::move(half_open)); });
    if (reason.ok()) live = worker.Take();
    if (live) {
      live->slot = std::move(connection);
    } else {
      connection.Release();
    }
  }
  EndOfPeer(*link, reason, std::move(live));
}

absl::optional<LiveConnection> MetadataFetch::RunIncoming(std::unique_ptr<Stream> stream, const wire::Handshake& theirs,
                                                          TimePoint handshake_deadline) {
  {
    MutexLock lock(&mutex_);
    const Endpoint& remote = stream->remote();
    for (const Endpoint& liar : liars_) {
      if (liar.address == remote.address && (remote.address.is_global() || liar.port == remote.port)) {
        return absl::nullopt;
      }
    }
  }
  const PatientForMemory patient;  // its beginning and its end are others' affair too
  absl::StatusOr<std::shared_ptr<PeerLink>> link =
      registry_.Add(stream->remote(), PeerSource::kIncoming, /*incoming=*/true);
  if (!link.ok()) return absl::nullopt;
  absl::optional<LiveConnection> live;
  absl::Status reason;
  {
    MetadataWorker worker(&context_, *link);
    reason = RunMortal([&] { return worker.RunIncoming(std::move(stream), theirs, handshake_deadline); });
    if (reason.ok()) live = worker.Take();
    EndOfPeer(**link, reason, absl::nullopt);
  }
  return live;
}

void MetadataFetch::EndOfPeer(const PeerLink& link, const absl::Status& reason, absl::optional<LiveConnection> live) {
  const bool established = link.established.load();
  const bool lied = absl::IsDataLoss(reason);
  // A connection that is handed over goes on.
  if (established && !reason.ok() && events_.Wanted(kPeerEvents)) {
    events_.Tell(PeerGoneEvent{link.endpoint.ToString(), reason, link.downloaded.load(), 0, lied});
  }
  PeerBook::Ending ending = established ? PeerBook::Ending::kWasGood : PeerBook::Ending::kNeverEstablished;
  if (absl::IsFailedPrecondition(reason)) ending = PeerBook::Ending::kOurselves;
  if (absl::IsAlreadyExists(reason) || absl::IsOutOfRange(reason)) ending = PeerBook::Ending::kUseless;
  // The book knows who came to us by where it listens.
  Endpoint in_book = link.endpoint;
  if (link.incoming) in_book.port = link.listening_port.load();
  {
    MutexLock lock(&mutex_);
    if (lied) liars_.push_back(link.endpoint);
    ended_.push_back({link.id, in_book, ending, !link.incoming, reason.ok(), std::move(live)});
  }
  Call(kLookAround);
}

void MetadataFetch::Measure(TimePoint now) {
  const MetadataAssembly::Progress progress = assembly_.progress();
  const bool moved = progress.done_bytes != told_.done_bytes || progress.total_bytes != told_.total_bytes;
  if (!moved && now < next_measure_) return;
  next_measure_ = now + kMeasureEvery;
  uint32_t connected = 0;
  for (const std::shared_ptr<PeerLink>& link : registry_.Links()) connected += link->established.load();
  {
    MutexLock lock(&mutex_);
    status_.metadata_bytes = progress.done_bytes;
    status_.metadata_total_bytes = progress.total_bytes;
    status_.connected_peers = connected;
    status_.known_peers = static_cast<uint32_t>(book_.size());
    status_.seconds = ToSeconds(now - started_);
  }
  if (!moved) return;
  told_ = progress;
  if (events_.Wanted(kMetadataProgressEvents)) {
    events_.Tell(MetadataProgressEvent{progress.done_bytes, progress.total_bytes});
  }
}

}  // namespace torrent
