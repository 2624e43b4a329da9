// The folders that a session writes into, for a program that shuts itself in before it starts one: they must be there
// by then, and nothing else needs to be writable. A session makes them by itself too. Thread-safe.
#ifndef TORRENT_FOLDERS_H_
#define TORRENT_FOLDERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace torrent {

// Makes the folder of SessionOptions::state_dir when it is missing, and answers its path. FailedPrecondition when none
// is given and the environment names none; the file system's errors with the path.
absl::StatusOr<std::string> MakeStateFolder(const std::string& state_dir);

// Makes the folder of TorrentOptions::output_dir, and what is missing above it. The file system's errors with the path.
absl::Status MakeOutputFolder(const std::string& output_dir);

}  // namespace torrent

#endif  // TORRENT_FOLDERS_H_
