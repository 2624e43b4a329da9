// Hashes what is on disk and says which pieces are right (BEP 3, "pieces"), on all cores, with read-ahead, in one read
// buffer a thread.
// Thread: blocks its caller, who also gets the progress calls; its own threads end before it returns.
#ifndef TORRENT_STORAGE_VERIFIER_H_
#define TORRENT_STORAGE_VERIFIER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/file_store.h"

namespace torrent {

enum class PieceCheck : uint8_t {
  kNotAsked,
  kGood,
  kBad,      // all bytes are there, and wrong (or cannot be read)
  kMissing,  // a file of it is missing or ends too early, or there are only holes
};

struct VerifyOptions {
  std::vector<bool> pieces;  // which; empty: all
  int threads = 0;           // 0: one a core
  // Called about ten times a second with bytes done and in all; false gives up (Cancelled).
  std::function<bool(uint64_t done, uint64_t total)> progress;
};

struct VerifyResult {
  std::vector<PieceCheck> pieces;
  // The first error that the disk or the permissions gave, if any; its pieces count as kBad.
  absl::Status read_error;

  bool good(uint32_t piece_index) const { return pieces[piece_index] == PieceCheck::kGood; }
};

// Cancelled when `progress` said so; otherwise always a result.
absl::StatusOr<VerifyResult> Verify(FileStore* store, const VerifyOptions& options);

// One piece on the calling thread, in chunks of `buffer`. Errors as FileStore::ReadAt; DataLoss when the hash differs.
absl::Status VerifyPiece(FileStore* store, uint32_t piece_index, absl::Span<uint8_t> buffer);

// What a verification of all pieces says about each file.
struct FileState {
  enum class State : uint8_t { kWhole, kMissing, kShort, kBad };
  State state = State::kWhole;
  uint32_t bad_pieces = 0;  // that hold bytes of it, out of `pieces`
  uint32_t pieces = 0;
  uint64_t size = 0;  // found
};
// One a file; pads and unwanted files that are not there are kWhole with no pieces.
std::vector<FileState> CheckFiles(const FileStore& store, const VerifyResult& result);

}  // namespace torrent

#endif  // TORRENT_STORAGE_VERIFIER_H_
