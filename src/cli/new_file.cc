#include "cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "cli/display.h"

namespace torrent {
namespace {

absl::Status Write(const std::string& path, absl::string_view bytes, bool replace, const std::string& temporary,
                   int fd) {
  // mkstemp made it readable for its owner alone; a .torrent is no secret, so the user's umask decides.
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(fd, 0666 & ~mask) != 0 || !WriteAll(fd, bytes) || fsync(fd) != 0) return absl::ErrnoToStatus(errno, path);
  if (replace) {
    if (rename(temporary.c_str(), path.c_str()) != 0) return absl::ErrnoToStatus(errno, path);
    return absl::OkStatus();
  }
  // A link does not replace; where the file system has none (vfat), the name was looked at before.
  if (link(temporary.c_str(), path.c_str()) == 0) {
    unlink(temporary.c_str());
    return absl::OkStatus();
  }
  if (errno == EEXIST || access(path.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(absl::StrCat(path, " is there already"));
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return absl::ErrnoToStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteNewFile(const std::string& path, absl::string_view bytes, bool replace) {
  struct stat there;
  if (!replace && lstat(path.c_str(), &there) == 0) {
    return absl::AlreadyExistsError(absl::StrCat(path, " is there already"));
  }
  if (replace && stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is there, and is no file that could be replaced"));
  }
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, path);
  absl::Status status = Write(path, bytes, replace, temporary, fd.get());
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace torrent
