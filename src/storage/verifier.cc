#include "storage/verifier.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/sha1.h"
#include "base/thread.h"

namespace torrent {

namespace {

// How far the kernel is asked to read ahead of the hash: enough for a disk to stream, little enough for a small box.
// Each byte is asked for once: asking again for what is cached already costs a tenth of hashing it.
constexpr size_t kUnitsAhead = 8;
constexpr uint32_t kReadAheadBytes = kUnitsAhead * kVerifyBufferBytes;

int CoreCount() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
  return static_cast<int>(std::max<long>(1, sysconf(_SC_NPROCESSORS_ONLN)));
}

struct Free {
  void operator()(uint8_t* buffer) const { ::operator delete[](buffer, std::align_val_t{4096}); }
};
using ReadBuffer = std::unique_ptr<uint8_t[], Free>;

ReadBuffer NewBuffer() {
  return ReadBuffer(static_cast<uint8_t*>(::operator new[](kVerifyBufferBytes, std::align_val_t{4096})));
}

// What the hashing threads share. Work is handed out in units: consecutive pieces up to a buffer's worth, or one piece
// that is longer. Results of different pieces are different memory; everything else that changes is atomic or guarded.
class Verification {
 public:
  Verification(FileStore* store, const VerifyOptions& options);

  uint64_t total_bytes() const { return total_bytes_; }
  uint64_t done_bytes() const { return done_bytes_.load(std::memory_order_relaxed); }
  void Cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }
  // A thread's work: units until there are none left.
  void Run();
  VerifyResult TakeResult() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Unit {
    uint32_t begin;
    uint32_t end;
  };

  void PrefetchHead(const Unit& unit);
  void CheckUnit(const Unit& unit, Sha1* sha1, absl::Span<uint8_t> buffer);
  PieceCheck CheckPiece(uint32_t piece_index, Sha1* sha1, absl::Span<uint8_t> buffer);
  PieceCheck Judge(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  Sha1Hash HashOfZeros(uint32_t length) ABSL_LOCKS_EXCLUDED(mutex_);

  FileStore* const store_;
  const Metainfo& metainfo_;
  const PieceLayout& layout_;
  std::vector<Unit> units_;
  uint64_t total_bytes_ = 0;
  std::atomic<size_t> next_unit_{0};
  std::atomic<uint64_t> done_bytes_{0};
  std::atomic<bool> cancelled_{false};
  std::vector<PieceCheck> pieces_;
  Mutex mutex_;
  absl::Status read_error_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<uint32_t, Sha1Hash>> zero_hashes_ ABSL_GUARDED_BY(mutex_);  // by length; two at most
};

Verification::Verification(FileStore* store, const VerifyOptions& options)
    : store_(store),
      metainfo_(store->metainfo()),
      layout_(store->layout()),
      pieces_(layout_.piece_count(), PieceCheck::kNotAsked) {
  uint64_t unit_bytes = kVerifyBufferBytes;  // of the last unit; full, so that the first piece opens one
  for (uint32_t i = 0; i < layout_.piece_count(); i++) {
    if (!options.pieces.empty() && !options.pieces[i]) continue;
    const uint32_t bytes = layout_.PieceBytes(i);
    total_bytes_ += bytes;
    if (units_.empty() || units_.back().end != i || unit_bytes + bytes > kVerifyBufferBytes) {
      units_.push_back({i, i});
      unit_bytes = 0;
    }
    units_.back().end = i + 1;
    unit_bytes += bytes;
  }
}

void Verification::Run() {
  ReadBuffer memory = NewBuffer();
  const absl::Span<uint8_t> buffer(memory.get(), kVerifyBufferBytes);
  Sha1 sha1;
  size_t next;
  while (!cancelled_ && (next = next_unit_.fetch_add(1)) < units_.size()) {
    if (next + kUnitsAhead < units_.size()) PrefetchHead(units_[next + kUnitsAhead]);
    CheckUnit(units_[next], &sha1, buffer);
  }
}

void Verification::PrefetchHead(const Unit& unit) {
  const uint64_t begin = layout_.PieceOffset(unit.begin);
  const uint64_t end = layout_.PieceOffset(unit.end - 1) + layout_.PieceBytes(unit.end - 1);
  store_->Prefetch(begin, std::min<uint64_t>(end - begin, kReadAheadBytes));
}

void Verification::CheckUnit(const Unit& unit, Sha1* sha1, absl::Span<uint8_t> buffer) {
  const uint64_t begin = layout_.PieceOffset(unit.begin);
  const uint64_t end = layout_.PieceOffset(unit.end - 1) + layout_.PieceBytes(unit.end - 1);
  // Many small pieces, all there: one read, and each is hashed where it lies.
  const FileStore::Presence presence = store_->Probe(begin, end - begin);
  if (end - begin <= buffer.size() && presence.complete && presence.data &&
      store_->ReadAt(begin, buffer.first(end - begin)).ok()) {
    for (uint32_t i = unit.begin; i < unit.end; i++) {
      sha1->Update(buffer.subspan(layout_.PieceOffset(i) - begin, layout_.PieceBytes(i)));
      pieces_[i] = sha1->Finish() == metainfo_.PieceHash(i) ? PieceCheck::kGood : PieceCheck::kBad;
    }
    done_bytes_.fetch_add(end - begin, std::memory_order_relaxed);
    return;
  }
  for (uint32_t i = unit.begin; i < unit.end && !cancelled_; i++) pieces_[i] = CheckPiece(i, sha1, buffer);
}

PieceCheck Verification::CheckPiece(uint32_t piece_index, Sha1* sha1, absl::Span<uint8_t> buffer) {
  const uint64_t offset = layout_.PieceOffset(piece_index);
  const uint32_t length = layout_.PieceBytes(piece_index);
  const FileStore::Presence presence = store_->Probe(offset, length);
  if (!presence.complete || !presence.data) {
    done_bytes_.fetch_add(length, std::memory_order_relaxed);
    // A hole is zeros, and zeros may be what belongs there.
    const bool good = presence.complete && HashOfZeros(length) == metainfo_.PieceHash(piece_index);
    return good ? PieceCheck::kGood : PieceCheck::kMissing;
  }
  sha1->Reset();
  for (uint32_t done = 0; done < length;) {
    if (cancelled_) return PieceCheck::kNotAsked;
    const uint32_t step = std::min(length - done, static_cast<uint32_t>(buffer.size()));
    const uint64_t at = offset + done;
    if (length - done > kReadAheadBytes) {
      store_->Prefetch(at + kReadAheadBytes, std::min(step, length - done - kReadAheadBytes));
    }
    absl::Status read = store_->ReadAt(at, buffer.first(step));
    if (!read.ok()) {
      done_bytes_.fetch_add(length - done, std::memory_order_relaxed);
      return Judge(read);
    }
    sha1->Update(buffer.first(step));
    done += step;
    done_bytes_.fetch_add(step, std::memory_order_relaxed);
  }
  return sha1->Finish() == metainfo_.PieceHash(piece_index) ? PieceCheck::kGood : PieceCheck::kBad;
}

PieceCheck Verification::Judge(const absl::Status& status) {
  if (absl::IsNotFound(status)) return PieceCheck::kMissing;  // removed since it was looked at
  MutexLock lock(&mutex_);
  read_error_.Update(status);
  return PieceCheck::kBad;
}

Sha1Hash Verification::HashOfZeros(uint32_t length) {
  {
    MutexLock lock(&mutex_);
    for (const auto& [known, hash] : zero_hashes_) {
      if (known == length) return hash;
    }
  }
  static constexpr uint8_t kZeros[16 << 10] = {};
  Sha1 sha1;
  for (uint32_t left = length; left > 0;) {
    const uint32_t step = std::min(left, static_cast<uint32_t>(sizeof kZeros));
    sha1.Update(absl::MakeConstSpan(kZeros, step));
    left -= step;
  }
  const Sha1Hash hash = sha1.Finish();
  MutexLock lock(&mutex_);
  zero_hashes_.emplace_back(length, hash);
  return hash;
}

VerifyResult Verification::TakeResult() {
  VerifyResult result;
  result.pieces = std::move(pieces_);
  MutexLock lock(&mutex_);
  result.read_error = read_error_;
  return result;
}

// Counts threads down, so that their starter can report while it waits.
class Countdown {
 public:
  void Add() {
    MutexLock lock(&mutex_);
    count_++;
  }
  void Done() {
    MutexLock lock(&mutex_);
    if (--count_ == 0) changed_.SignalAll();
  }
  // True when all are done, false at `deadline`.
  bool WaitUntil(TimePoint deadline) {
    MutexLock lock(&mutex_);
    while (count_ > 0 && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return count_ == 0;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

constexpr auto kReportInterval = std::chrono::milliseconds(100);

}  // namespace

absl::StatusOr<VerifyResult> Verify(FileStore* store, const VerifyOptions& options) {
  Verification verification(store, options);
  Countdown countdown;
  std::vector<Thread> threads;
  const int wanted = options.threads > 0 ? options.threads : CoreCount();
  for (int i = 0; i < wanted && verification.total_bytes() > 0; i++) {
    countdown.Add();
    absl::StatusOr<Thread> thread = Thread::Start("verify", [&] {
      // What leaves Run by exception (no memory) ends this thread; the others, or the caller, do its share.
      try {
        verification.Run();
      } catch (const std::bad_alloc&) {
      }
      countdown.Done();
    });
    if (!thread.ok()) {
      countdown.Done();
      break;
    }
    threads.push_back(*std::move(thread));
  }
  while (true) {
    const bool ended = countdown.WaitUntil(Now() + kReportInterval);
    if (options.progress && !options.progress(verification.done_bytes(), verification.total_bytes())) {
      verification.Cancel();
    }
    if (ended) break;
  }
  threads.clear();  // joins
  if (verification.done_bytes() < verification.total_bytes()) verification.Run();
  if (verification.cancelled()) return absl::CancelledError("hashing was given up");
  return verification.TakeResult();
}

absl::Status VerifyPiece(FileStore* store, uint32_t piece_index, absl::Span<uint8_t> buffer) {
  const PieceLayout& layout = store->layout();
  const uint32_t length = layout.PieceBytes(piece_index);
  Sha1 sha1;
  for (uint32_t done = 0; done < length;) {
    const absl::Span<uint8_t> part = buffer.first(std::min<size_t>(buffer.size(), length - done));
    absl::Status read = store->ReadAt(layout.PieceOffset(piece_index) + done, part);
    if (!read.ok()) return read;
    sha1.Update(part);
    done += static_cast<uint32_t>(part.size());
  }
  if (sha1.Finish() == store->metainfo().PieceHash(piece_index)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("piece ", piece_index, ": what is on disk has another hash"));
}

std::vector<FileState> CheckFiles(const FileStore& store, const VerifyResult& result) {
  const Metainfo& metainfo = store.metainfo();
  std::vector<FileState> checks(metainfo.files.size());
  for (uint32_t i = 0; i < checks.size(); i++) {
    const MetainfoFile& file = metainfo.files[i];
    FileState& check = checks[i];
    if (file.pad || file.symlink || store.in_part_file(i)) continue;
    const auto [begin, end] = store.layout().PiecesOfFile(i);
    check.pieces = end - begin;
    for (uint32_t piece = begin; piece < end; piece++) check.bad_pieces += result.good(piece) ? 0 : 1;
    absl::StatusOr<FileStat> stat = store.Stat(i);
    if (stat.ok() && !stat->exists) {
      check.state = FileState::State::kMissing;
      continue;
    }
    check.size = stat.ok() ? stat->size : 0;
    if (stat.ok() && stat->size < file.length) {
      check.state = FileState::State::kShort;
    } else if (!stat.ok() || check.bad_pieces > 0) {
      check.state = FileState::State::kBad;
    }
  }
  return checks;
}

}  // namespace torrent
