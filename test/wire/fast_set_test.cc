#include "wire/fast_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace torrent::wire {
namespace {

Infohash Aa() { return *Infohash::FromHex(std::string(40, 'a')); }

// The BEP's example.
TEST(AllowedFastSetTest, IsThatOfTheBep) {
  EXPECT_EQ(AllowedFastSet({80, 4, 4, 200}, Aa(), 1313, 7),
            (std::vector<uint32_t>{1059, 431, 808, 1217, 287, 376, 1188}));
  EXPECT_EQ(AllowedFastSet({80, 4, 4, 200}, Aa(), 1313, 9),
            (std::vector<uint32_t>{1059, 431, 808, 1217, 287, 376, 1188, 353, 508}));
}

TEST(AllowedFastSetTest, IsTheSameForANeighbourAndAnotherForOthers) {
  const auto set = AllowedFastSet({80, 4, 4, 200}, Aa(), 1313, 9);
  EXPECT_EQ(AllowedFastSet({80, 4, 4, 1}, Aa(), 1313, 9), set);
  EXPECT_NE(AllowedFastSet({80, 4, 5, 200}, Aa(), 1313, 9), set);
  EXPECT_NE(AllowedFastSet({80, 4, 4, 200}, *Infohash::FromHex(std::string(40, 'b')), 1313, 9), set);
}

TEST(AllowedFastSetTest, EndsWhereTheTorrentHasFewerPieces) {
  EXPECT_TRUE(AllowedFastSet({80, 4, 4, 200}, Aa(), 0, 10).empty());
  EXPECT_TRUE(AllowedFastSet({80, 4, 4, 200}, Aa(), 10, 0).empty());
  for (uint32_t piece_count : {1u, 2u, 9u, 10u, 11u, 200u}) {
    const auto pieces = AllowedFastSet({80, 4, 4, 200}, Aa(), piece_count, 100);
    EXPECT_EQ(pieces.size(), std::min(piece_count, 100u));
    EXPECT_EQ(std::set<uint32_t>(pieces.begin(), pieces.end()).size(), pieces.size()) << "all different";
    for (uint32_t piece_index : pieces) EXPECT_LT(piece_index, piece_count);
  }
}

}  // namespace
}  // namespace torrent::wire
