#include "storage/file_pool.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace torrent {

absl::StatusOr<FileLease> FilePool::Lend(Folder* folder, uint32_t number, absl::string_view path, Folder::Access access,
                                         bool executable) {
  const Key key(folder->id(), number);
  const bool for_writing = access != Folder::Access::kRead;
  {
    MutexLock lock(&mutex_);
    auto found = index_.find(key);
    if (found != index_.end() && (found->second->file->writable || !for_writing)) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->file;
    }
  }
  absl::StatusOr<UniqueFd> fd = folder->OpenFile(path, access, executable);
  if (absl::IsResourceExhausted(fd.status()) && CloseIdle()) fd = folder->OpenFile(path, access, executable);
  if (!fd.ok()) return fd.status();
  auto file = std::make_shared<OpenFile>();
  file->fd = *std::move(fd);
  file->writable = for_writing;
  FileLease closed;  // the descriptor closes after the lock is free
  MutexLock lock(&mutex_);
  auto found = index_.find(key);
  if (found == index_.end()) {
    KeepLocked(key, file, &closed);
  } else if (for_writing) {
    closed = std::exchange(found->second->file, file);
  }
  return FileLease(std::move(file));
}

FileLease FilePool::LendOpen(const Folder& folder, uint32_t number) const {
  MutexLock lock(&mutex_);
  auto found = index_.find(Key(folder.id(), number));
  return found == index_.end() ? nullptr : found->second->file;
}

void FilePool::KeepLocked(const Key& key, const FileLease& file, FileLease* closed) {
  if (entries_.size() >= max_open_) {
    // The least recently used one that nobody has. When all are lent out, the new one closes with its lease.
    auto victim = entries_.end();
    do {
      if (victim == entries_.begin()) return;
      --victim;
    } while (victim->file.use_count() > 1);
    *closed = std::move(victim->file);
    index_.erase(victim->key);
    entries_.erase(victim);
  }
  entries_.push_front({key, file});
  index_[key] = entries_.begin();
}

bool FilePool::CloseIdle() {
  std::vector<FileLease> closed;
  MutexLock lock(&mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->file.use_count() > 1) {
      ++entry;
      continue;
    }
    closed.push_back(std::move(entry->file));
    index_.erase(entry->key);
    entry = entries_.erase(entry);
  }
  return !closed.empty();
}

void FilePool::Drop(const Folder& folder, uint32_t number) {
  FileLease closed;
  MutexLock lock(&mutex_);
  auto found = index_.find(Key(folder.id(), number));
  if (found == index_.end()) return;
  closed = std::move(found->second->file);
  entries_.erase(found->second);
  index_.erase(found);
}

void FilePool::Drop(const Folder& folder) {
  Entries closed;
  MutexLock lock(&mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    auto next = std::next(entry);
    if (entry->key.first == folder.id()) {
      index_.erase(entry->key);
      closed.splice(closed.end(), entries_, entry);
    }
    entry = next;
  }
}

size_t FilePool::open_count() const {
  MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace torrent
