#include "base/clean_text.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

TEST(CleanTextTest, ReplacesWhatIsNotTextAndKeepsTheRest) {
  const struct {
    const char* why;
    absl::string_view in;
    const char* out;
  } cases[] = {
      {"plain", "Transmission 4.0.5", "Transmission 4.0.5"},
      {"two, three and four bytes", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"bad lead (Transmission#7667)", "a\xff\x62",
       "a\xef\xbf\xbd"
       "b"},
      {"cut short", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
      {"overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"above U+10FFFF", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"escape sequence", "\x1b[2J", "\xef\xbf\xbd[2J"},
      {"new line and NUL", absl::string_view("a\nb\0", 4),
       "a\xef\xbf\xbd"
       "b\xef\xbf\xbd"},
      {"C1 control",
       "\xc2\x9b"
       "31m",
       "\xef\xbf\xbd"
       "31m"},
      {"right-to-left override",
       "\xe2\x80\xae"
       "gpj.exe",
       "\xef\xbf\xbd"
       "gpj.exe"},
  };
  for (const auto& c : cases) EXPECT_EQ(CleanText(c.in, 100), c.out) << c.why;
}

TEST(CleanTextTest, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(CleanText("abcdef", 6), "abcdef");
  EXPECT_EQ(CleanText("abcdefg", 6), "abc...");
  EXPECT_EQ(CleanText("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 6), "\xc3\xa4...");
  EXPECT_EQ(CleanText("abc", 2), "ab");
}

}  // namespace
}  // namespace torrent
