// Where every byte of a torrent lies: pieces, their blocks, and the parts of files that a range covers (BEP 3,
// "pieces"; BEP 47, pad files). All arithmetic between these three views is here and nowhere else.
// Immutable; shared by all threads of a torrent.
// Invariant: file spans answered for a range cover it exactly, in order, without empty ones.
#ifndef TORRENT_METAINFO_PIECE_LAYOUT_H_
#define TORRENT_METAINFO_PIECE_LAYOUT_H_

#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/limits.h"
#include "torrent/metainfo.h"

namespace torrent {

// A part of one file: [offset, offset + length) of file `file_index`.
struct FileSpan {
  uint32_t file_index;
  uint64_t offset;
  uint64_t length;
};

class PieceLayout {
 public:
  explicit PieceLayout(const Metainfo& metainfo);

  uint32_t piece_count() const { return piece_count_; }
  uint64_t total_length() const { return total_length_; }
  // Bytes of piece `piece_index`; the last is shorter unless the total divides evenly.
  uint32_t PieceBytes(uint32_t piece_index) const;
  // Offset of the piece's first byte in the torrent.
  uint64_t PieceOffset(uint32_t piece_index) const { return uint64_t{piece_index} * piece_length_; }
  // Blocks of 16 KiB of a piece; its last may be shorter.
  uint32_t BlockCount(uint32_t piece_index) const;
  uint32_t BlockBytes(uint32_t piece_index, uint32_t block) const;

  // The file parts that cover [offset, offset + length) of the torrent, pad files among them. O(log files + answer).
  absl::InlinedVector<FileSpan, 2> FileSpans(uint64_t offset, uint64_t length) const;
  // The half-open range of pieces that hold a byte of the file; empty for an empty file.
  std::pair<uint32_t, uint32_t> PiecesOfFile(uint32_t file_index) const;

 private:
  uint64_t total_length_;
  uint32_t piece_length_;
  uint32_t piece_count_;
  std::vector<uint64_t> file_offsets_;  // ascending; one more than there are files: the total
};

}  // namespace torrent

#endif  // TORRENT_METAINFO_PIECE_LAYOUT_H_
