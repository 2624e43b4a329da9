// Where one download's resume record lies on disk, and that it cannot be lost: the new one is written into a twin file
// whose space is reserved, forced onto the disk, and then changes places with the old one, which stays as the second
// copy. Thread: the sync thread, and its owner before that starts and after it ended; one at a time. Invariant: from
// the first Save on there is a whole record under the name at any moment, also after a power cut or on a full disk.
#ifndef TORRENT_STORAGE_RECORD_FILE_H_
#define TORRENT_STORAGE_RECORD_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "base/unique_fd.h"
#include "storage/resume_record.h"

namespace torrent {

// Keeps a second process away from a download, by flock on a file beside the record. Released when destroyed, and by
// the kernel when the process dies.
class StateLock {
 public:
  // FailedPrecondition, naming the process that holds it, when somebody has it (this process too).
  static absl::StatusOr<StateLock> Take(const std::string& path);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

struct LoadedRecord {
  absl::optional<ResumeRecord> record;  // none: there is none, or none that can be believed
  // Why a copy was passed over, for the user; empty when all was well (no record at all is well).
  std::string notice;
};

class RecordFile {
 public:
  // `path` lies in the state folder, which exists. Nothing is touched yet.
  explicit RecordFile(std::string path);

  // The newest copy that is whole and belongs to `metainfo`. Never fails: what cannot be believed is none.
  LoadedRecord Load(const Metainfo& metainfo) const;

  // Replaces the record. When it fails (ResourceExhausted: no room; others as the file system says, with the path) the
  // record that was there is there still.
  absl::Status Save(const ResumeRecord& record);

  // Both copies go; no error when there are none.
  absl::Status Remove();

  const std::string& path() const { return path_; }

 private:
  void ReserveTwin(size_t bytes) const;

  const std::string path_;
  const std::string twin_path_;
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_RECORD_FILE_H_
