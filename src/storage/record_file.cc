#include "storage/record_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "storage/file_system.h"

namespace torrent {

namespace {

// Files grow by whole blocks; what is beyond the record is zeros. The slack lets a record grow by unfinished pieces and
// extra keys without asking a full disk for more.
constexpr size_t kDiskBlockBytes = 4096;
constexpr size_t kSlackBytes = 64 << 10;

size_t RoundUp(size_t bytes) { return (bytes + kDiskBlockBytes - 1) / kDiskBlockBytes * kDiskBlockBytes; }

absl::Status WriteFull(int fd, absl::string_view bytes, const std::string& path) {
  off_t offset = 0;
  while (!bytes.empty()) {
    ssize_t n = pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return FileError(n < 0 ? errno : EIO, "write", path, fd);
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return FileError(errno, "open", path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FileError(errno, "look at", path);
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, " is no regular file"));
  if (static_cast<uint64_t>(info.st_size) > kMaxRecordBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", info.st_size, " bytes, over ", kMaxRecordBytes));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = pread(fd.get(), &bytes[done], bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(errno, "read", path);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

absl::StatusOr<ResumeRecord> LoadCopy(const std::string& path, const Metainfo& metainfo) {
  ASSIGN_OR_RETURN(std::string bytes, ReadWhole(path));
  absl::StatusOr<ResumeRecord> record = DecodeResumeRecord(bytes, metainfo);
  if (!record.ok()) return Annotate(record.status(), path);
  return record;
}

constexpr int kTwinFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

}  // namespace

absl::StatusOr<StateLock> StateLock::Take(const std::string& path) {
  UniqueFd fd(open(path.c_str(), kTwinFlags, 0600));
  if (!fd.valid()) return FileError(errno, "open", path);
  int error;
  do {
    error = flock(fd.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  } while (error == EINTR);
  if (error == EWOULDBLOCK) {
    char pid[32] = {};
    ssize_t n = pread(fd.get(), pid, sizeof pid - 1, 0);
    absl::string_view holder =
        absl::StripAsciiWhitespace(absl::string_view(pid, static_cast<size_t>(std::max<ssize_t>(n, 0))));
    return absl::FailedPreconditionError(absl::StrCat("process ", holder.empty() ? "(unknown)" : holder,
                                                      " is at work on this download already (", path, " is locked)"));
  }
  if (error != 0) return FileError(error, "lock", path);
  // For the message above only; the lock holds without it.
  std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd.get(), 0) == 0) WriteFull(fd.get(), pid, path).IgnoreError();
  return StateLock(std::move(fd));
}

RecordFile::RecordFile(std::string path) : path_(std::move(path)), twin_path_(absl::StrCat(path_, ".twin")) {}

LoadedRecord RecordFile::Load(const Metainfo& metainfo) const {
  LoadedRecord loaded;
  absl::StatusOr<ResumeRecord> newest = LoadCopy(path_, metainfo);
  if (newest.ok()) {
    loaded.record = *std::move(newest);
    return loaded;
  }
  absl::StatusOr<ResumeRecord> previous = LoadCopy(twin_path_, metainfo);
  if (previous.ok()) loaded.record = *std::move(previous);
  if (absl::IsNotFound(newest.status())) return loaded;
  loaded.notice = absl::StrCat(newest.status().message(),
                               loaded.record ? "; the copy before it is used" : "; what is on disk is hashed instead");
  return loaded;
}

absl::Status RecordFile::Save(const ResumeRecord& record) {
  std::string bytes = EncodeResumeRecord(record);
  UniqueFd fd(open(twin_path_.c_str(), kTwinFlags, 0600));
  if (!fd.valid()) return FileError(errno, "open", twin_path_);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FileError(errno, "look at", twin_path_);
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(twin_path_, " is no regular file"));
  // All of the file is written again, never less than it was: cutting it would give its reserved space away.
  const auto old_size = static_cast<size_t>(info.st_size);
  const size_t size = std::max(old_size, RoundUp(bytes.size() + (old_size == 0 ? kSlackBytes : 0)));
  if (size > kMaxRecordBytes) {
    return absl::InvalidArgumentError(absl::StrCat(twin_path_, ": ", size, " bytes, over ", kMaxRecordBytes));
  }
  bytes.resize(size);
  RETURN_IF_ERROR(WriteFull(fd.get(), bytes, twin_path_));
  while (fsync(fd.get()) != 0) {
    if (errno != EINTR) return FileError(errno, "sync", twin_path_, fd.get());
  }
  fd.Reset();
  // The two change places, so that the old record stays as the second copy and as the next one's reserved space.
  if (renameat2(AT_FDCWD, twin_path_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
    // No record yet, or a file system that cannot exchange.
    if (rename(twin_path_.c_str(), path_.c_str()) != 0) return FileError(errno, "rename to", path_);
    ReserveTwin(size);
  }
  return SyncNameOf(path_);
}

void RecordFile::ReserveTwin(size_t bytes) const {
  UniqueFd fd(open(twin_path_.c_str(), kTwinFlags, 0600));
  if (!fd.valid()) return;
  // A file system that cannot reserve is written to; a disk that is full now may have room before the next record.
  if (fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)) == 0 || errno != EOPNOTSUPP) return;
  WriteFull(fd.get(), std::string(bytes, '\0'), twin_path_).IgnoreError();
}

absl::Status RecordFile::Remove() {
  for (const std::string& path : {path_, twin_path_}) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return FileError(errno, "remove", path);
  }
  return SyncNameOf(path_);
}

}  // namespace torrent
