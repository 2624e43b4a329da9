// What is known to be on disk of one download, so that the next run can go on without hashing: a value, its bytes, and
// the checks that keep a damaged or foreign record from being believed. Immutable values; pure functions.
// storage/record_file keeps the bytes. Invariant: a decoded record fits its metainfo: counts, sizes and indices are
// within it.
#ifndef TORRENT_STORAGE_RESUME_RECORD_H_
#define TORRENT_STORAGE_RESUME_RECORD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/folder.h"
#include "torrent/metainfo.h"

namespace torrent {

// Blocks of one unfinished piece that are on disk.
struct UnfinishedPiece {
  uint32_t piece_index = 0;
  std::vector<bool> blocks;
  friend bool operator==(const UnfinishedPiece&, const UnfinishedPiece&) = default;
};

struct ResumeRecord {
  Infohash infohash;
  uint64_t total_length = 0;
  uint32_t piece_length = 0;
  // A run began and did not end well, as long as it says so: times of files say nothing then.
  bool running = false;
  std::string output_dir;                   // canonical
  uint64_t device = 0;                      // st_dev of that folder
  std::vector<bool> pieces;                 // synced; one a piece
  std::vector<UnfinishedPiece> unfinished;  // synced blocks; ascending, of pieces that are not in `pieces`
  std::vector<FileStat> files;              // one a file
  std::vector<bool> wanted;                 // one a file
  std::vector<bool> in_part_file;           // one a file
  FileStat part_file;
  uint64_t uploaded_bytes = 0;
  uint64_t downloaded_bytes = 0;
  // Whatever else a torrent wants back, such as "announce_not_before"; keys ascending, each once.
  std::vector<std::pair<std::string, int64_t>> extra;

  friend bool operator==(const ResumeRecord&, const ResumeRecord&) = default;
};

// A record of nothing for this torrent: all sizes set, no piece there.
ResumeRecord EmptyResumeRecord(const Metainfo& metainfo);

// A bencoded dictionary {"record": {...}, "sha1": 20 bytes over the raw bytes of "record"}.
std::string EncodeResumeRecord(const ResumeRecord& record);

// Bytes of EncodeResumeRecord, with zeros after them or nothing. InvalidArgument, naming what is wrong, for any others:
// a checksum that differs, another torrent's record, an unknown version, a size that does not fit `metainfo`.
absl::StatusOr<ResumeRecord> DecodeResumeRecord(absl::string_view bytes, const Metainfo& metainfo);

}  // namespace torrent

#endif  // TORRENT_STORAGE_RESUME_RECORD_H_
