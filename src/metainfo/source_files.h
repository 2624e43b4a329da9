// The files that a new torrent is made of, as they lie on this disk: a walk over a folder, in the order that the
// torrent gets. Blocks on the file system; touches no content.
#ifndef TORRENT_METAINFO_SOURCE_FILES_H_
#define TORRENT_METAINFO_SOURCE_FILES_H_

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace torrent {

struct SourceFile {
  std::string path;     // relative to the payload folder, elements joined by '/'; empty for a lone file
  uint64_t length = 0;  // when the walk came by
  timespec modified{};  // likewise
};

struct SourceTree {
  std::string root;  // path of the file or folder
  std::string name;  // its last element: the torrent's name
  bool folder = false;
  std::vector<SourceFile> files;  // in the order of their paths' bytes
  uint64_t total_length = 0;
  std::vector<std::string> notices;  // one line each on a file that downloads give another name

  // Where file `index` lies on this disk.
  std::string PathOf(size_t index) const { return folder ? root + "/" + files[index].path : root; }
};

// Lists `path`. Links are followed, hidden files are files; folders without files leave no trace, since BEP 3 has no
// place for them. An error names the path: it cannot be read, is neither file nor folder, a link leads back to a
// folder above it, its name would not survive a download (not UTF-8, control characters, too long), or there is no file
// at all.
absl::StatusOr<SourceTree> ListSource(const std::string& path);

// FailedPrecondition naming the file when `file`, at `path`, is no longer as long or as old as `status` says.
absl::Status CheckUnchanged(const SourceFile& file, const std::string& path, const struct stat& status);

}  // namespace torrent

#endif  // TORRENT_METAINFO_SOURCE_FILES_H_
