#include "session/torrent_entry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "metainfo/selection.h"
#include "storage/kept_metainfo.h"

namespace torrent {

namespace {

// What a torrent has done in all: `now` is the status of the swarm that came after `before`.
TorrentStatus Sum(const TorrentStatus& before, TorrentStatus now) {
  now.downloaded_bytes += before.downloaded_bytes;
  now.uploaded_bytes += before.uploaded_bytes;
  now.wasted_bytes += before.wasted_bytes;
  now.corrupt_bytes += before.corrupt_bytes;
  now.seconds += before.seconds;
  if (before.state == TorrentState::kWaitingForDisk) now.uploaded_before_bytes = before.uploaded_before_bytes;
  return now;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TorrentEntry>> TorrentEntry::Start(TorrentId id,
                                                                  std::shared_ptr<const Metainfo> metainfo,
                                                                  const TorrentOptions& options,
                                                                  SwarmResources resources) {
  std::shared_ptr<TorrentEntry> entry(new TorrentEntry(id, metainfo->infohash, options, std::move(resources)));
  {
    MutexLock lock(&entry->mutex_);
    entry->metainfo_ = std::move(metainfo);
  }
  RETURN_IF_ERROR(entry->StartSwarm(options, Handover()));
  return entry;
}

absl::StatusOr<std::shared_ptr<TorrentEntry>> TorrentEntry::Start(TorrentId id, const Magnet& magnet,
                                                                  const TorrentOptions& options,
                                                                  SwarmResources resources) {
  std::shared_ptr<TorrentEntry> entry(new TorrentEntry(id, magnet.infohash, options, std::move(resources)));
  absl::StatusOr<Metainfo> kept =
      LoadKeptMetainfo(entry->resources_.state_dir->MetainfoPath(magnet.infohash), magnet.infohash);
  if (kept.ok()) {
    AddHints(magnet, &*kept);
    entry->GoOn(magnet, std::make_shared<const Metainfo>(*std::move(kept)), Handover());
    return entry;
  }
  // Damaged or missing: fetched, and replaced.
  ASSIGN_OR_RETURN(entry->fetch_,
                   MetadataFetch::Create(id, magnet, options, entry->resources_,
                                         [raw = entry.get(), magnet](absl::StatusOr<FetchedMetadata> fetched) {
                                           raw->OnFetched(magnet, std::move(fetched));
                                         }));
  RETURN_IF_ERROR(entry->fetch_->Start());
  return entry;
}

TorrentEntry::~TorrentEntry() {
  RequestStop();  // no pause begins from here on
  // These threads end in calls of ours; all of this must be there as long.
  if (fetch_ != nullptr) fetch_->Join();
  Thread waiting;
  {
    MutexLock lock(&mutex_);
    waiting = std::move(waiting_);
  }
  waiting.Join();
  std::shared_ptr<Swarm> last;
  MutexLock lock(&mutex_);
  last.swap(swarm_);
}

void TorrentEntry::OnFetched(const Magnet& magnet, absl::StatusOr<FetchedMetadata> fetched) {
  if (!fetched.ok()) {
    const bool stopped = absl::IsCancelled(fetched.status());
    return End(stopped ? Failure::kNone : Failure::kOther, stopped ? absl::OkStatus() : fetched.status());
  }
  const absl::Status kept = KeepMetainfo(resources_.state_dir->MetainfoPath(infohash_), *fetched->metainfo);
  const Events events(resources_.listener, id_);
  if (!kept.ok() && events.Wanted(kAnnounceEvents)) {
    // It is only fetched once more the next time.
    events.Tell(AnnounceEvent{"", "", absl::OkStatus(), 0, absl::StrCat("metadata not kept: ", kept.message())});
  }
  GoOn(magnet, std::move(fetched->metainfo), std::move(fetched->handover));
}

void TorrentEntry::GoOn(const Magnet& magnet, std::shared_ptr<const Metainfo> metainfo, Handover handover) {
  bool stopped;
  {
    MutexLock lock(&mutex_);
    metainfo_ = metainfo;
    stopped = stop_requested_;
  }
  if (options_.metadata_only || stopped) return End(Failure::kNone, absl::OkStatus());
  TorrentOptions options = options_;
  options.peers.insert(options.peers.end(), magnet.peers.begin(), magnet.peers.end());
  absl::StatusOr<std::vector<bool>> wanted =
      options_.select ? options_.select(*metainfo) : SelectRanges(*metainfo, magnet.selected);
  if (!wanted.ok()) return End(Failure::kOther, wanted.status());
  if (!wanted->empty() && wanted->size() != metainfo->files.size()) {
    return End(Failure::kOther,
               absl::InvalidArgumentError(absl::StrCat("the selection is of ", wanted->size(),
                                                       " files, the torrent has ", metainfo->files.size())));
  }
  options.wanted = *std::move(wanted);
  const absl::Status status = StartSwarm(options, std::move(handover));
  if (!status.ok()) End(Failure::kDisk, status);
}

absl::Status TorrentEntry::StartSwarm(const TorrentOptions& options, Handover handover) {
  swarm_options_ = options;
  ASSIGN_OR_RETURN(std::unique_ptr<Swarm> made, Swarm::Create(id_, metainfo(), options, resources_));
  made->Adopt(std::move(handover));
  return AddSwarm(std::move(made));
}

absl::Status TorrentEntry::AddSwarm(std::shared_ptr<Swarm> swarm) {
  swarm->OnPaused([this](DiskPause pause) { OnPaused(std::move(pause)); });
  bool stopped, was_paused;
  {
    // Before it starts: it may pause at once.
    MutexLock lock(&mutex_);
    swarm_ = swarm;
    was_paused = std::exchange(paused_, false);
    stopped = stop_requested_;
    changed_.SignalAll();
  }
  if (stopped) swarm->RequestStop();
  const absl::Status started = swarm->Start();
  if (!started.ok()) {
    MutexLock lock(&mutex_);
    swarm_ = nullptr;
    paused_ = was_paused;
  }
  return started;
}

// --- A pause ---------------------------------------------------------------------------------------------------------

void TorrentEntry::OnPaused(DiskPause pause) {
  Thread previous;  // it has started the swarm that ends here, and does no more
  {
    MutexLock lock(&mutex_);
    previous = std::move(waiting_);
  }
  previous.Join();
  const absl::Status why = pause.why;
  const Events events(resources_.listener, id_);
  if (events.Wanted(kDiskEvents)) events.Tell(DiskEvent{why, /*waits=*/true});
  absl::Status waits = absl::CancelledError("stopping");
  {
    MutexLock lock(&mutex_);
    before_ = Sum(before_, pause.status);
    before_.state = TorrentState::kWaitingForDisk;
    before_.error = why;
    before_.connected_peers = before_.connected_seeds = before_.unchoked_by_peers = 0;
    if (!stop_requested_) {
      absl::StatusOr<Thread> thread = Thread::Start(
          "disk wait", [this, shared = std::make_shared<DiskPause>(std::move(pause))] { WaitForDisk(shared.get()); });
      waits = thread.status();
      if (thread.ok()) waiting_ = *std::move(thread);
    }
    paused_ = waits.ok();
  }
  if (!waits.ok()) End(Failure::kDisk, why);
}

void TorrentEntry::WaitForDisk(DiskPause* pause) {
  std::shared_ptr<Swarm> ended;
  {
    MutexLock lock(&mutex_);
    ended.swap(swarm_);
  }
  ended.reset();  // and with it the lock on the record
  retry_ =
      Now() - went_on_ > kDiskLostCalm ? Duration(kDiskLostFirstRetry) : std::min<Duration>(2 * retry_, kDiskLostRetry);
  while (WaitUnlessStopped(retry_)) {
    absl::StatusOr<std::unique_ptr<Swarm>> made = Swarm::Create(id_, metainfo(), swarm_options_, resources_, pause);
    if (made.ok()) {
      went_on_ = Now();
      const Events events(resources_.listener, id_);
      if (events.Wanted(kDiskEvents)) events.Tell(DiskEvent{absl::OkStatus()});
      (*made)->Adopt(std::move(pause->handover));
      const absl::Status started = AddSwarm(*std::move(made));
      if (!started.ok()) End(Failure::kOther, started);
      return;
    }
    MutexLock lock(&mutex_);
    before_.error = made.status();
  }
  End(Failure::kNone, absl::OkStatus());
}

bool TorrentEntry::WaitUnlessStopped(Duration wait) {
  const TimePoint until = Now() + wait;
  MutexLock lock(&mutex_);
  while (!stop_requested_ && Now() < until) changed_.WaitUntil(&mutex_, until);
  return !stop_requested_;
}

// --- Questions -------------------------------------------------------------------------------------------------------

void TorrentEntry::End(Failure failure, const absl::Status& error) {
  TorrentStatus end;
  if (fetch_ != nullptr) end = fetch_->Status();
  {
    MutexLock lock(&mutex_);
    if (before_.state == TorrentState::kWaitingForDisk) end = before_;
  }
  end.state = TorrentState::kStopped;
  end.failure = failure;
  end.error = error;
  end.connected_peers = 0;
  const Events events(resources_.listener, id_);
  if (failure != Failure::kNone && events.Wanted(kEndEvents)) events.Tell(ErrorEvent{error});
  MutexLock lock(&mutex_);
  end_ = end;
  ended_ = true;
  changed_.SignalAll();
}

std::shared_ptr<const Metainfo> TorrentEntry::metainfo() const {
  MutexLock lock(&mutex_);
  return metainfo_;
}

TorrentStatus TorrentEntry::Status() const {
  std::shared_ptr<Swarm> swarm;
  TorrentStatus before;
  {
    MutexLock lock(&mutex_);
    if (ended_) return end_;
    if (paused_) return before_;
    swarm = swarm_;
    before = before_;
  }
  return swarm != nullptr ? Sum(before, swarm->Status()) : fetch_->Status();
}

bool TorrentEntry::WaitStopped(TimePoint deadline) const {
  while (true) {
    std::shared_ptr<Swarm> swarm;
    {
      MutexLock lock(&mutex_);
      while (!ended_ && (paused_ || swarm_ == nullptr) && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
      if (ended_) return true;
      if (paused_ || swarm_ == nullptr) return false;
      swarm = swarm_;
    }
    if (!swarm->WaitStopped(deadline)) return false;
    MutexLock lock(&mutex_);
    if (ended_ || (!paused_ && swarm_ == swarm)) return true;
  }
}

void TorrentEntry::RequestStop() {
  std::shared_ptr<Swarm> swarm;
  {
    MutexLock lock(&mutex_);
    stop_requested_ = true;
    swarm = swarm_;
    changed_.SignalAll();
  }
  if (swarm != nullptr) {
    swarm->RequestStop();
  } else if (fetch_ != nullptr) {
    fetch_->RequestStop();
  }
}

void TorrentEntry::RunIncoming(std::unique_ptr<Stream> stream, const wire::Handshake& theirs,
                               TimePoint handshake_deadline) {
  std::shared_ptr<Swarm> swarm;
  {
    MutexLock lock(&mutex_);
    if (ended_) return;
    swarm = swarm_;
  }
  if (swarm != nullptr) {
    swarm->RunIncoming(std::move(stream), theirs, handshake_deadline);
    return;
  }
  if (fetch_ == nullptr) return;
  absl::optional<LiveConnection> live = fetch_->RunIncoming(std::move(stream), theirs, handshake_deadline);
  if (!live) return;
  {
    MutexLock lock(&mutex_);
    while (!ended_ && swarm_ == nullptr) changed_.Wait(&mutex_);
    swarm = swarm_;
  }
  if (swarm != nullptr) swarm->RunAdopted(*std::move(live));
}

}  // namespace torrent
