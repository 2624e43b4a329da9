#include "storage/folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/open_at.h"
#include "base/status.h"
#include "storage/file_system.h"

namespace torrent {

namespace {

// Names from a torrent were made clean when it was parsed; this is the last door, so it looks again (CVE-2009-1760).
absl::Status CheckRelative(absl::string_view path) {
  for (absl::string_view element : absl::StrSplit(path, '/')) {
    if (element.empty() || element == "." || element == ".." || element.find('\0') != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("path \"", path, "\": element \"", element, "\" is not allowed"));
    }
  }
  return absl::OkStatus();
}

// Both parts of a path: the folders (may be empty) and the last element.
std::pair<absl::string_view, absl::string_view> SplitLast(absl::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {absl::string_view(), path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// Why `name` could not be opened as what it should be: for links and the like the kernel's error says it badly.
absl::Status WrongKind(int parent, const std::string& name, const std::string& shown, int error_number, bool folder) {
  struct stat info;
  if (fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISLNK(info.st_mode)) {
      return absl::FailedPreconditionError(absl::StrCat(shown, " is a symbolic link; it is not followed"));
    }
    if (folder ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode)) {
      return absl::FailedPreconditionError(absl::StrCat(shown, folder ? " is no folder" : " is no regular file"));
    }
  }
  return FileError(error_number, "open", shown);
}

// The kernel walks by the same rules in one call where it can (Linux 5.6). ENOENT is an answer; any other failure only
// means that the slow way, element by element, says what is wrong: an old kernel, a link. `mode` with O_CREAT only.
int OpenBelow(int folder, absl::string_view path, int flags, uint64_t mode = 0) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(syscall(SYS_openat2, folder, std::string(path).c_str(), &how, sizeof how));
}

FileStat FromStat(const struct stat& info) {
  FileStat stat;
  stat.exists = true;
  stat.size = static_cast<uint64_t>(info.st_size);
  stat.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  return stat;
}

absl::Status SyncFolder(int fd, absl::string_view shown) {
  // Some file systems have nothing to sync in a folder and say so.
  if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS) return FileError(errno, "sync folder", shown);
  return absl::OkStatus();
}

// mkdir -p, and each new folder's name is forced onto the disk.
absl::Status MakeFolders(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string prefix = path.substr(0, end);
    if (mkdir(prefix.c_str(), 0777) == 0) {
      std::string parent = absl::StrCat(prefix, "/..");
      UniqueFd fd(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (fd.valid()) RETURN_IF_ERROR(SyncFolder(fd.get(), parent));
    } else if (errno != EEXIST && errno != EISDIR) {
      return FileError(errno, "make folder", prefix);
    }
    if (end == std::string::npos) return absl::OkStatus();
  }
}

uint64_t NextId() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

Folder::Folder(std::string path, std::string canonical_path, UniqueFd fd, const FolderIdentity& identity)
    : path_(std::move(path)),
      canonical_path_(std::move(canonical_path)),
      fd_(std::move(fd)),
      identity_(identity),
      id_(NextId()) {}

absl::StatusOr<std::unique_ptr<Folder>> Folder::Open(const std::string& path, bool create) {
  if (path.empty()) return absl::InvalidArgumentError("the folder's name is empty");
  UniqueFd fd(OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT && create) {
    RETURN_IF_ERROR(MakeFolders(path));
    fd.Reset(OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  if (!fd.valid()) return FileError(errno, "open folder", path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FileError(errno, "look at folder", path);
  std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  if (real == nullptr) return FileError(errno, "find folder", path);
  FolderIdentity identity;
  identity.device = info.st_dev;
  identity.inode = info.st_ino;
  struct statfs system;
  if (fstatfs(fd.get(), &system) == 0) memcpy(&identity.file_system, &system.f_fsid, sizeof identity.file_system);
  return std::unique_ptr<Folder>(new Folder(path, real.get(), std::move(fd), identity));
}

absl::Status Folder::CheckInPlace() const {
  struct stat info;
  const bool there = stat(canonical_path_.c_str(), &info) == 0;
  if (!there && errno != ENOENT && errno != ENOTDIR) return FileError(errno, "look at folder", path_);
  if (there && info.st_dev == identity_.device && info.st_ino == identity_.inode) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the folder ", path_, there ? " is another one now" : " is not there any more", ": is its disk mounted?"));
}

absl::Status Folder::CheckWritable() const {
  struct statfs system;
  if (fstatfs(fd_.get(), &system) != 0) return FileError(errno, "look at the file system of", path_);
  if ((system.f_flags & ST_RDONLY) != 0) return FileError(EROFS, "write in", path_);
  if (faccessat(fd_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) return FileError(errno, "write in", path_);
  return absl::OkStatus();
}

std::string Folder::PathOf(absl::string_view relative) const {
  if (relative.empty()) return path_;
  return absl::StrCat(path_, path_.back() == '/' ? "" : "/", relative);
}

void Folder::RememberNewNameIn(absl::string_view folders) {
  MutexLock lock(&mutex_);
  with_new_names_.emplace(folders);
}

absl::StatusOr<UniqueFd> Folder::Walk(absl::string_view folders, bool create) {
  UniqueFd at(OpenAt(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at.valid()) return FileError(errno, "open folder", path_);
  if (folders.empty()) return at;
  size_t begin = 0;
  while (true) {
    size_t end = std::min(folders.find('/', begin), folders.size());
    const std::string name(folders.substr(begin, end - begin));
    const absl::string_view above = folders.substr(0, begin == 0 ? 0 : begin - 1);
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd next(OpenAt(at.get(), name.c_str(), kFlags));
    if (!next.valid() && errno == ENOENT && create) {
      if (MakeFolderAt(at.get(), name.c_str(), 0777) == 0) {
        RememberNewNameIn(above);
      } else if (errno != EEXIST) {
        return FileError(errno, "make folder", PathOf(folders.substr(0, end)), at.get());
      }
      next.Reset(OpenAt(at.get(), name.c_str(), kFlags));
    }
    if (!next.valid()) return WrongKind(at.get(), name, PathOf(folders.substr(0, end)), errno, /*folder=*/true);
    at = std::move(next);
    if (end == folders.size()) return at;
    begin = end + 1;
  }
}

absl::StatusOr<UniqueFd> Folder::OpenFile(absl::string_view path, Access access, bool executable) {
  RETURN_IF_ERROR(CheckRelative(path));
  // O_NONBLOCK: a FIFO in the way must not hold us until somebody opens its other end. It means nothing for files.
  const int flags = (access == Access::kRead ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  struct stat info;
  UniqueFd direct(OpenBelow(fd_.get(), path, flags));
  if (direct.valid() && fstat(direct.get(), &info) == 0 && S_ISREG(info.st_mode)) return direct;

  const auto [folders, last] = SplitLast(path);
  const std::string name(last);
  const bool create = access == Access::kCreate;
  if (!direct.valid() && errno == ENOENT && create) {
    // Mostly its folder is there, and one call makes it.
    direct.Reset(OpenBelow(fd_.get(), path, flags | O_CREAT | O_EXCL, executable ? 0777 : 0666));
    if (direct.valid()) {
      RememberNewNameIn(folders);
      return direct;
    }
  }
  UniqueFd parent;  // the folder itself needs none
  int at = fd_.get();
  if (!folders.empty()) {
    ASSIGN_OR_RETURN(parent, Walk(folders, create));
    at = parent.get();
  }
  UniqueFd fd(OpenAt(at, name.c_str(), flags));
  if (!fd.valid() && errno == ENOENT && create) {
    fd.Reset(OpenAt(at, name.c_str(), flags | O_CREAT | O_EXCL, executable ? 0777 : 0666));
    if (fd.valid()) {
      RememberNewNameIn(folders);
    } else if (errno == EEXIST) {  // somebody was faster
      fd.Reset(OpenAt(at, name.c_str(), flags));
    } else {
      return FileError(errno, "create", PathOf(path), at);
    }
  }
  if (!fd.valid()) return WrongKind(at, name, PathOf(path), errno, /*folder=*/false);
  if (fstat(fd.get(), &info) != 0) return FileError(errno, "look at", PathOf(path));
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(PathOf(path), " is no regular file"));
  return fd;
}

absl::StatusOr<FileStat> Folder::Stat(absl::string_view path, uint64_t* inode) {
  RETURN_IF_ERROR(CheckRelative(path));
  struct stat info;
  UniqueFd direct(OpenBelow(fd_.get(), path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  // A link on the way would be another error than this.
  if (!direct.valid() && errno == ENOENT) return FileStat();
  if (direct.valid() && fstat(direct.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    if (inode != nullptr) *inode = info.st_ino;
    return FromStat(info);
  }

  const auto [folders, last] = SplitLast(path);
  UniqueFd parent;
  int at = fd_.get();
  if (!folders.empty()) {
    absl::StatusOr<UniqueFd> walked = Walk(folders, /*create=*/false);
    if (absl::IsNotFound(walked.status())) return FileStat();
    if (!walked.ok()) return walked.status();
    parent = *std::move(walked);
    at = parent.get();
  }
  if (fstatat(at, std::string(last).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return FileStat();
    return FileError(errno, "look at", PathOf(path));
  }
  if (S_ISLNK(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(PathOf(path), " is a symbolic link; it is not followed"));
  }
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(PathOf(path), " is no regular file"));
  if (inode != nullptr) *inode = info.st_ino;
  return FromStat(info);
}

absl::Status Folder::SyncWholeFileSystem() {
  std::set<std::string> folders;
  {
    MutexLock lock(&mutex_);
    folders.swap(with_new_names_);
  }
  if (syncfs(fd_.get()) == 0) return absl::OkStatus();
  absl::Status failed = FileError(errno, "sync the file system of", path_, fd_.get());
  for (const std::string& path : folders) RememberNewNameIn(path);
  return failed;
}

absl::Status Folder::SyncNewNames() {
  std::set<std::string> folders;
  {
    MutexLock lock(&mutex_);
    folders.swap(with_new_names_);
  }
  absl::Status first;
  for (const std::string& path : folders) {
    absl::StatusOr<UniqueFd> fd = Walk(path, /*create=*/false);
    absl::Status synced = fd.ok() ? SyncFolder(fd->get(), PathOf(path)) : fd.status();
    if (synced.ok()) continue;
    RememberNewNameIn(path);  // the next call tries again
    first.Update(synced);
  }
  return first;
}

}  // namespace torrent
