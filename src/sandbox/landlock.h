// Landlock, by which a process gives up what it may open: a set of rules, each a folder or a file and what is allowed
// below it; all else is refused from then on, with EACCES. What is open already stays as it is. See landlock(7).
// Thread: the one that is shut in, before it starts others, which inherit it. Invariant: a rule only ever allows what
// the kernel's version of Landlock can refuse.
#ifndef TORRENT_SANDBOX_LANDLOCK_H_
#define TORRENT_SANDBOX_LANDLOCK_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace torrent {

class Landlock {
 public:
  enum class Access {
    kRead,   // files and the names in folders
    kWrite,  // that, and changing, making, renaming and removing regular files, and making folders
  };

  // With no rules yet. Unavailable when the kernel has no Landlock, or does not let us use it (a container may say so).
  static absl::StatusOr<Landlock> Create();

  // Allows `access` to `path`, a folder with all that lies below it, or a file; the end of a symbolic link counts. What
  // is not there, or cannot be opened, is left out: to open it later fails by itself. The kernel's errors.
  absl::Status Allow(const std::string& path, Access access);

  // From here on. The process can get no rights by executing (no_new_privs must be set: PermissionDenied otherwise).
  absl::Status Enforce();

  // Of the kernel's interface: 1 is Linux 5.13; what each brought stands in landlock.cc.
  int version() const { return version_; }

 private:
  Landlock(int version, uint64_t handled, UniqueFd rules)
      : version_(version), handled_(handled), rules_(std::move(rules)) {}

  int version_;
  uint64_t handled_;  // the rights that are refused where no rule allows them
  UniqueFd rules_;
};

}  // namespace torrent

#endif  // TORRENT_SANDBOX_LANDLOCK_H_
