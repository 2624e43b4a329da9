#include "torrent/bencode.h"

#include <gtest/gtest.h>
#include <time.h>

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent::bencode {
namespace {

using std::string_literals::operator""s;

// Of this thread alone, so that a busy machine changes nothing.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
#ifdef TORRENT_SANITIZED
constexpr double kSlower = 10;  // instrumented code
#else
constexpr double kSlower = 1;
#endif

// Decodes from a heap block of exactly that size, so that AddressSanitizer sees one byte too far (CVE-2017-9847).
absl::Status DecodeExact(const std::string& bytes, const DecodeOptions& options = {}) {
  std::unique_ptr<char[]> exact(new char[bytes.size()]);
  memcpy(exact.get(), bytes.data(), bytes.size());
  return Decode(absl::string_view(exact.get(), bytes.size()), options).status();
}

TEST(BencodeTest, AcceptsWhatIsWellFormed) {
  const std::vector<std::string> good = {
      "i12453e",
      "i0e",
      "i-3e",
      "i9223372036854775807e",
      "i-9223372036854775807e",
      "i-9223372036854775808e",
      "0:",
      "4:spam",
      "le",
      "de",
      "l4:spam4:eggse",
      "d3:cow3:moo4:spam4:eggse",
      "d1:ai12453e1:b3:aaa1:c3:bbb1:X10:0123456789e",
      "d3:a\0bi1ee"s,
      "lllleeee",
      "ld1:ai1eed1:bleee",
  };
  for (const std::string& bytes : good) {
    EXPECT_TRUE(DecodeExact(bytes).ok()) << bytes << ": " << DecodeExact(bytes);
    absl::StatusOr<Value> value = Decode(bytes);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(value->raw(), bytes);
  }
}

TEST(BencodeTest, RefusesWhatIsNotNamingTheByte) {
  const struct {
    std::string bytes;
    int offset;
  } bad[] = {
      {"", 0},
      {"e", 0},
      {"i", 1},
      {"i10", 3},
      {"i-", 2},
      {"ie", 1},
      {"i-e", 2},
      {"i35412-5633e", 6},
      {"i92337203t854775807e", 9},
      {"i184467440737095516154e", -1},
      {"i18446744073709551615e", -1},
      {"i9223372036854775808e", -1},
      {"i-9223372036854775809e", -1},
      {"-10:foobar", 0},
      {"18446744073709551615:foobar", -1},
      {"99999999:foobar", -1},
      {"100:..", -1},
      {"55", 2},
      {"928", 3},
      {"5:abcd", -1},
      {"l2:..", 5},
      {"l2:..0", 6},
      {"d1:ai1e1:be", 10},
      {"di5e1:ae", 1},
      {"dle1:ae", 1},
      {"d1000:..e", -1},
      {"d1000", 5},
      {"df00:", 1},
      {"d1:a1919191010:11111", -1},
      {"d2143289344:a4:aaaae", -1},
      {"d9205357638345293824:a4:aaaae", -1},
      {"2000000000:", -1},
      {"d10:xxxxxxxxxx4294967295:e", -1},
      {"d1:a", 4},
      {"d1:ae", 4},
      {"l", 1},
      {"d", 1},
      {"x", 0},
      {"i 1e", 1},
      {"i+1e", 1},
      {"4 :spam", 1},
      {"lee", 2},
      {"i1e\n", 3},
  };
  for (const auto& [bytes, offset] : bad) {
    absl::Status status = DecodeExact(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_EQ(status.message().substr(0, 14), "bencode, byte ") << bytes << ": " << status;
    if (offset >= 0) {
      EXPECT_EQ(status.message().substr(14).find(absl::StrCat(offset, ": ")), 0u) << bytes << ": " << status;
    }
  }
}

TEST(BencodeTest, RefusesEveryProperPrefix) {
  const std::string whole = "d1:ai-12e1:bl4:spamlei0ee1:cd1:xd1:y0:ee3:keye3:key3:vale";
  ASSERT_FALSE(DecodeExact(whole).ok()) << "one key too many inside: the table below would prove nothing";
  const std::string good = "d1:ai-12e1:bl4:spamlei0ee1:cd1:xd1:y0:eee";
  ASSERT_TRUE(DecodeExact(good).ok()) << DecodeExact(good);
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(DecodeExact(good.substr(0, size)).ok()) << size;
}

TEST(BencodeTest, ValuesAnswerWhatStoodThere) {
  const std::string bytes = "d4:listli-42e5:helloe4:name3:a\0b4:zerod1:k0:ee"s;
  absl::StatusOr<Value> root = Decode(bytes);
  ASSERT_TRUE(root.ok()) << root.status();
  ASSERT_EQ(root->type(), Value::Type::kDictionary);
  EXPECT_EQ(root->dictionary().size(), 3u);
  const Value* list = root->FindList("list");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->list().size(), 2u);
  EXPECT_EQ(list->list()[0].type(), Value::Type::kInteger);
  EXPECT_EQ(list->list()[0].integer(), -42);
  EXPECT_EQ(list->list()[1].type(), Value::Type::kString);
  EXPECT_EQ(list->list()[1].string(), "hello");
  EXPECT_EQ(list->raw(), "li-42e5:helloe");
  EXPECT_EQ(root->FindString("name")->string(), "a\0b"s);
  EXPECT_EQ(root->FindDictionary("zero")->FindString("k")->string(), "");
  std::vector<std::string> keys;
  for (const auto& [key, value] : root->dictionary()) keys.push_back(std::string(key));
  EXPECT_EQ(keys, (std::vector<std::string>{"list", "name", "zero"}));
  EXPECT_EQ(root->dictionary()[1].first, "name");
  EXPECT_EQ(root->dictionary()[1].second.string(), "a\0b"s);
}

TEST(BencodeTest, FindNeedsTheKeyAndTheType) {
  absl::StatusOr<Value> root = Decode("d1:ai1e1:b1:x1:clee");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->Find("z"), nullptr);
  EXPECT_EQ(root->FindString("a"), nullptr);
  EXPECT_EQ(root->FindInteger("b"), nullptr);
  EXPECT_EQ(root->FindDictionary("c"), nullptr);
  EXPECT_EQ(root->FindList("b"), nullptr);
  EXPECT_EQ(root->Find("a")->Find("a"), nullptr) << "an integer has no keys";
}

TEST(BencodeTest, TheFirstOfTwoEqualKeysIsFound) {
  absl::StatusOr<Value> root = Decode("d1:ai1e1:ai2ee");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->Find("a")->integer(), 1);
  EXPECT_EQ(root->dictionary().size(), 2u);
}

TEST(BencodeTest, ValuesBelowLiveAsLongAsTheRootWhereverItMoves) {
  absl::StatusOr<Value> decoded = Decode("d1:ali1ei2eee");
  ASSERT_TRUE(decoded.ok());
  const Value* list = decoded->FindList("a");
  Value moved = *std::move(decoded);
  Value assigned = *Decode("li7ee");
  assigned = std::move(moved);
  EXPECT_EQ(list->list()[1].integer(), 2);
  EXPECT_EQ(assigned.FindList("a"), list);
}

TEST(BencodeTest, WhatIsNotCanonicalIsRefusedOnlyWhenAskedFor) {
  DecodeOptions canonical;
  canonical.canonical = true;
  for (const char* bytes : {"i01e", "i-0e", "i-01e", "i00e", "06:foobar", "00:", "d2:bai1e2:aai2ee", "d2:aai1e2:aai2ee",
                            "d1:ald2:bbi1e2:bai2eeee"}) {
    EXPECT_TRUE(DecodeExact(bytes).ok()) << bytes;
    EXPECT_EQ(DecodeExact(bytes, canonical).code(), absl::StatusCode::kInvalidArgument) << bytes;
  }
  for (const char* bytes : {"i0e", "i10e", "i-10e", "0:", "10:0123456789", "d0:i0e1:ai0e2:aai0e1:bi0ee"}) {
    EXPECT_TRUE(DecodeExact(bytes, canonical).ok()) << bytes;
  }
}

TEST(BencodeTest, BytesAfterTheRootAreCountedWhenAllowed) {
  size_t trailing = 99;
  DecodeOptions options;
  options.trailing_bytes = &trailing;
  EXPECT_TRUE(DecodeExact("de\n", options).ok());
  EXPECT_EQ(trailing, 1u);
  EXPECT_TRUE(DecodeExact("de", options).ok());
  EXPECT_EQ(trailing, 0u);
  EXPECT_FALSE(DecodeExact("de\n").ok());
}

TEST(BencodeTest, NestingStopsAtTheBound) {
  EXPECT_TRUE(DecodeExact(std::string(100, 'l') + std::string(100, 'e')).ok());
  EXPECT_FALSE(DecodeExact(std::string(101, 'l') + std::string(101, 'e')).ok());
  EXPECT_FALSE(DecodeExact(std::string(1024, 'l') + std::string(1024, 'e')).ok());
}

// Hazard 16: ten megabytes of `l` must not overflow a stack or take time.
TEST(BencodeTest, TenMegabytesOfOpenListsAreRefusedAtOnce) {
  const std::string bytes(10'000'000, 'l');
  const double start = CpuSeconds();
  EXPECT_FALSE(Decode(bytes).ok());
  EXPECT_LT(CpuSeconds() - start, 0.2 * kSlower);
}

TEST(BencodeTest, ItemsStopAtTheBound) {
  std::string bytes = "l";
  for (int i = 0; i < 1500; ++i) bytes += "i0e";
  bytes += "e";
  DecodeOptions options;
  options.max_items = 1000;
  EXPECT_FALSE(DecodeExact(bytes, options).ok());
  options.max_items = 1501;
  EXPECT_TRUE(DecodeExact(bytes, options).ok());
  options.max_items = 1500;
  EXPECT_FALSE(DecodeExact(bytes, options).ok());
  options.max_items = 0;
  EXPECT_FALSE(DecodeExact("i0e", options).ok());
}

// The densest input there is: every two bytes a value.
TEST(BencodeTest, ManyValuesOfTwoBytesDecodeInOrder) {
  std::string bytes = "l";
  for (int i = 0; i < 1000; ++i) bytes += i % 3 == 0 ? "0:" : i % 3 == 1 ? "le" : "de";
  bytes += "e";
  absl::StatusOr<Value> root = Decode(bytes);
  ASSERT_TRUE(root.ok());
  ASSERT_EQ(root->list().size(), 1000u);
  EXPECT_TRUE(root->list()[999].is_string());
  EXPECT_TRUE(root->list()[998].is_dictionary());
  EXPECT_TRUE(root->list()[997].is_list());
}

// Hazard 14: a large torrent is a matter of a moment.
TEST(BencodeTest, TenMegabytesOfSmallValuesDecodeQuickly) {
  std::string bytes = "l";
  while (bytes.size() < 10'000'000) bytes += "d6:lengthi1234567e4:pathl3:dir8:file.txtee";
  bytes += "e";
  const double start = CpuSeconds();
  absl::StatusOr<Value> root = Decode(bytes);
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_LT(CpuSeconds() - start, 2.0 * kSlower);
  EXPECT_EQ(root->list()[100'000].FindList("path")->list()[1].string(), "file.txt");
}

TEST(BencodeTest, DecodeDefaultsAreTheProgramsLimits) {
  EXPECT_EQ(DecodeOptions().max_depth, kMaxBencodeDepth);
  EXPECT_EQ(DecodeOptions().max_items, kMaxBencodeItems);
}

TEST(BencodeTest, EncodesWhatTheCallsSay) {
  Encoder e;
  e.BeginDictionary().Key("a").Integer(-1).Key("b").BeginList().String("x\0y"s).Raw("i7e").End().End();
  EXPECT_EQ(e.str(), "d1:ai-1e1:bl3:x\0yi7eee"s);
  EXPECT_TRUE(Decode(e.str()).ok());
}

// rakshasa/libtorrent 43299d8e: the smallest integer was negated.
TEST(BencodeTest, TheSmallestAndLargestIntegersSurviveTheRoundTrip) {
  for (int64_t value : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{0}}) {
    Encoder e;
    e.Integer(value);
    absl::StatusOr<Value> decoded = Decode(e.str());
    ASSERT_TRUE(decoded.ok()) << e.str();
    EXPECT_EQ(decoded->integer(), value);
  }
}

}  // namespace
}  // namespace torrent::bencode
