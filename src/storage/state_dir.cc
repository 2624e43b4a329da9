#include "storage/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/sha1.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "storage/file_system.h"
#include "storage/folder.h"

namespace torrent {

namespace {

// The XDG base directory rules: a value that is not absolute is to be ignored.
std::string Absolute(const char* variable) {
  const char* value = getenv(variable);
  return value != nullptr && value[0] == '/' ? value : "";
}

std::string FromEnvironment() {
  std::string state = Absolute("XDG_STATE_HOME");
  if (!state.empty()) return absl::StrCat(state, "/torrent");
  std::string home = Absolute("HOME");
  return home.empty() ? "" : absl::StrCat(home, "/.local/state/torrent");
}

std::string NameOf(const Infohash& infohash, absl::string_view output_dir) {
  return absl::StrCat(infohash.Hex(), "-", Sha1::Of(output_dir).Hex().substr(0, 8));
}

}  // namespace

absl::StatusOr<StateDir> StateDir::Open(const std::string& given) {
  std::string path = given.empty() ? FromEnvironment() : given;
  if (path.empty()) {
    return absl::FailedPreconditionError("no place for the state: neither XDG_STATE_HOME nor HOME is set; use --state");
  }
  const bool missing = access(path.c_str(), F_OK) != 0 && errno == ENOENT;
  if (missing) {
    size_t slash = path.find_last_not_of('/');
    path.resize(slash == std::string::npos ? 1 : slash + 1);
    size_t last = path.rfind('/');
    if (last != std::string::npos && last > 0) {
      RETURN_IF_ERROR(Folder::Open(path.substr(0, last), /*create=*/true).status());
    }
    // What one downloads is nobody else's business.
    if (mkdir(path.c_str(), 0700) == 0) {
      RETURN_IF_ERROR(SyncNameOf(path));  // or a power cut takes all records with it, however well they were synced
    } else if (errno != EEXIST) {
      return FileError(errno, "make folder", path);
    }
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder, Folder::Open(path, /*create=*/false));
  return StateDir(folder->canonical_path());
}

std::string StateDir::RecordPath(const Infohash& infohash, absl::string_view output_dir) const {
  return absl::StrCat(path_, "/", NameOf(infohash, output_dir), ".resume");
}

std::string StateDir::LockPath(const Infohash& infohash, absl::string_view output_dir) const {
  return absl::StrCat(path_, "/", NameOf(infohash, output_dir), ".lock");
}

std::string StateDir::PartFilePath(const Infohash& infohash, absl::string_view output_dir) const {
  return absl::StrCat(path_, "/", NameOf(infohash, output_dir), ".part");
}

std::string StateDir::MetainfoPath(const Infohash& infohash) const {
  return absl::StrCat(path_, "/", infohash.Hex(), ".torrent");
}

}  // namespace torrent
