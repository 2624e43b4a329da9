// The folder that remembers downloads: $XDG_STATE_HOME/torrent, else $HOME/.local/state/torrent, or what the user
// names. A download is a torrent in an output folder: the same torrent into two folders is two downloads. Immutable
// once open.
#ifndef TORRENT_STORAGE_STATE_DIR_H_
#define TORRENT_STORAGE_STATE_DIR_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torrent/sha1.h"

namespace torrent {

class StateDir {
 public:
  // `given`: a folder's path; empty: from the environment. Made with mode 0700 when missing.
  // FailedPrecondition when the environment names none; the file system's errors with the path.
  static absl::StatusOr<StateDir> Open(const std::string& given);

  const std::string& path() const { return path_; }

  // Files of one download; `output_dir` is the folder's canonical path. Names are the infohash, '-', 8 hex digits of
  // the SHA-1 of that path, and a suffix.
  std::string RecordPath(const Infohash& infohash, absl::string_view output_dir) const;
  std::string LockPath(const Infohash& infohash, absl::string_view output_dir) const;
  std::string PartFilePath(const Infohash& infohash, absl::string_view output_dir) const;
  // Of a torrent that came by a magnet link, wherever its files go: the infohash and ".torrent".
  std::string MetainfoPath(const Infohash& infohash) const;

  // The nodes of the DHT that were known last.
  std::string DhtPath() const { return path_ + "/dht.nodes"; }

 private:
  explicit StateDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_STATE_DIR_H_
