#include "net/gunzip.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "test/net/gzip.h"

namespace torrent {
namespace {

constexpr size_t kMax = 1 << 20;

std::string Varied(size_t size) {
  std::string text;
  for (uint32_t x = 1; text.size() < size; x = x * 1664525 + 1013904223) text += static_cast<char>(x >> 24);
  return text;
}

TEST(GunzipTest, GivesBackWhatWasCompressed) {
  for (const std::string& text : {std::string(), std::string("d8:intervali1800ee"), Varied(100'000)}) {
    const absl::StatusOr<std::string> inflated = Gunzip(Gzip(text), kMax);
    ASSERT_TRUE(inflated.ok()) << inflated.status();
    EXPECT_EQ(*inflated, text);
  }
}

// CVE-2016-7164 (hazard 74): answers cut short were taken for whole.
TEST(GunzipTest, RefusesEveryPrefix) {
  const std::string whole = Gzip(Varied(300));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(absl::IsInvalidArgument(Gunzip(whole.substr(0, size), kMax).status())) << size;
  }
  const std::string large = Gzip(Varied(40'000));
  EXPECT_FALSE(Gunzip(large.substr(0, large.size() / 2), kMax).ok());
}

TEST(GunzipTest, RefusesDamageAndWhatFollows) {
  const std::string whole = Gzip(Varied(300));
  std::string checksum = whole;
  checksum[checksum.size() - 8] ^= 1;
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip(checksum, kMax).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip(whole + "x", kMax).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip("d8:intervali1800ee", kMax).status()));
}

// libtorrent's zeroes.gz: 538 bytes that become 512 000 (hazard 74).
TEST(GunzipTest, RefusesBombs) {
  const std::string bomb = Gzip(std::string(512'000, '\0'));
  ASSERT_LT(bomb.size(), 600u);
  const absl::Status status = Gunzip(bomb, kMax).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find(absl::StrCat(bomb.size(), " bytes inflate to more than")), absl::string_view::npos);
}

TEST(GunzipTest, KeepsTheBoundOnTheByte) {
  const std::string text = Varied(50'000);
  EXPECT_TRUE(Gunzip(Gzip(text), text.size()).ok());
  EXPECT_FALSE(Gunzip(Gzip(text), text.size() - 1).ok());
}

}  // namespace
}  // namespace torrent
