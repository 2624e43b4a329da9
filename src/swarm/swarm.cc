#include "swarm/swarm.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/random.h"
#include "base/status.h"
#include "swarm/piece_bits.h"

namespace torrent {

namespace {

constexpr Duration kLastSaveRetry = std::chrono::milliseconds(100);

// Pieces that hold a byte of a wanted file.
wire::Bitfield WantedPieces(const Metainfo& metainfo, const PieceLayout& layout, const FileStore& store) {
  wire::Bitfield wanted(layout.piece_count());
  for (uint32_t file = 0; file < metainfo.files.size(); file++) {
    if (!store.wanted(file) || metainfo.files[file].pad) continue;
    const auto [begin, end] = layout.PiecesOfFile(file);
    for (uint32_t piece = begin; piece < end; piece++) wanted.Set(piece);
  }
  return wanted;
}

// Errors that stay whatever the user does outside: a file too large for its file system, a name that it cannot have.
bool MayPass(const absl::Status& error) {
  return !absl::IsOutOfRange(error) && !absl::IsInvalidArgument(error) && !absl::IsInternal(error) &&
         !absl::IsUnimplemented(error);
}

// Whether the folder of `store` is the one where a download paused.
absl::Status CheckReturned(const FileStore& store, const FolderIdentity& place) {
  RETURN_IF_ERROR(store.folder().CheckWritable());
  if (store.folder().identity().Matches(place)) return absl::OkStatus();
  // Copied to another disk, perhaps.
  for (uint32_t i = 0; i < store.metainfo().files.size(); i++) {
    ASSIGN_OR_RETURN(FileStat stat, store.Stat(i));
    if (stat.exists && stat.size > 0) return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the folder ", store.folder().path(), " is another one now: is its disk mounted?"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Swarm>> Swarm::Create(TorrentId id, std::shared_ptr<const Metainfo> metainfo,
                                                     const TorrentOptions& options, const SwarmResources& resources,
                                                     const DiskPause* after) {
  // The folder first: the name of the part file and of the record hang on where it really is.
  const std::string& output_dir = after == nullptr ? options.output_dir : after->folder;
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder, Folder::Open(output_dir, /*create=*/after == nullptr));
  FileStore::Options store_options;
  store_options.output_dir = output_dir;
  store_options.wanted = options.wanted;
  store_options.part_file = resources.state_dir->PartFilePath(metainfo->infohash, folder->canonical_path());
  store_options.pool = resources.files;
  store_options.create_output_dir = after == nullptr;
  ASSIGN_OR_RETURN(StateLock lock,
                   StateLock::Take(resources.state_dir->LockPath(metainfo->infohash, folder->canonical_path())));
  RecordFile record(resources.state_dir->RecordPath(metainfo->infohash, folder->canonical_path()));
  ASSIGN_OR_RETURN(std::unique_ptr<FileStore> store, FileStore::Open(metainfo, std::move(store_options)));
  if (after != nullptr) RETURN_IF_ERROR(CheckReturned(*store, after->place));
  std::unique_ptr<Swarm> swarm(
      new Swarm(id, std::move(metainfo), options, resources, std::move(store), std::move(lock), std::move(record)));
  swarm->after_pause_ = after != nullptr;
  if (after != nullptr) swarm->replaced_files_ = after->replaced_files;
  return swarm;
}

Swarm::Swarm(TorrentId id, std::shared_ptr<const Metainfo> metainfo, const TorrentOptions& options,
             const SwarmResources& resources, std::unique_ptr<FileStore> store, StateLock lock, RecordFile record)
    : metainfo_(std::move(metainfo)),
      options_(options),
      resources_(resources),
      events_(resources.listener, id),
      store_(std::move(store)),
      state_lock_(std::move(lock)),
      record_(std::move(record)),
      layout_(*metainfo_),
      registry_(resources.shared.peer_id),
      queue_(metainfo_, &layout_, SecureRandom64(), [this](const PieceQueue::Effects& effects) { CarryOut(effects); }),
      serving_(store_.get(), &queue_),
      book_(resources.shared.port, SecureRandom64(), metainfo_->is_private),
      choker_(resources.shared.upload->rate(), SecureRandom64()) {}

Swarm::~Swarm() {
  RequestStop();
  coordinator_.Join();
}

absl::Status Swarm::Start() {
  ASSIGN_OR_RETURN(coordinator_, Thread::Start("coordinator", [this] { Run(); }));
  return absl::OkStatus();
}

void Swarm::Run() {
  const PatientForMemory patient;
  absl::Status status = Open();
  if (status.ok()) {
    Loop();
  } else if (!absl::IsCancelled(status)) {
    after_pause_ ? LoseDisk(status) : Fail(Failure::kDisk, status);
  }
  Stop();
  handover_.connections.clear();  // where it never came so far
  const absl::Status lost = [this] {
    MutexLock lock(&mutex_);
    return status_.failure == Failure::kNone ? disk_lost_ : absl::OkStatus();
  }();
  if (!lost.ok()) TellPaused(lost);
  MutexLock lock(&mutex_);
  status_.state = TorrentState::kStopped;
  coordinator_ended_ = true;
  stopped_.SignalAll();
}

// Looks at what is there and makes the parts that need to know it.
absl::Status Swarm::Open() {
  const LoadedRecord loaded = record_.Load(*metainfo_);
  if (!loaded.notice.empty() && events_.Wanted(kDiskEvents)) {
    events_.Tell(DiskEvent{absl::DataLossError(loaded.notice)});
  }
  if (loaded.record) {
    RETURN_IF_ERROR(store_->BringHome(loaded.record->in_part_file));
    remembered_extra_ = loaded.record->extra;
  }
  OpeningOptions opening_options;
  opening_options.overwrite = options_.overwrite;
  opening_options.replaced = replaced_files_;
  opening_options.progress = [this](uint64_t done, uint64_t total) {
    {
      MutexLock lock(&mutex_);
      status_.checked_bytes = done;
      status_.check_total_bytes = total;
    }
    if (events_.Wanted(kCheckEvents)) events_.Tell(CheckEvent{done, total});
    return (duties_.load() & kStopRequested) == 0;
  };
  ASSIGN_OR_RETURN(Opening opening,
                   OpenDownload(store_.get(), loaded.record ? &*loaded.record : nullptr, opening_options));

  PieceQueue::Effects effects;
  std::vector<std::pair<uint32_t, wire::Bitfield>> partial;
  for (const UnfinishedPiece& piece : opening.unfinished) {
    partial.emplace_back(piece.piece_index, ToBitfield(piece.blocks));
  }
  queue_.Begin(ToBitfield(opening.have), WantedPieces(*metainfo_, layout_, *store_), partial, &effects);
  serving_.Begin(ToBitfield(opening.hash_before_serving));
  if (events_.Wanted(kMetadataEvents)) {
    events_.Tell(
        MetadataEvent{metainfo_->name, metainfo_->infohash.Hex(), metainfo_->total_length, metainfo_->piece_count});
  }
  if (options_.allocate && !queue_.Complete()) RETURN_IF_ERROR(store_->Allocate());
  RETURN_IF_ERROR(store_->CreateEmptyFiles());
  ASSIGN_OR_RETURN(PieceWriter * writer, resources_.writer_of(store_->device()));
  writer_ = writer->AddTorrent(store_.get(), this, resources_.writer_queue_bytes);
  context_.reset(new SwarmContext{resources_.shared, metainfo_, layout_, events_, queue_, registry_, *store_, *writer_,
                                  serving_, [this](uint32_t duties) { Call(duties); },
                                  [this](const PieceQueue::Effects& e) { CarryOut(e); }, hints_, roster_});
  {
    MutexLock lock(&mutex_);
    extra_ = remembered_extra_;
    if (loaded.record) status_.uploaded_before_bytes = loaded.record->uploaded_bytes;
    status_.wanted_bytes = queue_.wanted_bytes();
    status_.state = queue_.Complete() ? TorrentState::kSyncing : TorrentState::kDownloading;
  }
  absl::StatusOr<std::unique_ptr<Checkpointer::Entry>> checkpoint =
      resources_.checkpointer->Add(this, store_.get(), &record_);
  if (!checkpoint.ok()) return checkpoint.status();
  checkpoint_ = *std::move(checkpoint);

  RETURN_IF_ERROR(OpenFinder());
  CarryOut(effects);
  return absl::OkStatus();
}

absl::Status Swarm::OpenFinder() {
  auto totals = [this] {
    Announcer::Totals totals;
    totals.downloaded = context_->downloaded.load();
    totals.uploaded = context_->uploaded.load();
    totals.left = queue_.wanted_bytes() - queue_.written_bytes();
    return totals;
  };
  auto wake = [this] { Call(kInbox); };
  if (handover_.finder != nullptr) {
    handover_.ties->Bind(std::move(totals), std::move(wake));
    finder_ = std::move(handover_.finder);
    return absl::OkStatus();
  }
  PeerFinder::Options sources = resources_.Sources(metainfo_->infohash, options_);
  sources.is_private = metainfo_->is_private;
  sources.nodes = metainfo_->nodes;
  sources.announces.trackers = metainfo_->trackers;
  ASSIGN_OR_RETURN(finder_, PeerFinder::Create(std::move(sources), &events_, std::move(totals), std::move(wake)));
  return absl::OkStatus();
}

// --- Stop ------------------------------------------------------------------------------------------------------------

void Swarm::Stop() {
  const TimePoint begin = Now();
  const bool failed = [this, begin] {
    MutexLock lock(&mutex_);
    accepting_ = false;
    ending_ = true;
    opened_.SignalAll();
    // A download that ended by being complete is not done before it is synced.
    const bool synced_only = context_ != nullptr && queue_.Complete() && !status_.complete;
    status_.state = synced_only ? TorrentState::kSyncing : TorrentState::kStopping;
    if (synced_only) status_.seconds = ToSeconds(begin - started_);
    return status_.failure != Failure::kNone || !disk_lost_.ok();
  }();
  // Nobody claims any more, and all connections end. Trackers are told from here on, beside the rest: they may hang.
  registry_.StopAll(absl::CancelledError("stopping"));
  if (finder_ != nullptr) {
    if (queue_.Complete() && complete_since_ == TimePoint::max() && context_->downloaded.load() > 0) {
      finder_->Completed(begin);
      finder_->Step(begin);  // on its way before `stopped` takes its place
    }
    finder_->Stopped();
    finder_->Step(begin);
  }
  // Workers before the writer: what they accepted last is still to be written.
  registry_.WaitEmpty(begin + std::chrono::seconds(2));
  workers_.clear();
  ReapPeers(Now());
  MeasureRates(Now());  // whom we had, before it is said that all is done
  bool saved = true;
  if (writer_ != nullptr) saved = writer_->Drain(begin + std::chrono::milliseconds(2500));
  // Hash what the last blocks completed, so that it counts.
  while (context_ != nullptr && !failed && Now() < begin + std::chrono::milliseconds(2500) && DoUpkeep()) {
  }
  if (finder_ != nullptr) {
    std::vector<std::pair<std::string, int64_t>> extra = RememberedForNextRun();
    MutexLock lock(&mutex_);
    extra_ = std::move(extra);
  }
  // Whatever took long before, this has a second: without it all is fetched again that came since the last checkpoint.
  const TimePoint save_until = std::max(begin + std::chrono::seconds(3), Now() + std::chrono::seconds(1));
  if (checkpoint_ != nullptr) saved &= SaveLast(/*ended=*/saved && !failed, save_until);
  const bool all = queue_.Complete() && context_ != nullptr;
  if (saved && all && !failed) {
    bool first;
    {
      MutexLock lock(&mutex_);
      first = !status_.complete;
      status_.complete = true;
    }
    if (first && events_.Wanted(kEndEvents)) {
      events_.Tell(DoneEvent{queue_.wanted_bytes(), ToSeconds(Now() - started_)});
    }
  }
  // The trackers' time: until they answered, or three seconds after the stop began.
  while (finder_ != nullptr && !finder_->Done() && Now() < begin + std::chrono::seconds(3)) {
    WaitForDuty(std::min(begin + std::chrono::seconds(3), finder_->NextDeadline(Now())));
    finder_->Step(Now());
  }
  if (finder_ != nullptr) finder_->Cancel();
  writer_.reset();
  checkpoint_.reset();
  MeasureRates(Now());
}

bool Swarm::SaveLast(bool ended, TimePoint deadline) {
  while (!checkpoint_->Flush(ended, deadline)) {
    // No descriptor or no room just now, say: a moment later there may be. Any other error is the torrent's failure.
    if (Now() + kLastSaveRetry >= deadline || Status().failure != Failure::kNone) return false;
    std::this_thread::sleep_for(kLastSaveRetry);
  }
  return true;
}

bool Swarm::WaitStopped(TimePoint deadline) const {
  MutexLock lock(&mutex_);
  while (!coordinator_ended_ && Now() < deadline) stopped_.WaitUntil(&mutex_, deadline);
  return coordinator_ended_;
}

// --- State -----------------------------------------------------------------------------------------------------------

void Swarm::SetState(TorrentState state) {
  MutexLock lock(&mutex_);
  status_.state = state;
}

void Swarm::Fail(Failure failure, const absl::Status& error) {
  {
    MutexLock lock(&mutex_);
    if (status_.failure != Failure::kNone) return;  // the first error is the cause
    status_.failure = failure;
    status_.error = error;
  }
  if (events_.Wanted(kEndEvents)) events_.Tell(ErrorEvent{error});
  RequestStop();
}

void Swarm::LoseDisk(const absl::Status& error) {
  if (paused_ == nullptr || !options_.wait_for_space || !MayPass(error)) return Fail(Failure::kDisk, error);
  {
    MutexLock lock(&mutex_);
    if (status_.failure != Failure::kNone || !disk_lost_.ok()) return;
    disk_lost_ = error;
  }
  RequestStop();
}

void Swarm::TellPaused(const absl::Status& error) {
  DiskPause pause;
  pause.why = error;
  pause.status = Status();
  pause.place = store_->folder().identity();
  pause.folder = store_->folder().canonical_path();
  pause.replaced_files = store_->replaced_files();
  if (after_pause_ && finder_ == nullptr) pause.replaced_files = replaced_files_;  // it did not come so far
  pause.handover = std::move(handover_);
  for (const PeerBook::Pick& pick : book_.Known()) pause.handover.known.push_back(pick);
  pause.handover.banned.insert(pause.handover.banned.end(), banned_.begin(), banned_.end());
  paused_(std::move(pause));
}

TorrentStatus Swarm::Status() const {
  MutexLock lock(&mutex_);
  TorrentStatus status = status_;
  status.download_rate = download_rate_.rate();
  status.upload_rate = upload_rate_.rate();
  if (status.state == TorrentState::kChecking || context_ == nullptr) return status;
  status.done_bytes = queue_.written_bytes();
  status.corrupt_bytes = queue_.corrupt_bytes();
  status.downloaded_bytes = context_->downloaded.load(std::memory_order_relaxed);
  status.uploaded_bytes = context_->uploaded.load(std::memory_order_relaxed);
  status.wasted_bytes = context_->wasted.load(std::memory_order_relaxed);
  return status;
}

}  // namespace torrent
