#include "session/torrent_entry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "metainfo/selection.h"
#include "storage/kept_metainfo.h"

namespace torrent {

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
  // Its thread is in OnFetched at last; all of this must be there as long.
  if (fetch_ != nullptr) fetch_->Join();
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
  ASSIGN_OR_RETURN(std::unique_ptr<Swarm> made, Swarm::Create(id_, metainfo(), options, resources_));
  std::shared_ptr<Swarm> swarm = std::move(made);
  swarm->Adopt(std::move(handover));
  RETURN_IF_ERROR(swarm->Start());
  bool stopped;
  {
    MutexLock lock(&mutex_);
    swarm_ = swarm;
    stopped = stop_requested_;
    changed_.SignalAll();
  }
  if (stopped) swarm->RequestStop();
  return absl::OkStatus();
}

void TorrentEntry::End(Failure failure, const absl::Status& error) {
  TorrentStatus end;
  if (fetch_ != nullptr) end = fetch_->Status();
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
  {
    MutexLock lock(&mutex_);
    if (ended_) return end_;
    swarm = swarm_;
  }
  return swarm != nullptr ? swarm->Status() : fetch_->Status();
}

bool TorrentEntry::WaitStopped(TimePoint deadline) const {
  std::shared_ptr<Swarm> swarm;
  {
    MutexLock lock(&mutex_);
    while (!ended_ && swarm_ == nullptr && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    if (swarm_ == nullptr) return ended_;
    swarm = swarm_;
  }
  return swarm->WaitStopped(deadline);
}

void TorrentEntry::RequestStop() {
  std::shared_ptr<Swarm> swarm;
  {
    MutexLock lock(&mutex_);
    stop_requested_ = true;
    swarm = swarm_;
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
