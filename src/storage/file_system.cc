#include "storage/file_system.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/unique_fd.h"

namespace torrent {

namespace {

std::string ReadWhole(const char* path) {
  std::string out;
  UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  char buffer[4096];
  ssize_t n;
  while (fd.valid() && (n = read(fd.get(), buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<size_t>(n));
  return out;
}

// mountinfo writes blanks and backslashes of a path as three octal digits.
std::string Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool LiesBelow(absl::string_view path, absl::string_view mount_point) {
  if (mount_point == "/") return true;
  return absl::ConsumePrefix(&path, mount_point) && (path.empty() || path[0] == '/');
}

// "/dev/sda1 on /data" for the deepest mount above the path; of several on one place the last one covers the others.
std::string MountOf(absl::string_view path) {
  std::string best_point, best;
  const std::string table = ReadWhole("/proc/self/mountinfo");
  for (absl::string_view line : absl::StrSplit(table, '\n')) {
    // 36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/source rw
    std::vector<absl::string_view> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    std::vector<absl::string_view> mount = absl::StrSplit(halves[0], ' ');
    std::vector<absl::string_view> source = absl::StrSplit(halves[1], ' ');
    if (mount.size() < 5 || source.size() < 2) continue;
    std::string point = Unescape(mount[4]);
    if (LiesBelow(path, point) && point.size() >= best_point.size()) {
      best = absl::StrCat(Unescape(source[1]), " on ", point);
      best_point = std::move(point);
    }
  }
  return best;
}

std::string HumanBytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1000 && unit < 5) {
    value /= 1000;
    unit++;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

}  // namespace

std::string DescribeFileSystem(int fd) {
  std::string text = "file system";
  char path[PATH_MAX];
  ssize_t n = readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), path, sizeof path);
  if (n > 0) {
    std::string mount = MountOf(absl::string_view(path, static_cast<size_t>(n)));
    if (!mount.empty()) text = std::move(mount);
  }
  struct statvfs info;
  if (fstatvfs(fd, &info) == 0) {
    absl::StrAppend(&text, ": ", HumanBytes(uint64_t{info.f_bavail} * info.f_frsize), " of ",
                    HumanBytes(uint64_t{info.f_blocks} * info.f_frsize), " free");
  }
  return text;
}

uint64_t FreeBytes(int fd) {
  struct statvfs info;
  return fstatvfs(fd, &info) == 0 ? uint64_t{info.f_bavail} * info.f_frsize : 0;
}

absl::Status FileError(int error_number, absl::string_view doing, absl::string_view path, int fd) {
  std::string message = absl::StrCat(doing, " ", path, ": ", strerror(error_number));
  if (fd >= 0 && IsDiskFull(error_number)) absl::StrAppend(&message, " (", DescribeFileSystem(fd), ")");
  if (error_number == EIO) return absl::DataLossError(message);
  return absl::Status(absl::ErrnoToStatusCode(error_number), message);
}

absl::Status SyncNameOf(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  const size_t slash = path.rfind('/', last);
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FileError(errno, "open folder", folder);
  // Some file systems have nothing to sync in a folder and say so.
  if (fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) return FileError(errno, "sync folder", folder);
  return absl::OkStatus();
}

bool IsDiskFull(int error_number) { return error_number == ENOSPC || error_number == EDQUOT; }

}  // namespace torrent
