#include "metainfo/piece_layout.h"

#include <algorithm>

namespace torrent {

PieceLayout::PieceLayout(const Metainfo& metainfo)
    : total_length_(metainfo.total_length), piece_length_(metainfo.piece_length), piece_count_(metainfo.piece_count) {
  file_offsets_.reserve(metainfo.files.size() + 1);
  for (const MetainfoFile& file : metainfo.files) file_offsets_.push_back(file.offset);
  file_offsets_.push_back(total_length_);
}

uint32_t PieceLayout::PieceBytes(uint32_t piece_index) const {
  return static_cast<uint32_t>(std::min<uint64_t>(piece_length_, total_length_ - PieceOffset(piece_index)));
}

uint32_t PieceLayout::BlockCount(uint32_t piece_index) const {
  return (PieceBytes(piece_index) + kBlockBytes - 1) / kBlockBytes;
}

uint32_t PieceLayout::BlockBytes(uint32_t piece_index, uint32_t block) const {
  return std::min(kBlockBytes, PieceBytes(piece_index) - block * kBlockBytes);
}

absl::InlinedVector<FileSpan, 2> PieceLayout::FileSpans(uint64_t offset, uint64_t length) const {
  absl::InlinedVector<FileSpan, 2> spans;
  // The last file that begins at or before `offset`: empty ones that begin at the same place lie before it.
  auto next = std::upper_bound(file_offsets_.begin(), file_offsets_.end(), offset);
  while (length > 0) {
    const uint64_t begin = *(next - 1);
    const uint64_t part = std::min(length, *next - offset);
    if (part > 0) spans.push_back({static_cast<uint32_t>(next - 1 - file_offsets_.begin()), offset - begin, part});
    offset += part;
    length -= part;
    ++next;
  }
  return spans;
}

std::pair<uint32_t, uint32_t> PieceLayout::PiecesOfFile(uint32_t file_index) const {
  const uint64_t begin = file_offsets_[file_index];
  const uint64_t end = file_offsets_[file_index + 1];
  const auto first = static_cast<uint32_t>(begin / piece_length_);
  if (begin == end) return {first, first};
  return {first, static_cast<uint32_t>((end - 1) / piece_length_ + 1)};
}

}  // namespace torrent
