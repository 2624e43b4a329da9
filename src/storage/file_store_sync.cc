// How files reach the disk (the second half of FileStore): what is dirty, and the order in which it is forced out.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "storage/file_store.h"
#include "storage/file_system.h"

namespace torrent {

void FileStore::MarkDirty(uint32_t number, uint64_t written_end) {
  MutexLock lock(&mutex_);
  written_ends_[number] = std::max(written_ends_[number], written_end);
  if (is_dirty_[number]) return;
  is_dirty_[number] = true;
  dirty_.push_back(number);
}

absl::Status FileStore::Lost(const absl::Status& error) {
  MutexLock lock(&mutex_);
  loss_.Update(error);
  return loss_;
}

absl::Status FileStore::loss() const {
  MutexLock lock(&mutex_);
  return loss_;
}

std::vector<uint32_t> FileStore::replaced_files() const {
  MutexLock lock(&mutex_);
  return replaced_;
}

void FileStore::NoteUnsynced(uint32_t file_index) {
  const Place place = PlaceOf(file_index);
  if (place != Place::kPad) MarkDirty(place == Place::kPartFile ? part_number() : file_index);
}

void FileStore::StartWriteback() {
  std::vector<uint32_t> numbers;
  {
    MutexLock lock(&mutex_);
    numbers = dirty_;
  }
  for (uint32_t number : numbers) WriteOut(number, SYNC_FILE_RANGE_WRITE).IgnoreError();
}

absl::Status FileStore::WriteOut(uint32_t number, unsigned flags) {
  absl::StatusOr<Home> home = HomeOfFile(number, /*create=*/false);
  if (!home.ok()) return absl::OkStatus();
  absl::StatusOr<FileLease> file = Lend(*home, Folder::Access::kRead);
  if (!file.ok() || sync_file_range((*file)->fd.get(), 0, 0, flags) == 0) return absl::OkStatus();
  if (errno != EIO && !IsDiskFull(errno)) return absl::OkStatus();
  return FileError(errno, "sync", home->folder->PathOf(home->path), (*file)->fd.get());
}

// One fdatasync a file is one commit of the file system's journal each, which for thousands of small files takes a
// minute. Once the data of all is written out the first commit covers the rest. For very many one syncfs is cheaper
// yet; it tells of errors that writing met since the folder was opened (Linux 5.8).
absl::Status FileStore::WriteOutAll(const std::vector<uint32_t>& numbers, bool* all_synced) {
  *all_synced = numbers.size() > kMaxFilesSyncedSingly && folder_->SyncWholeFileSystem().ok();
  if (*all_synced || numbers.size() < 2) return absl::OkStatus();
  constexpr unsigned kWait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  for (uint32_t number : numbers) WriteOut(number, SYNC_FILE_RANGE_WRITE).IgnoreError();
  for (uint32_t number : numbers) {
    // The kernel tells a descriptor once that writing failed: an fdatasync after this would know nothing of it.
    RETURN_IF_ERROR(WriteOut(number, kWait));
  }
  return absl::OkStatus();
}

absl::Status FileStore::SyncFile(uint32_t number, bool already_synced, bool* lost) {
  ASSIGN_OR_RETURN(Home home, HomeOfFile(number, /*create=*/false));
  const std::string path = home.folder->PathOf(home.path);
  const absl::Status gone = absl::DataLossError(absl::StrCat(path, " was removed or replaced while it was written"));
  FileLease file = already_synced ? pool_->LendOpen(*home.folder, number) : nullptr;
  if (!already_synced) {
    absl::StatusOr<FileLease> lent = Lend(home, Folder::Access::kRead);
    *lost = absl::IsNotFound(lent.status()) || absl::IsFailedPrecondition(lent.status());
    if (absl::IsNotFound(lent.status())) return gone;
    if (!lent.ok()) return lent.status();
    file = *std::move(lent);
    while (fdatasync(file->fd.get()) != 0) {
      if (errno == EINTR) continue;
      if (errno == EROFS || errno == EINVAL) break;  // nothing can be waiting there
      *lost = true;
      return FileError(errno, "sync", path, file->fd.get());
    }
  }
  // The pool may hold the descriptor of a file whose name is gone: what is in it would be gone with the descriptor.
  struct stat info = {};
  if (file != nullptr && fstat(file->fd.get(), &info) != 0) return FileError(errno, "look at", path);
  uint64_t inode = 0;
  absl::StatusOr<FileStat> named = home.folder->Stat(home.path, &inode);
  *lost = absl::IsFailedPrecondition(named.status());
  if (!named.ok()) return named.status();
  const bool replaced = named->exists && file != nullptr && info.st_ino != inode;
  *lost = !named->exists || replaced;
  if (replaced) {
    MutexLock lock(&mutex_);
    replaced_.push_back(number);
  }
  return *lost ? gone : absl::OkStatus();
}

absl::Status FileStore::SyncDirty(std::vector<uint32_t>* synced_numbers) {
  std::vector<uint32_t> numbers;
  {
    MutexLock lock(&mutex_);
    if (!loss_.ok()) return loss_;
    numbers.swap(dirty_);
    for (uint32_t number : numbers) is_dirty_[number] = false;
  }
  // Before the bytes: on a disk that nobody sees any more they are worth nothing.
  if (const absl::Status in_place = folder_->CheckInPlace(); !in_place.ok()) return Lost(in_place);
  bool all_synced;
  absl::Status result = WriteOutAll(numbers, &all_synced);
  bool lost = !result.ok();
  for (uint32_t number : numbers) {
    // The part file lies on the state folder's file system, which need not be the one that was synced.
    if (result.ok()) result = SyncFile(number, all_synced && number != part_number(), &lost);
    if (!result.ok()) MarkDirty(number);
  }
  if (lost) return Lost(result);
  RETURN_IF_ERROR(result);
  RETURN_IF_ERROR(loss());  // of a write meanwhile
  RETURN_IF_ERROR(folder_->SyncNewNames());
  Folder* part_folder;
  {
    MutexLock lock(&mutex_);
    part_folder = part_folder_.get();
  }
  if (part_folder != nullptr) RETURN_IF_ERROR(part_folder->SyncNewNames());
  if (synced_numbers != nullptr) *synced_numbers = std::move(numbers);
  return absl::OkStatus();
}

}  // namespace torrent
