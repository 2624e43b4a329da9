#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/open_at.h"
#include "base/status.h"
#include "sandbox/call_filter.h"
#include "sandbox/folder_keeper.h"
#include "sandbox/landlock.h"
#include "sandbox/system_places.h"

namespace torrent {
namespace {

// Answers the version of Landlock that is on.
absl::StatusOr<int> RestrictFiles(const SandboxPlaces& places) {
  ASSIGN_OR_RETURN(Landlock landlock, Landlock::Create());
  for (const std::string& path : SystemPlaces()) RETURN_IF_ERROR(landlock.Allow(path, Landlock::Access::kRead));
  for (const std::string& path : places.readable) RETURN_IF_ERROR(landlock.Allow(path, Landlock::Access::kRead));
  for (const std::string& path : places.writable) RETURN_IF_ERROR(landlock.Allow(path, Landlock::Access::kWrite));
  RETURN_IF_ERROR(landlock.Enforce());
  return landlock.version();
}

}  // namespace

Sandbox EnterSandbox(const SandboxPlaces& places) {
  Sandbox sandbox;
  // A rule is about what /proc/self is now, and the kernel makes it anew when it was not used for long.
  open("/proc/self", O_PATH | O_CLOEXEC);
  const bool unix_sockets = NamesNeedUnixSocketsHere();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    sandbox.text = absl::StrCat("none: ", strerror(errno));
    return sandbox;
  }
  std::unique_ptr<FolderKeeper> keeper;
  if (!places.kept.empty()) keeper = FolderKeeper::Start(places.kept);
  const absl::StatusOr<int> files = RestrictFiles(places);
  if (files.ok()) SetOpener(keeper.release());  // as long as the process
  const absl::Status calls = EnterCallFilter({.unix_sockets = unix_sockets});
  sandbox.files = files.ok();
  sandbox.calls = calls.ok();
  sandbox.text =
      absl::StrCat("files: ", files.ok() ? absl::StrCat("by Landlock ", *files) : std::string(files.status().message()),
                   "; system calls: ", calls.ok() ? "by seccomp" : std::string(calls.message()));
  return sandbox;
}

}  // namespace torrent
