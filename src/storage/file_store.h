// One torrent's bytes on disk, addressed by their offset in the torrent (BEP 3): which file a byte lies in, that pad
// files (BEP 47) are zeros that nobody stores, and that the bytes of files that the user does not want, which share a
// piece with wanted ones, go to one part file instead. Thread-safe: workers read and lease, the piece writer writes,
// the sync thread syncs. Invariant: a file appears when its first byte is written, and is never cut, whatever length it
// has.
#ifndef TORRENT_STORAGE_FILE_STORE_H_
#define TORRENT_STORAGE_FILE_STORE_H_

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "metainfo/piece_layout.h"
#include "storage/file_pool.h"
#include "storage/folder.h"
#include "torrent/metainfo.h"

namespace torrent {

class IovecCursor;

// A range of the torrent that lies in one place: a descriptor for sendfile, or zeros of a pad file (no descriptor).
struct FileRange {
  FileLease file;       // null: `length` bytes of zeros
  uint64_t offset = 0;  // in that file
  uint64_t length = 0;
};

class FileStore {
 public:
  struct Options {
    std::string output_dir;  // files lie below it
    bool create_output_dir =
        true;                  // else NotFound when it is missing: a disk that is not mounted must not be filled up
    std::vector<bool> wanted;  // one a file; empty: all
    std::string part_file;     // path of the part file, made when first needed
    FilePool* pool = nullptr;  // outlives the store
  };

  // Looks at what is there and creates nothing but the folder. A file that is not wanted and exists is used where it
  // lies; one that does not exist lives in the part file. Errors name the path.
  static absl::StatusOr<std::unique_ptr<FileStore>> Open(std::shared_ptr<const Metainfo> metainfo, Options options);
  ~FileStore();

  // Fills `out` from [offset, offset + size) of the torrent. NotFound: a file of it is missing; DataLoss: a file ends
  // before; both name the path, as do the file system's own errors, and leave `out` undefined. Blocks on the disk.
  absl::Status ReadAt(uint64_t offset, absl::Span<uint8_t> out);

  // Writes the pieces of memory one after another from `offset` on: to files, pad bytes nowhere, unwanted files' bytes
  // to the part file. Files and folders are made when missing. On an error an unknown part is written; doing it again
  // is harmless. ResourceExhausted: no room, naming the path and the file system; others name the path. Blocks on the
  // disk.
  absl::Status WriteRun(uint64_t offset, absl::Span<const iovec> bytes);

  // The longest part of [offset, offset + length) from `offset` on that lies in one place. The file may be shorter than
  // the range says: a short sendfile means that it was cut. NotFound when the file is missing.
  absl::StatusOr<FileRange> Lease(uint64_t offset, uint64_t length);

  // Asks the kernel to read ahead. Never fails: it is a hint.
  void Prefetch(uint64_t offset, uint64_t length);
  struct Presence {
    bool complete = true;  // every byte exists (a pad's always do)
    bool data = false;     // and not all of them are holes
  };
  // What the file system knows about a range without reading it. A file that cannot be opened counts as there, so that
  // reading says why.
  Presence Probe(uint64_t offset, uint64_t length);

  // Wanted files without a byte, which no write would make.
  absl::Status CreateEmptyFiles();
  // Reserves the wanted files' space, never by writing zeros; file systems that cannot reserve are left sparse.
  // ResourceExhausted as WriteRun.
  absl::Status Allocate();

  // Starts writing dirty pages out, so that a later SyncDirty has less to wait for. A hint.
  void StartWriteback();
  // Forces onto the disk what was written before this call: data, sizes, names. What is lost stays lost, and each later
  // call answers the same (`loss`): what the kernel could not write it has forgotten. DataLoss: a file that was written
  // was removed, replaced or cut; FailedPrecondition: something else is in its place, or the folder is not in its own.
  // Other errors may pass. Blocks on the disk, possibly for long.
  // On success `*synced`, unless null, gets the numbers of the files: those of the torrent, and the part file's.
  absl::Status SyncDirty(std::vector<uint32_t>* synced = nullptr);
  // The first loss that SyncDirty or WriteRun met. From then on nothing of this store may enter the resume record.
  absl::Status loss() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Files that are other ones now than those that were written.
  std::vector<uint32_t> replaced_files() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The file may have bytes that are not on the disk yet, of an earlier run: the next SyncDirty includes it.
  void NoteUnsynced(uint32_t file_index);

  // From its name. Absent (also) for what is in the part file; pads and links of the torrent are absent too.
  absl::StatusOr<FileStat> Stat(uint32_t file_index) const;
  absl::StatusOr<FileStat> StatPartFile() const;

  // A file that is not wanted and turns out to be somebody else's: it is left alone, its bytes go to the part file.
  // Before the first write only.
  void UsePartFile(uint32_t file_index);
  // For files that were in the part file in an earlier run (`was_in_part_file`, one a file) and are wanted now: copies
  // what the part file has of them into their own files, unless those exist. Errors as WriteRun.
  absl::Status BringHome(const std::vector<bool>& was_in_part_file);

  // The part file's number among the files: one past the last.
  uint32_t part_number() const { return static_cast<uint32_t>(metainfo_->files.size()); }
  bool wanted(uint32_t file_index) const { return wanted_[file_index]; }
  bool in_part_file(uint32_t file_index) const { return in_part_file_[file_index]; }
  // For messages.
  std::string PathOf(uint32_t file_index) const { return folder_->PathOf(metainfo_->files[file_index].path); }
  // "/dev/sda1 on /data: 0 B of 500.1 GB free"
  std::string DescribeFileSystem() const;
  uint64_t free_bytes() const;
  const Folder& folder() const { return *folder_; }
  uint64_t device() const { return folder_->device(); }
  const Metainfo& metainfo() const { return *metainfo_; }
  const PieceLayout& layout() const { return layout_; }

 private:
  enum class Place : uint8_t { kPad, kFile, kPartFile };
  // Where a span of a file really lies.
  struct Home {
    Folder* folder = nullptr;
    uint32_t number = 0;  // of the file; the part file's is one past the last
    absl::string_view path;
    uint64_t offset = 0;
    bool executable = false;
  };

  FileStore(std::shared_ptr<const Metainfo> metainfo, Options options, std::unique_ptr<Folder> folder);
  Place PlaceOf(uint32_t file_index) const;
  absl::StatusOr<Home> HomeOfFile(uint32_t number, bool create);
  // Not for pads.
  absl::StatusOr<Home> HomeOf(const FileSpan& span, bool create);
  absl::StatusOr<FileLease> Lend(const Home& home, Folder::Access access);
  absl::StatusOr<Folder*> PartFolder(bool create) const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status WriteTo(const Home& home, uint64_t length, IovecCursor* bytes);
  // `written_end`: how far it was written, if it was.
  void MarkDirty(uint32_t number, uint64_t written_end = 0) ABSL_LOCKS_EXCLUDED(mutex_);
  // DataLoss when it is shorter than what was written to it: a write beyond its end would hide that.
  absl::Status CheckNotCut(const Home& home, int fd) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Lost(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mutex_);
  // sync_file_range of all of it, with its flags. Errors are those of writing; what else is wrong (the file is gone,
  // the file system knows no ranges) the sync itself says better.
  absl::Status WriteOut(uint32_t number, unsigned flags);
  // `*all_synced`: nothing more is to be forced out in the download folder.
  absl::Status WriteOutAll(const std::vector<uint32_t>& numbers, bool* all_synced);
  // `*lost`: what was written to it is not there and cannot be synced any more.
  absl::Status SyncFile(uint32_t number, bool already_synced, bool* lost);
  absl::Status CopyFromPartFile(uint32_t file_index, int part_fd);

  const std::shared_ptr<const Metainfo> metainfo_;
  const PieceLayout layout_;
  const std::unique_ptr<Folder> folder_;
  FilePool* const pool_;
  const std::vector<bool> wanted_;
  std::vector<bool> in_part_file_;  // constant after the first write
  const std::string part_dir_;
  const std::string part_name_;

  mutable Mutex mutex_;
  mutable std::unique_ptr<Folder> part_folder_ ABSL_GUARDED_BY(mutex_);  // set once
  std::vector<uint32_t> dirty_ ABSL_GUARDED_BY(mutex_);                  // numbers, each once
  std::vector<bool> is_dirty_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> written_ends_ ABSL_GUARDED_BY(mutex_);  // one a number
  absl::Status loss_ ABSL_GUARDED_BY(mutex_);                   // the first; sticks
  std::vector<uint32_t> replaced_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_FILE_STORE_H_
