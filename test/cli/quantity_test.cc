#include "cli/quantity.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

TEST(QuantityTest, ReadsSizesWithPowersOf1024) {
  const struct {
    const char* text;
    uint64_t bytes;
  } kCases[] = {
      {"0", 0},           {"1", 1},           {"4096", 4096},     {"4096B", 4096},
      {"64K", 65536},     {"64k", 65536},     {"64KiB", 65536},   {"4M", 4u << 20},
      {"1.5M", 1572864},  {"4mib", 4u << 20}, {"2G", 2ull << 30}, {"2GiB", 2ull << 30},
      {"1T", 1ull << 40}, {".5K", 512},       {"7.K", 7168},
  };
  for (const auto& c : kCases) {
    const auto size = ParseSize(c.text);
    ASSERT_TRUE(size.ok()) << c.text << ": " << size.status();
    EXPECT_EQ(*size, c.bytes) << c.text;
  }
}

TEST(QuantityTest, RefusesWhatIsNoSizeAndQuotesIt) {
  for (const char* text : {"", "M", "4MB", "4KB", "-1", "+1", "1e3", "0x10", "4 M", "4Mi", "4MiBx", "1.2.3", ".", "nan",
                           "inf", "9223372036854775808", "8388608T", "fast"}) {
    const auto size = ParseSize(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_EQ(size.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(size.status().message().find(std::string("\"") + text + "\""), absl::string_view::npos) << size.status();
  }
}

TEST(QuantityTest, ReadsDurations) {
  const struct {
    const char* text;
    int seconds;
  } kCases[] = {{"0", 0},      {"90", 90},      {"90s", 90},    {"15m", 900}, {"2h", 7200},
                {"1d", 86400}, {"1h30m", 5400}, {"1.5h", 5400}, {"0.2", 1}};
  for (const auto& c : kCases) {
    const auto duration = ParseDuration(c.text);
    ASSERT_TRUE(duration.ok()) << c.text << ": " << duration.status();
    EXPECT_EQ(duration->count(), c.seconds) << c.text;
  }
  for (const char* text : {"", "s", "5x", "-5", "1h-3m", "4000000000", "h1", "1 h"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(QuantityTest, WritesSizesWithoutFourDigits) {
  const struct {
    uint64_t bytes;
    const char* text;
  } kCases[] = {
      {0, "0 B"},
      {999, "999 B"},
      {1000, "1.0 KiB"},
      {1023, "1.0 KiB"},
      {1536, "1.5 KiB"},
      {3u << 20, "3.0 MiB"},
      {(100u << 10) - 52, "99.9 KiB"},
      {(100u << 10) - 1, "100 KiB"},
      {1023u << 10, "1.0 MiB"},
      {999ull << 30, "999 GiB"},
      {1ull << 62, "4.0 EiB"},
      {~0ull, "16.0 EiB"},
  };
  for (const auto& c : kCases) EXPECT_EQ(FormatSize(c.bytes), c.text) << c.bytes;
}

TEST(QuantityTest, WritesRatesThatAreNoNumbersAsZero) {
  EXPECT_EQ(FormatRate(1536), "1.5 KiB/s");
  EXPECT_EQ(FormatRate(-1), "0 B/s");
  EXPECT_EQ(FormatRate(0.0 / 0.0), "0 B/s");
  EXPECT_EQ(FormatRate(1.0 / 0.0), "0 B/s");
}

TEST(QuantityTest, WritesDurationsAsAClock) {
  EXPECT_EQ(FormatDuration(0), "0:00");
  EXPECT_EQ(FormatDuration(7), "0:07");
  EXPECT_EQ(FormatDuration(59.6), "1:00");
  EXPECT_EQ(FormatDuration(754), "12:34");
  EXPECT_EQ(FormatDuration(3723), "1:02:03");
  EXPECT_EQ(FormatDuration(3 * 86400 + 4 * 3600), "3d 04h");
  EXPECT_EQ(FormatDuration(1.44, true), "1.4 s");
  EXPECT_EQ(FormatDuration(9.96, true), "0:10");
  EXPECT_EQ(FormatDuration(-5), "0:00");
}

TEST(QuantityTest, SaysHundredPercentOnlyWhenNothingIsMissing) {
  EXPECT_EQ(FormatPercent(0, 100), "0.0%");
  EXPECT_EQ(FormatPercent(432, 1000), "43.2%");
  EXPECT_EQ(FormatPercent((1ull << 40) - 1, 1ull << 40), "99.9%");
  EXPECT_EQ(FormatPercent(5, 5), "100%");
  EXPECT_EQ(FormatPercent(0, 0), "100%");
}

}  // namespace
}  // namespace torrent
