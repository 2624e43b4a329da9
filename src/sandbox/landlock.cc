#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

namespace torrent {
namespace {

// What the kernel's headers of Debian 12 do not have yet; the numbers are the kernel's (include/uapi/linux/landlock.h).
constexpr uint64_t kTruncate = uint64_t{1} << 14;
constexpr uint64_t kDeviceIoctl = uint64_t{1} << 15;
constexpr uint64_t kScopeAbstractSocket = uint64_t{1} << 0;
constexpr uint64_t kScopeSignal = uint64_t{1} << 1;
// Older kernels take it too: what they do not know of it is zero.
struct RulesetAttributes {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

constexpr uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                              LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kDeviceIoctl;
constexpr uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWriting = kReading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                              LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | kTruncate;

// Everything that this version can refuse.
uint64_t RightsOf(int version) {
  uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // 1: Linux 5.13
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;      // Linux 5.19: names from one folder into another
  if (version >= 3) rights |= kTruncate;                     // Linux 6.2
  if (version >= 5) rights |= kDeviceIoctl;                  // Linux 6.10
  return rights;
}

}  // namespace

absl::StatusOr<Landlock> Landlock::Create() {
  const long version = syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return absl::UnavailableError("the kernel has no Landlock");
  RulesetAttributes attributes = {};
  attributes.files = RightsOf(static_cast<int>(version));
  // Linux 6.12: no signal to, and no abstract Unix socket of, a process outside.
  if (version >= 6) attributes.scoped = kScopeAbstractSocket | kScopeSignal;
  UniqueFd rules(static_cast<int>(syscall(__NR_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules.valid()) return absl::ErrnoToStatus(errno, "Landlock");
  return Landlock(static_cast<int>(version), attributes.files, std::move(rules));
}

absl::Status Landlock::Allow(const std::string& path, Access access) {
  const UniqueFd place(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info;
  if (!place.valid() || fstat(place.get(), &info) != 0) return absl::OkStatus();
  uint64_t rights = handled_ & (access == Access::kRead ? kReading : kWriting);
  if (!S_ISDIR(info.st_mode)) rights &= kOfFiles;
  const struct landlock_path_beneath_attr rule = {rights, place.get()};
  if (syscall(__NR_landlock_add_rule, rules_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return absl::OkStatus();
  // A pipe, as `<(command)` of a shell gives: it lies in no folder, and Landlock does not look at it.
  return errno == EBADFD ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
}

absl::Status Landlock::Enforce() {
  if (syscall(__NR_landlock_restrict_self, rules_.get(), 0) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "Landlock");
}

}  // namespace torrent
