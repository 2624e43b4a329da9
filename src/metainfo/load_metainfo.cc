#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "torrent/metainfo.h"

namespace torrent {

namespace {

// Reads to the end rather than by st_size, which is 0 for pipes and /proc; stops past the bound, where the parser
// refuses it.
absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, path);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return absl::ErrnoToStatus(errno, path);
  if (S_ISDIR(status.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, not a .torrent"));
  std::string bytes;
  size_t used = 0;
  while (used <= kMaxMetainfoBytes) {
    constexpr size_t kStep = 64 * 1024;
    if (used == 0 && status.st_size > 0)
      bytes.reserve(std::min<size_t>(static_cast<size_t>(status.st_size), kMaxMetainfoBytes) + kStep);
    bytes.resize(used + kStep);
    const ssize_t got = read(fd.get(), &bytes[used], kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, path);
    if (got == 0) break;
    used += static_cast<size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace

absl::StatusOr<Metainfo> LoadMetainfo(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(path));
  absl::StatusOr<Metainfo> metainfo = ParseMetainfo(bytes);
  if (!metainfo.ok()) return Annotate(metainfo.status(), path);
  return metainfo;
}

}  // namespace torrent
