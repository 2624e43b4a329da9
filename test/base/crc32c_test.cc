#include "base/crc32c.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace torrent {
namespace {

TEST(Crc32cTest, HasTheCheckValueOfCastagnoli) {
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283u);
  EXPECT_EQ(Crc32c({}), 0u);
}

}  // namespace
}  // namespace torrent
