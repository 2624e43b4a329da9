#include "torrent/metainfo.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

TEST(MetainfoTest, LoadsTheSmallestTorrent) {
  absl::StatusOr<Metainfo> m = LoadMetainfo("test/data/libtorrent-test-torrents/base.torrent");
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->infohash.Hex(), "c0fda1edafdbdbb96443424e0b3899af7159d10e");
  EXPECT_EQ(m->name, "temp");
  EXPECT_EQ(m->total_length, 425u);
  EXPECT_EQ(m->piece_count, 1u);
}

}  // namespace
}  // namespace torrent
