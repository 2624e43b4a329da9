#include "storage/checkpoint.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <utility>

#include "base/memory_shortage.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"

namespace torrent {

struct Checkpointer::State {
  class TorrentEntry;
  // What the sync thread should do for an entry.
  struct Task {
    enum class Kind { kNothing, kWriteback, kCheckpoint } kind = Kind::kNothing;
    bool ended = false;
    uint64_t flush = 0;  // the last Flush that this answers
  };

  explicit State(const CheckpointOptions& given) : options(given) {}
  void Run() ABSL_LOCKS_EXCLUDED(mutex);
  // The next entry with something due now, and what; null: nothing before `*next`.
  TorrentEntry* NextLocked(TimePoint now, Task* task, TimePoint* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const CheckpointOptions options;
  Mutex mutex;
  CondVar work;  // for the sync thread
  CondVar done;  // something of the sync thread's ended
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  TorrentEntry* busy ABSL_GUARDED_BY(mutex) = nullptr;
  std::list<TorrentEntry*> entries ABSL_GUARDED_BY(mutex);
  Thread thread;
};

class Checkpointer::State::TorrentEntry : public Checkpointer::Entry {
 public:
  TorrentEntry(State* state, CheckpointSource* source, FileStore* store, RecordFile* record)
      : state_(state), source_(source), store_(store), record_file_(record) {}
  ~TorrentEntry() override;

  void NoteChange() override;
  bool Flush(bool ended, TimePoint deadline) override;

  // Sync, look, save; nothing of the three without the one before. Tells the source nothing. On the sync thread, or
  // before the entry is listed.
  absl::Status Save(bool running, ResumeRecord* record);

  // --- The sync thread's side.
  // Tells the analysis that this entry's lock is the sync thread's own.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(state_->mutex) {}
  // A task that is due now; if there is none, `*next` becomes the next one's time unless it is earlier.
  Task TakeTaskLocked(TimePoint now, TimePoint* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  void Do(const Task& task) ABSL_LOCKS_EXCLUDED(state_->mutex);

 private:
  absl::Status LookAt(const std::vector<uint32_t>& changed, bool all, ResumeRecord* record);

  State* const state_;
  CheckpointSource* const source_;
  FileStore* const store_;
  RecordFile* const record_file_;
  std::atomic<bool> changed_{false};  // since the last snapshot; what makes NoteChange cheap

  TimePoint due_ ABSL_GUARDED_BY(state_->mutex) = TimePoint::max();
  TimePoint writeback_ ABSL_GUARDED_BY(state_->mutex) = TimePoint::max();
  bool ended_ ABSL_GUARDED_BY(state_->mutex) = false;
  uint64_t flush_asked_ ABSL_GUARDED_BY(state_->mutex) = 0;
  uint64_t flush_done_ ABSL_GUARDED_BY(state_->mutex) = 0;
  bool flush_ok_ ABSL_GUARDED_BY(state_->mutex) = false;
  // As they were last found; of files that nobody writes they stay true. Whoever runs Save.
  std::vector<FileStat> files_;
  FileStat part_file_;
};

// --- Any thread -----------------------------------------------------------------------------------------------------

Checkpointer::State::TorrentEntry::~TorrentEntry() {
  MutexLock lock(&state_->mutex);
  state_->entries.remove(this);
  while (state_->busy == this) state_->done.Wait(&state_->mutex);
}

void Checkpointer::State::TorrentEntry::NoteChange() {
  if (changed_.load(std::memory_order_relaxed) || changed_.exchange(true)) return;
  MutexLock lock(&state_->mutex);
  const TimePoint now = Now();
  due_ = std::min(due_, now + state_->options.after_change);
  writeback_ = std::min(writeback_, now + state_->options.writeback_every);
  state_->work.Signal();
}

bool Checkpointer::State::TorrentEntry::Flush(bool ended, TimePoint deadline) {
  MutexLock lock(&state_->mutex);
  const uint64_t mine = ++flush_asked_;
  ended_ = ended;
  state_->work.Signal();
  while (flush_done_ < mine) {
    if (Now() >= deadline) return false;
    state_->done.WaitUntil(&state_->mutex, deadline);
  }
  return flush_ok_;
}

// --- The sync thread ------------------------------------------------------------------------------------------------

absl::Status Checkpointer::State::TorrentEntry::Save(bool running, ResumeRecord* record) {
  changed_ = false;  // before the snapshot: what comes after it makes the next one due
  *record = EmptyResumeRecord(store_->metainfo());
  source_->Snapshot(record);
  std::vector<uint32_t> synced;
  RETURN_IF_ERROR(store_->SyncDirty(&synced));
  RETURN_IF_ERROR(LookAt(synced, /*all=*/files_.empty() || !running, record));
  record->running = running;
  record->output_dir = store_->folder().canonical_path();
  record->device = store_->device();
  return record_file_->Save(*record);
}

// A look at each of many thousand files each time would cost more than the sync: only those that were written.
absl::Status Checkpointer::State::TorrentEntry::LookAt(const std::vector<uint32_t>& changed, bool all,
                                                       ResumeRecord* record) {
  const auto count = static_cast<uint32_t>(store_->metainfo().files.size());
  if (all) {
    files_.resize(count);
    for (uint32_t i = 0; i < count; i++) {
      ASSIGN_OR_RETURN(files_[i], store_->Stat(i));
    }
    ASSIGN_OR_RETURN(part_file_, store_->StatPartFile());
  } else {
    for (uint32_t number : changed) {
      ASSIGN_OR_RETURN(FileStat stat, number < count ? store_->Stat(number) : store_->StatPartFile());
      (number < count ? files_[number] : part_file_) = stat;
    }
  }
  record->files = files_;
  record->part_file = part_file_;
  for (uint32_t i = 0; i < count; i++) {
    record->wanted[i] = store_->wanted(i);
    record->in_part_file[i] = store_->in_part_file(i);
  }
  return absl::OkStatus();
}

Checkpointer::State::Task Checkpointer::State::TorrentEntry::TakeTaskLocked(TimePoint now, TimePoint* next) {
  Task task;
  if (due_ <= now || flush_asked_ > flush_done_) {
    task = {Task::Kind::kCheckpoint, flush_asked_ > flush_done_ && ended_, flush_asked_};
    due_ = writeback_ = TimePoint::max();
  } else if (writeback_ <= now) {
    task.kind = Task::Kind::kWriteback;
    writeback_ = now + state_->options.writeback_every;
  } else {
    *next = std::min({*next, due_, writeback_});
  }
  return task;
}

void Checkpointer::State::TorrentEntry::Do(const Task& task) {
  if (task.kind == Task::Kind::kWriteback) {
    store_->StartWriteback();
    return;
  }
  ResumeRecord record;
  const absl::Status saved = Save(/*running=*/!task.ended, &record);
  if (saved.ok()) {
    source_->OnSynced(record.pieces);
  } else {
    source_->OnCheckpointError(saved);
  }
  MutexLock lock(&state_->mutex);
  flush_done_ = task.flush;
  flush_ok_ = saved.ok();
  if (!saved.ok()) due_ = std::min(due_, Now() + state_->options.after_change);
}

Checkpointer::State::TorrentEntry* Checkpointer::State::NextLocked(TimePoint now, Task* task, TimePoint* next) {
  *next = TimePoint::max();
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    TorrentEntry* entry = *it;
    entry->AssertLocked();
    *task = entry->TakeTaskLocked(now, next);
    if (task->kind == Task::Kind::kNothing) continue;
    entries.splice(entries.end(), entries, it);  // the others come before its next
    return entry;
  }
  return nullptr;
}

void Checkpointer::State::Run() {
  const PatientForMemory patient;
  mutex.Lock();
  while (!stopping) {
    TimePoint next;
    Task task;
    TorrentEntry* entry = NextLocked(Now(), &task, &next);
    if (entry == nullptr) {
      work.WaitUntil(&mutex, next);
      continue;
    }
    busy = entry;
    mutex.Unlock();
    entry->Do(task);
    mutex.Lock();
    busy = nullptr;
    done.SignalAll();
  }
  mutex.Unlock();
}

// --- The checkpointer -----------------------------------------------------------------------------------------------

Checkpointer::Checkpointer(std::unique_ptr<State> state) : state_(std::move(state)) {}

absl::StatusOr<std::unique_ptr<Checkpointer>> Checkpointer::Start(const CheckpointOptions& options) {
  auto state = std::make_unique<State>(options);
  ASSIGN_OR_RETURN(state->thread, Thread::Start("sync", [raw = state.get()] { raw->Run(); }));
  return std::unique_ptr<Checkpointer>(new Checkpointer(std::move(state)));
}

Checkpointer::~Checkpointer() {
  {
    MutexLock lock(&state_->mutex);
    state_->stopping = true;
    state_->work.Signal();
  }
  state_->thread.Join();
}

absl::StatusOr<std::unique_ptr<Checkpointer::Entry>> Checkpointer::Add(CheckpointSource* source, FileStore* store,
                                                                       RecordFile* record) {
  auto entry = std::make_unique<State::TorrentEntry>(state_.get(), source, store, record);
  ResumeRecord first;
  RETURN_IF_ERROR(entry->Save(/*running=*/true, &first));
  MutexLock lock(&state_->mutex);
  state_->entries.push_back(entry.get());
  return entry;
}

}  // namespace torrent
