#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/sha1.h"

namespace torrent {
namespace {

TEST(BytesTest, NumbersAreBigEndian) {
  std::string out;
  AppendBE16(&out, 0x1ae1);
  AppendBE32(&out, 0x01020304);
  EXPECT_EQ(out, std::string("\x1a\xe1\x01\x02\x03\x04", 6));
  EXPECT_EQ(LoadBE32(out.data() + 2), 0x01020304u);
}

TEST(Sha1Test, KnownDigestsInOnePartAndInMany) {
  EXPECT_EQ(Sha1::Of("").Hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(Sha1::Of("abc").Hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
  Sha1 sha1;
  sha1.Update(AsBytes("a"));
  sha1.Update(AsBytes("bc"));
  EXPECT_EQ(sha1.Finish(), Sha1::Of("abc"));
  EXPECT_EQ(sha1.Finish(), Sha1::Of("")) << "Finish begins anew";
}

TEST(Sha1Test, HexIsReadInEitherCaseAndNothingElse) {
  Sha1Hash hash = Sha1::Of("abc");
  EXPECT_EQ(Sha1Hash::FromHex("A9993E364706816ABA3E25717850C26C9CD0D89D"), hash);
  EXPECT_FALSE(Sha1Hash::FromHex("a9993e364706816aba3e25717850c26c9cd0d89"));
  EXPECT_FALSE(Sha1Hash::FromHex("g9993e364706816aba3e25717850c26c9cd0d89d"));
}

}  // namespace
}  // namespace torrent
