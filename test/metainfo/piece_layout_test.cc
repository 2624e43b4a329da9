#include "metainfo/piece_layout.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace torrent {
namespace {

Metainfo MakeMetainfo(uint32_t piece_length, const std::vector<uint64_t>& lengths) {
  Metainfo metainfo;
  metainfo.piece_length = piece_length;
  for (uint64_t length : lengths) {
    MetainfoFile file;
    file.offset = metainfo.total_length;
    file.length = length;
    metainfo.total_length += length;
    metainfo.files.push_back(file);
  }
  metainfo.piece_count = static_cast<uint32_t>((metainfo.total_length + piece_length - 1) / piece_length);
  return metainfo;
}

// "file:offset+length ..." of a range.
std::string Draw(const PieceLayout& layout, uint64_t offset, uint64_t length) {
  std::string drawn;
  for (const FileSpan& span : layout.FileSpans(offset, length)) {
    if (!drawn.empty()) drawn += " ";
    drawn += std::to_string(span.file_index) + ":" + std::to_string(span.offset) + "+" + std::to_string(span.length);
  }
  return drawn;
}

TEST(PieceLayoutTest, TheLastPieceAndItsLastBlockAreTheRest) {
  const struct {
    uint64_t total;
    uint32_t pieces, last_piece, last_blocks, last_block;
  } cases[] = {
      {1, 1, 1, 1, 1},         {32767, 1, 32767, 2, 16383}, {32768, 1, 32768, 2, 16384},
      {32769, 2, 1, 1, 1},     {65536, 2, 32768, 2, 16384}, {49152, 2, 16384, 1, 16384},
      {49153, 2, 16385, 2, 1},
  };
  for (const auto& c : cases) {
    PieceLayout layout(MakeMetainfo(32768, {c.total}));
    ASSERT_EQ(layout.piece_count(), c.pieces) << c.total;
    const uint32_t last = c.pieces - 1;
    EXPECT_EQ(layout.PieceBytes(last), c.last_piece) << c.total;
    EXPECT_EQ(layout.BlockCount(last), c.last_blocks) << c.total;
    EXPECT_EQ(layout.BlockBytes(last, c.last_blocks - 1), c.last_block) << c.total;
    if (last > 0) {
      EXPECT_EQ(layout.PieceBytes(0), 32768u);
      EXPECT_EQ(layout.BlockCount(0), 2u);
    }
  }
}

TEST(PieceLayoutTest, AnEmptyTorrentHasNoPieces) {
  PieceLayout layout(MakeMetainfo(16384, {0, 0}));
  EXPECT_EQ(layout.piece_count(), 0u);
  EXPECT_EQ(Draw(layout, 0, 0), "");
  EXPECT_EQ(layout.PiecesOfFile(1), (std::pair<uint32_t, uint32_t>(0, 0)));
}

TEST(PieceLayoutTest, ARangeIsCoveredInOrderWithoutEmptyParts) {
  PieceLayout layout(MakeMetainfo(10, {0, 5, 0, 0, 7, 20, 0}));
  EXPECT_EQ(Draw(layout, 0, 10), "1:0+5 4:0+5");
  EXPECT_EQ(Draw(layout, 4, 1), "1:4+1");
  EXPECT_EQ(Draw(layout, 5, 1), "4:0+1");
  EXPECT_EQ(Draw(layout, 10, 10), "4:5+2 5:0+8");
  EXPECT_EQ(Draw(layout, 0, 32), "1:0+5 4:0+7 5:0+20");
  EXPECT_EQ(Draw(layout, 31, 1), "5:19+1");
}

TEST(PieceLayoutTest, PiecesOfAFileAreThoseThatHoldAByteOfIt) {
  PieceLayout layout(MakeMetainfo(10, {0, 5, 5, 1, 30, 0}));
  using Range = std::pair<uint32_t, uint32_t>;
  EXPECT_EQ(layout.PiecesOfFile(0), Range(0, 0));
  EXPECT_EQ(layout.PiecesOfFile(1), Range(0, 1));
  EXPECT_EQ(layout.PiecesOfFile(2), Range(0, 1));
  EXPECT_EQ(layout.PiecesOfFile(3), Range(1, 2));
  EXPECT_EQ(layout.PiecesOfFile(4), Range(1, 5));
  EXPECT_EQ(layout.PiecesOfFile(5).first, layout.PiecesOfFile(5).second);
}

TEST(PieceLayoutTest, OffsetsBeyondFourGibibytesStayExact) {
  const uint64_t big = uint64_t{6} << 30;
  PieceLayout layout(MakeMetainfo(512u << 20, {big, big, 1}));
  EXPECT_EQ(layout.piece_count(), 25u);
  EXPECT_EQ(layout.PieceOffset(24), 2 * big);
  EXPECT_EQ(layout.PieceBytes(24), 1u);
  EXPECT_EQ(layout.BlockCount(0), 32768u);
  EXPECT_EQ(Draw(layout, big - 1, 2), "0:6442450943+1 1:0+1");
}

TEST(PieceLayoutTest, RandomLayoutsCoverEveryByteOnce) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> lengths;
    for (uint64_t i = 0, n = 1 + random.Below(8); i < n; ++i) lengths.push_back(random.Below(3) * random.Below(40));
    Metainfo metainfo = MakeMetainfo(static_cast<uint32_t>(1 + random.Below(50)), lengths);
    PieceLayout layout(metainfo);
    std::vector<uint64_t> covered(lengths.size(), 0);
    uint64_t bytes = 0;
    for (uint32_t piece = 0; piece < layout.piece_count(); ++piece) {
      for (const FileSpan& span : layout.FileSpans(layout.PieceOffset(piece), layout.PieceBytes(piece))) {
        ASSERT_GT(span.length, 0u);
        ASSERT_EQ(span.offset, covered[span.file_index]) << "spans come in order";
        covered[span.file_index] += span.length;
        bytes += span.length;
        const auto [first, end] = layout.PiecesOfFile(span.file_index);
        ASSERT_TRUE(first <= piece && piece < end);
      }
    }
    EXPECT_EQ(covered, lengths);
    EXPECT_EQ(bytes, metainfo.total_length);
  }
}

}  // namespace
}  // namespace torrent
