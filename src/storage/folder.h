// The one place that opens, creates and asks about files: below a folder's descriptor, one path element at a time and
// never through a symbolic link, so that no name from a torrent and no link that somebody planted leads out of the
// folder. Thread-safe. Invariant: whatever is opened is a regular file (or a folder on the way to one) that lies below
// the folder.
#ifndef TORRENT_STORAGE_FOLDER_H_
#define TORRENT_STORAGE_FOLDER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace torrent {

// What the file system says about one file. `mtime_ns` counts from 1970.
struct FileStat {
  bool exists = false;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  friend bool operator==(const FileStat&, const FileStat&) = default;
};

// What tells a folder from others when its file system was gone and is back. st_dev may be another then (btrfs, tmpfs),
// and the file system's own id may hang on the device (xfs); one of both stays.
struct FolderIdentity {
  uint64_t file_system = 0;  // statfs' f_fsid
  uint64_t device = 0;       // st_dev
  uint64_t inode = 0;

  // The same place on the same file system. A folder that was made anew there counts.
  bool Matches(const FolderIdentity& other) const {
    return file_system == other.file_system && (device == other.device || inode == other.inode);
  }
};

class Folder {
 public:
  enum class Access {
    kRead,    // must exist; opened for reading alone, so that a read-only medium can be seeded from
    kWrite,   // must exist; read and write
    kCreate,  // read and write; the file and missing folders on the way are made
  };

  // Opens `path`, a folder that the user named: links in it are the user's and are followed. With `create` it and what
  // is missing above it is made. NotFound and the like, with the path.
  static absl::StatusOr<std::unique_ptr<Folder>> Open(const std::string& path, bool create);

  // Opens the regular file `path` (elements joined by '/', never empty, "." or ".."; those are refused with
  // InvalidArgument). FailedPrecondition for a symbolic link on the way or at the end, and for whatever is no regular
  // file there: nothing is written through it. A file made with `executable` may be executed as far as the umask
  // allows.
  absl::StatusOr<UniqueFd> OpenFile(absl::string_view path, Access access, bool executable = false);

  // Nothing there (or no folder on the way) is no error: `exists` is false then. FailedPrecondition as for OpenFile.
  // `*inode`, unless null, tells it from a file that takes its place.
  absl::StatusOr<FileStat> Stat(absl::string_view path, uint64_t* inode = nullptr);

  // FailedPrecondition when the path leads elsewhere now, or nowhere: the folder was moved, or its disk is not mounted
  // any more. What was opened before goes on without it, on a disk that nobody sees.
  absl::Status CheckInPlace() const;
  // Whether files can be made and written: the error that they would meet.
  absl::Status CheckWritable() const;

  // Forces the names made by OpenFile since the last call onto the disk (fsync of the folders that hold them).
  absl::Status SyncNewNames();
  // Everything that is waiting on the folder's file system at once (syncfs), new names too: cheaper for very many
  // files.
  absl::Status SyncWholeFileSystem();

  // As the user named it.
  const std::string& path() const { return path_; }
  // The same without links and relative parts.
  const std::string& canonical_path() const { return canonical_path_; }
  // For messages: the file's path as the user would type it.
  std::string PathOf(absl::string_view relative) const;
  // st_dev: which file system the folder lies on.
  uint64_t device() const { return identity_.device; }
  const FolderIdentity& identity() const { return identity_; }
  // Unlike that of any other Folder of this process.
  uint64_t id() const { return id_; }
  int fd() const { return fd_.get(); }

 private:
  Folder(std::string path, std::string canonical_path, UniqueFd fd, const FolderIdentity& identity);
  // The folder `folders` below this one ("": this one itself).
  absl::StatusOr<UniqueFd> Walk(absl::string_view folders, bool create);
  void RememberNewNameIn(absl::string_view folders) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string path_;
  const std::string canonical_path_;
  const UniqueFd fd_;
  const FolderIdentity identity_;
  const uint64_t id_;
  Mutex mutex_;
  std::set<std::string> with_new_names_ ABSL_GUARDED_BY(mutex_);  // relative; "" is the folder itself
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_FOLDER_H_
