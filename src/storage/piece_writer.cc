#include "storage/piece_writer.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <list>
#include <utility>

#include "base/memory_shortage.h"
#include "base/mutex.h"
#include "base/thread.h"

namespace torrent {

namespace {

size_t TotalBytes(absl::Span<const BlockWrite> blocks) {
  size_t bytes = 0;
  for (const BlockWrite& block : blocks) bytes += block.length;
  return bytes;
}

}  // namespace

// What all queues of a device share. The thread sleeps on `work`; `idle` says that it does, so that Submit need not
// wake a thread that is busy and will look again by itself.
struct PieceWriter::State {
  using Batch = std::vector<BlockWrite>;  // as it was submitted: moved as a whole while the lock is held
  class TorrentQueue;

  explicit State(const Options& given) : options(given) {}

  void Run() ABSL_LOCKS_EXCLUDED(mutex);
  // The next queue with something that may be written now, and what of it; null: none before `*retry_at`.
  TorrentQueue* NextLocked(TimePoint now, std::vector<Batch>* batches, TimePoint* retry_at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const Options options;
  Mutex mutex;
  CondVar work;  // for the writer
  CondVar done;  // a turn ended: for Drain and for queues that go
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool idle ABSL_GUARDED_BY(mutex) = false;
  TorrentQueue* writing ABSL_GUARDED_BY(mutex) = nullptr;
  std::list<TorrentQueue*> queues ABSL_GUARDED_BY(mutex);  // whose turn comes first is in front
  Thread thread;
};

class PieceWriter::State::TorrentQueue : public PieceWriter::Queue {
 public:
  TorrentQueue(State* state, FileStore* store, WriteObserver* observer, size_t bound_bytes)
      : state_(state), store_(store), observer_(observer), bound_bytes_(bound_bytes) {}
  ~TorrentQueue() override;

  void Submit(std::vector<BlockWrite> blocks) override;
  bool HasRoom() const override;
  bool Drain(TimePoint deadline) override;

  // --- The writer's side.
  // Tells the analysis that this queue's lock is the writer's own.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(state_->mutex) {}
  // When it wants a turn: at once (TimePoint::min()), when the full disk is tried again, or never (max()).
  TimePoint DueLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex) {
    if (pending_.empty()) return TimePoint::max();
    return disk_full_ ? retry_at_ : TimePoint::min();
  }
  // Takes a turn's worth from the front.
  std::vector<Batch> TakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  // Writes it, tells the observer, and books what came of it.
  void Write(std::vector<Batch> batches) ABSL_LOCKS_EXCLUDED(state_->mutex);
  // Keeps the rest for a retry or drops the queue, by what the error is.
  void Fail(Batch rest, const absl::Status& error) ABSL_LOCKS_EXCLUDED(state_->mutex);

 private:
  // Whether the caller is to write what it brings; then WriteHere is to follow.
  bool BeginWriteHere() ABSL_LOCKS_EXCLUDED(state_->mutex);
  void WriteHere(Batch blocks) ABSL_LOCKS_EXCLUDED(state_->mutex);
  // On any thread. Writes, gives the buffers back, tells the observer; what could not be written stays in `blocks`.
  absl::Status WriteAndTell(Batch* blocks);
  size_t WriteRuns(absl::Span<const BlockWrite> blocks, absl::Status* error);
  void Release(size_t bytes);

  State* const state_;
  FileStore* const store_;
  WriteObserver* const observer_;
  const size_t bound_bytes_;

  std::atomic<size_t> bytes_{0};              // queued and not yet written
  mutable std::atomic<bool> starved_{false};  // HasRoom said no, and OnRoom was not called since
  std::deque<Batch> pending_ ABSL_GUARDED_BY(state_->mutex);
  bool failed_ ABSL_GUARDED_BY(state_->mutex) = false;
  bool disk_full_ ABSL_GUARDED_BY(state_->mutex) = false;
  TimePoint retry_at_ ABSL_GUARDED_BY(state_->mutex);
  uint64_t full_count_ ABSL_GUARDED_BY(state_->mutex) = 0;                  // turns that met a full disk
  TimePoint busy_until_ ABSL_GUARDED_BY(state_->mutex) = TimePoint::min();  // a write was slow
  int writing_here_ ABSL_GUARDED_BY(state_->mutex) = 0;                     // threads in WriteHere
  Batch turn_;                                                              // the writer's own, kept for its memory
};

// --- The queue's public side ----------------------------------------------------------------------------------------

void PieceWriter::State::TorrentQueue::Submit(std::vector<BlockWrite> blocks) {
  if (blocks.empty()) return;
  if (BeginWriteHere()) return WriteHere(std::move(blocks));
  const size_t bytes = TotalBytes(blocks);
  MutexLock lock(&state_->mutex);
  if (failed_) return;  // `blocks` gives the buffers back
  bytes_ += bytes;
  pending_.push_back(std::move(blocks));
  if (state_->idle && !disk_full_) {
    state_->idle = false;  // one signal is enough until it sleeps again
    state_->work.Signal();
  }
}

bool PieceWriter::State::TorrentQueue::BeginWriteHere() {
  if (state_->options.slow == Duration::zero()) return false;
  MutexLock lock(&state_->mutex);
  if (failed_ || !pending_.empty() || state_->writing == this || Now() < busy_until_) return false;
  writing_here_++;
  return true;
}

void PieceWriter::State::TorrentQueue::WriteHere(Batch blocks) {
  const PatientForMemory patient;  // an accepted block that never reaches its file would leave its piece open for ever
  const TimePoint begin = Now();
  const absl::Status error = WriteAndTell(&blocks);
  if (!error.ok()) {
    bytes_ += TotalBytes(blocks);
    Fail(std::move(blocks), error);
  }
  const TimePoint end = Now();
  MutexLock lock(&state_->mutex);
  if (end - begin > state_->options.slow) busy_until_ = end + kBusyDisk;
  if (--writing_here_ == 0) state_->done.SignalAll();
}

bool PieceWriter::State::TorrentQueue::HasRoom() const {
  if (bytes_ < bound_bytes_) return true;
  // The flag first, then another look: either this sees what the writer freed, or the writer sees the flag.
  starved_ = true;
  return bytes_ < bound_bytes_;
}

bool PieceWriter::State::TorrentQueue::Drain(TimePoint deadline) {
  MutexLock lock(&state_->mutex);
  const uint64_t full_before = full_count_;
  retry_at_ = TimePoint::min();
  state_->idle = false;
  state_->work.Signal();
  while (!pending_.empty() || state_->writing == this || writing_here_ > 0) {
    if (full_count_ != full_before || Now() >= deadline) return false;
    state_->done.WaitUntil(&state_->mutex, deadline);
  }
  return !failed_;
}

PieceWriter::State::TorrentQueue::~TorrentQueue() {
  MutexLock lock(&state_->mutex);
  state_->queues.remove(this);
  while (state_->writing == this || writing_here_ > 0) state_->done.Wait(&state_->mutex);
}

// --- The writer's side ----------------------------------------------------------------------------------------------

std::vector<PieceWriter::State::Batch> PieceWriter::State::TorrentQueue::TakeLocked() {
  std::vector<Batch> taken;
  for (size_t bytes = 0; !pending_.empty() && bytes < kWriteRunBytes; pending_.pop_front()) {
    bytes += TotalBytes(pending_.front());
    taken.push_back(std::move(pending_.front()));
  }
  return taken;
}

// Writes neighbours in one call each; answers how many blocks are in their files.
size_t PieceWriter::State::TorrentQueue::WriteRuns(absl::Span<const BlockWrite> blocks, absl::Status* error) {
  absl::InlinedVector<iovec, 64> bytes;
  size_t written = 0;
  while (written < blocks.size()) {
    bytes.clear();
    size_t end = written;
    uint64_t next_offset;
    do {
      for (const BlockWrite::Span& span : blocks[end].spans) {
        bytes.push_back({span.buffer.data() + span.begin, span.length});
      }
      next_offset = blocks[end].offset + blocks[end].length;
      end++;
    } while (end < blocks.size() && blocks[end].offset == next_offset);
    *error = store_->WriteRun(blocks[written].offset, bytes);
    if (!error->ok()) break;
    written = end;
  }
  return written;
}

absl::Status PieceWriter::State::TorrentQueue::WriteAndTell(Batch* blocks) {
  absl::Status error;
  const size_t written = WriteRuns(*blocks, &error);
  for (size_t i = 0; i < written; i++) (*blocks)[i].spans.clear();  // the buffers go back warm, before anybody is told
  if (written > 0) observer_->OnWritten(absl::MakeConstSpan(*blocks).first(written));
  blocks->erase(blocks->begin(), blocks->begin() + static_cast<ptrdiff_t>(written));
  return error;
}

void PieceWriter::State::TorrentQueue::Write(std::vector<Batch> batches) {
  turn_.clear();
  for (Batch& batch : batches) std::move(batch.begin(), batch.end(), std::back_inserter(turn_));
  const size_t bytes = TotalBytes(turn_);
  const absl::Status error = WriteAndTell(&turn_);
  if (const size_t written = bytes - TotalBytes(turn_); written > 0) Release(written);
  if (!error.ok()) return Fail(std::exchange(turn_, {}), error);
  bool recovered;
  {
    MutexLock lock(&state_->mutex);
    recovered = std::exchange(disk_full_, false);
  }
  if (recovered) observer_->OnRecovered();
}

void PieceWriter::State::TorrentQueue::Release(size_t bytes) {
  const size_t left = bytes_.fetch_sub(bytes) - bytes;
  if (left < bound_bytes_ / 2 && starved_.exchange(false)) observer_->OnRoom();
}

void PieceWriter::State::TorrentQueue::Fail(Batch rest, const absl::Status& error) {
  std::deque<Batch> dropped;  // gives its buffers back without the lock
  bool news = true;           // the observer hears of a full disk, or of the end, once
  {
    MutexLock lock(&state_->mutex);
    if (absl::IsResourceExhausted(error) && !failed_) {
      pending_.push_front(std::move(rest));
      news = !std::exchange(disk_full_, true);
      retry_at_ = Now() + (news ? state_->options.first_retry : state_->options.retry);
      full_count_++;
      state_->idle = false;  // the thread is to wake for the retry
      state_->work.Signal();
    } else {
      news = !std::exchange(failed_, true);  // several threads may meet it at once
      dropped.swap(pending_);
      bytes_ = 0;
    }
  }
  if (news) observer_->OnWriteError(error);
}

PieceWriter::State::TorrentQueue* PieceWriter::State::NextLocked(TimePoint now, std::vector<Batch>* batches,
                                                                 TimePoint* retry_at) {
  *retry_at = TimePoint::max();
  for (auto it = queues.begin(); it != queues.end(); ++it) {
    TorrentQueue* queue = *it;
    queue->AssertLocked();
    const TimePoint due = queue->DueLocked();
    if (due <= now) {
      queues.splice(queues.end(), queues, it);  // the others come before its next turn
      *batches = queue->TakeLocked();
      return queue;
    }
    *retry_at = std::min(*retry_at, due);
  }
  return nullptr;
}

void PieceWriter::State::Run() {
  const PatientForMemory patient;
  mutex.Lock();
  while (!stopping) {
    TimePoint retry_at;
    std::vector<Batch> batches;
    TorrentQueue* queue = NextLocked(Now(), &batches, &retry_at);
    if (queue == nullptr) {
      idle = true;
      work.WaitUntil(&mutex, retry_at);
      idle = false;
      continue;
    }
    writing = queue;
    mutex.Unlock();
    queue->Write(std::move(batches));
    mutex.Lock();
    writing = nullptr;
    done.SignalAll();
  }
  mutex.Unlock();
}

// --- The writer -----------------------------------------------------------------------------------------------------

PieceWriter::PieceWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

absl::StatusOr<std::unique_ptr<PieceWriter>> PieceWriter::Start() { return Start(Options()); }

absl::StatusOr<std::unique_ptr<PieceWriter>> PieceWriter::Start(const Options& options) {
  auto state = std::make_unique<State>(options);
  absl::StatusOr<Thread> thread = Thread::Start("writer", [raw = state.get()] { raw->Run(); });
  if (!thread.ok()) return thread.status();
  state->thread = *std::move(thread);
  return std::unique_ptr<PieceWriter>(new PieceWriter(std::move(state)));
}

PieceWriter::~PieceWriter() {
  {
    MutexLock lock(&state_->mutex);
    state_->stopping = true;
    state_->work.Signal();
  }
  state_->thread.Join();
}

std::unique_ptr<PieceWriter::Queue> PieceWriter::AddTorrent(FileStore* store, WriteObserver* observer,
                                                            size_t bound_bytes) {
  auto queue = std::make_unique<State::TorrentQueue>(state_.get(), store, observer, bound_bytes);
  MutexLock lock(&state_->mutex);
  state_->queues.push_back(queue.get());
  return queue;
}

}  // namespace torrent
