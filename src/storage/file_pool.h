// The open files of the process: a bounded number of descriptors, however many files the torrents have. A lease keeps
// its descriptor open; one that the pool no longer keeps is closed when its last lease is gone. Thread-safe; files are
// opened outside the lock. A lease may outlive the pool. Invariant: the pool itself keeps at most `max_open`
// descriptors; beyond them are only those that are lent out just now.
#ifndef TORRENT_STORAGE_FILE_POOL_H_
#define TORRENT_STORAGE_FILE_POOL_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "storage/folder.h"

namespace torrent {

struct OpenFile {
  UniqueFd fd;
  bool writable = false;
};
using FileLease = std::shared_ptr<const OpenFile>;

class FilePool {
 public:
  explicit FilePool(size_t max_open = kMaxOpenFiles) : max_open_(max_open) {}
  FilePool(const FilePool&) = delete;

  // Lends file `number` of `folder`, which lies at `path` in it; opens it when it is not open, or not for `access`.
  // Errors are those of Folder::OpenFile. May block on the disk.
  absl::StatusOr<FileLease> Lend(Folder* folder, uint32_t number, absl::string_view path, Folder::Access access,
                                 bool executable = false) ABSL_LOCKS_EXCLUDED(mutex_);

  // Lends it if it is open, else null.
  FileLease LendOpen(const Folder& folder, uint32_t number) const ABSL_LOCKS_EXCLUDED(mutex_);

  // The pool's own hold on one file, or on all of a folder, ends: the next Lend opens by name again.
  void Drop(const Folder& folder, uint32_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  void Drop(const Folder& folder) ABSL_LOCKS_EXCLUDED(mutex_);

  // Descriptors that the pool keeps.
  size_t open_count() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Key = std::pair<uint64_t, uint32_t>;  // the folder's id, the file's number
  struct Entry {
    Key key;
    FileLease file;
  };
  using Entries = std::list<Entry>;

  // Gives descriptors back to the process that others need more; false when there was none to give.
  bool CloseIdle() ABSL_LOCKS_EXCLUDED(mutex_);
  void KeepLocked(const Key& key, const FileLease& file, FileLease* closed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_open_;
  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);  // most recently used first
  absl::flat_hash_map<Key, Entries::iterator> index_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_FILE_POOL_H_
