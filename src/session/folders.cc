#include "torrent/folders.h"

#include "base/status.h"
#include "storage/folder.h"
#include "storage/state_dir.h"

namespace torrent {

absl::StatusOr<std::string> MakeStateFolder(const std::string& state_dir) {
  ASSIGN_OR_RETURN(const StateDir made, StateDir::Open(state_dir));
  return made.path();
}

absl::Status MakeOutputFolder(const std::string& output_dir) {
  return Folder::Open(output_dir, /*create=*/true).status();
}

}  // namespace torrent
