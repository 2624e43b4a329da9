#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace torrent {
namespace {

TEST(Utf8Test, ReadsCharactersOfEveryLength) {
  const struct {
    std::string bytes;
    uint32_t code_point;
  } good[] = {{"a", 'a'},
              {"\x7f", 0x7f},
              {"\xc2\x80", 0x80},
              {"\xdf\xbf", 0x7ff},
              {"\xe0\xa0\x80", 0x800},
              {"\xed\x9f\xbf", 0xd7ff},
              {"\xee\x80\x80", 0xe000},
              {"\xf0\x90\x80\x80", 0x10000},
              {"\xf4\x8f\xbf\xbf", 0x10ffff}};
  for (const auto& [bytes, expected] : good) {
    uint32_t code_point = 0;
    EXPECT_EQ(FirstCharacter(bytes + "x", &code_point), bytes.size());
    EXPECT_EQ(code_point, expected);
    EXPECT_TRUE(IsUtf8(bytes));
  }
}

TEST(Utf8Test, RefusesWhatIsNotWellFormed) {
  for (const char* bytes :
       {"\x80", "\xbf", "\xc2", "\xc0\xae", "\xc1\xbf", "\xe0\x80\xae", "\xe0\x9f\xbf", "\xe2\x9f", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x80\x80\xae", "\xf0\x9f\x92", "\xf4\x90\x80\x80", "\xf8\x9f\x9f\x9f\x9f", "\xff"}) {
    uint32_t code_point = 0;
    EXPECT_EQ(FirstCharacter(bytes, &code_point), 0u) << bytes;
    EXPECT_FALSE(IsUtf8(std::string("a") + bytes)) << bytes;
  }
}

TEST(Utf8Test, APrefixEndsWithAWholeCharacter) {
  const std::string text = "a\xe2\x9f\xb9z";
  EXPECT_EQ(Utf8Prefix(text, 0), "");
  EXPECT_EQ(Utf8Prefix(text, 1), "a");
  EXPECT_EQ(Utf8Prefix(text, 2), "a");
  EXPECT_EQ(Utf8Prefix(text, 3), "a");
  EXPECT_EQ(Utf8Prefix(text, 4), "a\xe2\x9f\xb9");
  EXPECT_EQ(Utf8Prefix(text, 5), text);
  EXPECT_EQ(Utf8Prefix(text, 50), text);
}

}  // namespace
}  // namespace torrent
