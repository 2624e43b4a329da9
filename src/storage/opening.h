// What is already there when a torrent starts: which pieces count at once, which must be hashed first, and which before
// they are served for the first time. Decided from the resume record and what the file system says about the files.
// Pure functions over values.
// Invariant: a piece counts only if a record that is true says so and nothing about its files speaks against it.
#ifndef TORRENT_STORAGE_OPENING_H_
#define TORRENT_STORAGE_OPENING_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "metainfo/piece_layout.h"
#include "storage/file_store.h"
#include "storage/resume_record.h"
#include "storage/verifier.h"
#include "torrent/metainfo.h"

namespace torrent {

// The files as they are now.
struct FilesNow {
  std::vector<FileStat> files;     // one a file
  std::vector<bool> wanted;        // one a file
  std::vector<bool> in_part_file;  // one a file
  FileStat part_file;
  uint64_t device = 0;
};
// Asks the file system. FailedPrecondition for a link, folder or device where a file should lie.
absl::StatusOr<FilesNow> LookAtFiles(const FileStore& store);

struct Opening {
  std::vector<bool> have;                 // count at once
  std::vector<bool> must_hash;            // before anything else; those that are good are in `have` afterwards
  std::vector<bool> hash_before_serving;  // of `have`: a run that ended badly wrote them
  std::vector<UnfinishedPiece> unfinished;
  // Files that existed before us, as far as anybody knows: without one good piece they are somebody else's.
  std::vector<uint32_t> unknown_files;

  bool needs_hashing() const;
};

// FailedPrecondition when the record's files are all gone and the folder is on another device than it was: its disk is
// not mounted. `replaced` are files of which it is known that they are not those that the record tells of. Touches
// nothing.
absl::StatusOr<Opening> DecideOpening(const Metainfo& metainfo, const PieceLayout& layout, const FilesNow& now,
                                      const ResumeRecord* record, const std::vector<uint32_t>& replaced = {});

// Takes the result of hashing `must_hash`: good pieces move to `have`. Answers the files that are somebody else's:
// wanted ones must not be overwritten unless the user says so, others belong into FileStore::UsePartFile.
std::vector<uint32_t> ApplyHashes(const PieceLayout& layout, const VerifyResult& result, Opening* opening);

// The whole start: looks, decides, hashes what must be hashed, and sees to files that are not ours. AlreadyExists,
// naming the file, for a wanted one that exists, is unknown and has no good piece, unless `overwrite`.
struct OpeningOptions {
  bool overwrite = false;
  std::vector<uint32_t> replaced;                               // as for DecideOpening
  std::function<bool(uint64_t done, uint64_t total)> progress;  // of the hashing, as VerifyOptions has it
};
// The whole start: fetches home what the part file has of files that are wanted now, looks, decides, hashes what must
// be hashed, and sees to files that are not ours. AlreadyExists, naming the file, for a wanted one that exists, is
// unknown and has no good piece, unless `overwrite`. PermissionDenied for one that may not be read. Cancelled by
// `progress`. Nothing is overwritten in any case. Blocks for as long as hashing takes.
absl::StatusOr<Opening> OpenDownload(FileStore* store, const ResumeRecord* record, const OpeningOptions& options);

}  // namespace torrent

#endif  // TORRENT_STORAGE_OPENING_H_
