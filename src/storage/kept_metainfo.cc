#include "storage/kept_metainfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "storage/file_system.h"

namespace torrent {

namespace {

absl::Status WriteAndSync(int fd, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return FileError(n < 0 ? errno : EIO, "write", path, fd);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  while (fsync(fd) != 0) {
    if (errno != EINTR) return FileError(errno, "sync", path, fd);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status KeepMetainfo(const std::string& path, const Metainfo& metainfo) {
  // A name of its own: two sessions may keep the same torrent at once.
  const std::string fresh = absl::StrCat(path, ".", absl::Hex(SecureRandom64()));
  UniqueFd fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return FileError(errno, "make", fresh);
  absl::Status status = WriteAndSync(fd.get(), EncodeMetainfo(metainfo), fresh);
  if (status.ok() && rename(fresh.c_str(), path.c_str()) != 0) status = FileError(errno, "rename to", path);
  if (!status.ok()) {
    unlink(fresh.c_str());
    return status;
  }
  // The folder is not synced: what a power cut takes is fetched again.
  return absl::OkStatus();
}

absl::StatusOr<Metainfo> LoadKeptMetainfo(const std::string& path, const Infohash& infohash) {
  ASSIGN_OR_RETURN(Metainfo metainfo, LoadMetainfo(path));
  if (metainfo.infohash != infohash) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is torrent ", metainfo.infohash.Hex(), ", not ", infohash.Hex()));
  }
  return metainfo;
}

}  // namespace torrent
