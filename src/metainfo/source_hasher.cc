#include "metainfo/source_hasher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/sha1.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/unique_fd.h"

namespace torrent {

namespace {

constexpr size_t kReadBytes = 256 * 1024;  // stays in a core's cache between read and hash
constexpr std::chrono::milliseconds kProgressInterval{100};

// What the workers share. Each takes the next piece that nobody has; digests go to places of their own in `pieces`.
class Hashing {
 public:
  Hashing(const SourceTree& tree, const PieceLayout& layout)
      : tree_(tree), layout_(layout), pieces_(size_t{layout.piece_count()} * Sha1Hash::kSize, '\0') {}

  absl::StatusOr<std::string> Run(const std::function<bool(uint64_t, uint64_t)>& progress);

 private:
  // One thread's file that is open, and its buffer.
  struct Reader {
    uint32_t file_index = std::numeric_limits<uint32_t>::max();
    UniqueFd fd;
    std::unique_ptr<uint8_t[]> buffer{new uint8_t[kReadBytes]};
    Sha1 sha1;
  };

  void Work();
  absl::Status HashPieces();
  absl::Status HashSpan(const FileSpan& span, Reader* reader);
  absl::Status Open(uint32_t file_index, Reader* reader) const;
  absl::Status WaitForWorkers(const std::function<bool(uint64_t, uint64_t)>& progress) ABSL_LOCKS_EXCLUDED(mutex_);

  const SourceTree& tree_;
  const PieceLayout& layout_;
  std::string pieces_;
  std::atomic<uint32_t> next_piece_{0};
  std::atomic<uint64_t> bytes_done_{0};
  std::atomic<bool> stop_{false};
  Mutex mutex_;
  CondVar worker_ended_;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status first_error_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<std::string> Hashing::Run(const std::function<bool(uint64_t, uint64_t)>& progress) {
  const size_t wanted = std::min<size_t>(std::max(1u, std::thread::hardware_concurrency()), layout_.piece_count());
  std::vector<Thread> workers;
  for (size_t i = 0; i < wanted; ++i) {
    {
      MutexLock lock(&mutex_);
      ++running_;
    }
    absl::StatusOr<Thread> worker = Thread::Start("hash", [this] { Work(); });
    if (worker.ok()) {
      workers.push_back(*std::move(worker));
      continue;
    }
    {
      MutexLock lock(&mutex_);
      --running_;
    }
    // Fewer threads take longer; none at all: this one does it, without progress.
    if (workers.empty()) RETURN_IF_ERROR(HashPieces());
    break;
  }
  absl::Status status = WaitForWorkers(progress);
  for (Thread& worker : workers) worker.Join();
  RETURN_IF_ERROR(status);
  return std::move(pieces_);
}

absl::Status Hashing::WaitForWorkers(const std::function<bool(uint64_t, uint64_t)>& progress) {
  absl::Status cancelled;
  bool done = false;
  while (!done) {
    if (progress && cancelled.ok() && !progress(bytes_done_.load(), tree_.total_length)) {
      cancelled = absl::CancelledError("hashing was given up");
      stop_.store(true);
    }
    MutexLock lock(&mutex_);
    if (running_ > 0) worker_ended_.WaitUntil(&mutex_, Now() + kProgressInterval);
    done = running_ == 0;
  }
  MutexLock lock(&mutex_);
  if (!first_error_.ok()) return first_error_;
  if (!cancelled.ok()) return cancelled;
  if (progress) progress(bytes_done_.load(), tree_.total_length);
  return absl::OkStatus();
}

void Hashing::Work() {
  absl::Status status;
  try {
    status = HashPieces();
  } catch (...) {  // bad_alloc; whoever waits must hear that this thread ended
    status = absl::ResourceExhaustedError("no memory for hashing");
  }
  if (!status.ok()) stop_.store(true);
  MutexLock lock(&mutex_);
  if (first_error_.ok()) first_error_ = status;
  --running_;
  worker_ended_.Signal();
}

absl::Status Hashing::HashPieces() {
  Reader reader;
  while (!stop_.load()) {
    const uint32_t piece = next_piece_.fetch_add(1);
    if (piece >= layout_.piece_count()) break;
    for (const FileSpan& span : layout_.FileSpans(layout_.PieceOffset(piece), layout_.PieceBytes(piece))) {
      RETURN_IF_ERROR(HashSpan(span, &reader));
    }
    const Sha1Hash hash = reader.sha1.Finish();
    std::copy(hash.bytes.begin(), hash.bytes.end(), pieces_.begin() + static_cast<ptrdiff_t>(piece * Sha1Hash::kSize));
  }
  return absl::OkStatus();
}

absl::Status Hashing::HashSpan(const FileSpan& span, Reader* reader) {
  if (reader->file_index != span.file_index) RETURN_IF_ERROR(Open(span.file_index, reader));
  uint64_t offset = span.offset;
  uint64_t left = span.length;
  while (left > 0 && !stop_.load()) {
    const ssize_t got =
        pread(reader->fd.get(), reader->buffer.get(), std::min<uint64_t>(left, kReadBytes), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, tree_.PathOf(span.file_index));
    if (got == 0) {
      return absl::FailedPreconditionError(tree_.PathOf(span.file_index) + ": became shorter while it was hashed");
    }
    reader->sha1.Update({reader->buffer.get(), static_cast<size_t>(got)});
    offset += static_cast<uint64_t>(got);
    left -= static_cast<uint64_t>(got);
    bytes_done_.fetch_add(static_cast<uint64_t>(got), std::memory_order_relaxed);
  }
  return absl::OkStatus();
}

absl::Status Hashing::Open(uint32_t file_index, Reader* reader) const {
  const std::string path = tree_.PathOf(file_index);
  reader->fd.Reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader->fd.valid()) return absl::ErrnoToStatus(errno, path);
  reader->file_index = file_index;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> HashSource(const SourceTree& tree, const PieceLayout& layout,
                                       const std::function<bool(uint64_t, uint64_t)>& progress) {
  ASSIGN_OR_RETURN(std::string pieces, Hashing(tree, layout).Run(progress));
  // A file that changed under the reading has hashes of a content that never was.
  for (size_t i = 0; i < tree.files.size(); ++i) {
    const std::string path = tree.PathOf(i);
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return absl::ErrnoToStatus(errno, path);
    RETURN_IF_ERROR(CheckUnchanged(tree.files[i], path, status));
  }
  return pieces;
}

}  // namespace torrent
