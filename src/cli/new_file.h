// Writing a small file so that its name never stands for half of it.
#ifndef TORRENT_CLI_NEW_FILE_H_
#define TORRENT_CLI_NEW_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace torrent {

// Writes `bytes` to a new file beside `path`, syncs it and gives it that name. AlreadyExists, unless `replace`, when
// there is something of that name, also when it comes meanwhile; otherwise the file system's error with the path. After
// an error what was there is as it was, and nothing else is left behind.
absl::Status WriteNewFile(const std::string& path, absl::string_view bytes, bool replace);

}  // namespace torrent

#endif  // TORRENT_CLI_NEW_FILE_H_
