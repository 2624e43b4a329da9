#include "wire/bitfield.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/random.h"
#include "test/wire/hex.h"

namespace torrent::wire {
namespace {

constexpr size_t kSizes[] = {0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1000};

TEST(BitfieldTest, AgreesWithAPlainVectorOfBoolsWhateverIsDone) {
  Random random(1);
  for (size_t size : kSizes) {
    SCOPED_TRACE(size);
    Bitfield bitfield(size);
    std::vector<bool> model(size, false);
    for (int step = 0; step < 600; ++step) {
      const uint64_t what = random.Below(100);
      if (what == 0) {
        bitfield.SetAll();
        model.assign(size, true);
      } else if (what == 1) {
        bitfield.ClearAll();
        model.assign(size, false);
      } else if (size > 0) {
        const size_t bit = random.Below(size);
        // Runs of setting and of clearing, so that small sizes become all and none.
        const bool set = step / 100 % 2 == 0;
        EXPECT_EQ(set ? bitfield.Set(bit) : bitfield.Clear(bit), model[bit] != set) << "whether it changed";
        model[bit] = set;
      }
      const size_t count = static_cast<size_t>(std::count(model.begin(), model.end(), true));
      ASSERT_EQ(bitfield.Count(), count);
      ASSERT_EQ(bitfield.all(), count == size);
      ASSERT_EQ(bitfield.none(), count == 0);
      for (size_t i = 0; i < size; ++i) ASSERT_EQ(bitfield.Test(i), model[i]) << i;
      size_t bits_in_words = 0;
      for (size_t i = 0; i < bitfield.word_count(); ++i) {
        for (uint64_t word = bitfield.word(i); word != 0; word &= word - 1) ++bits_in_words;
      }
      ASSERT_EQ(bits_in_words, count) << "spare bits are zero";
      const size_t from = random.Below(size + 2);
      const auto find = [&](bool wanted) {
        for (size_t i = from; i < size; ++i) {
          if (model[i] == wanted) return i;
        }
        return size;
      };
      ASSERT_EQ(bitfield.FindSet(from), find(true)) << from;
      ASSERT_EQ(bitfield.FindClear(from), find(false)) << from;
    }
  }
}

TEST(BitfieldTest, ASeedsAndAnEmptyBitfieldOwnNoMemory) {
  Bitfield bitfield = Bitfield::AllSet(kMaxPieces);
  EXPECT_EQ(bitfield.allocated_bytes(), 0u);
  EXPECT_EQ(Bitfield(kMaxPieces).allocated_bytes(), 0u);
  bitfield.Clear(kMaxPieces - 1);
  EXPECT_GE(bitfield.allocated_bytes(), kMaxPieces / 8u);
  bitfield.Set(kMaxPieces - 1);
  EXPECT_EQ(bitfield.allocated_bytes(), 0u) << "given back with the last bit";
  absl::StatusOr<Bitfield> read = Bitfield::FromWire(AsBytes(std::string(kMaxPieces / 8, '\xff')), kMaxPieces);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->all());
  EXPECT_EQ(read->allocated_bytes(), 0u);
}

TEST(BitfieldTest, TheHighBitOfTheFirstByteIsPieceZero) {
  Bitfield bitfield(10);
  bitfield.Set(0);
  bitfield.Set(7);
  bitfield.Set(9);
  EXPECT_EQ(ToHex(bitfield.ToWire()), "8140");
  EXPECT_EQ(bitfield.word(0), 0x8140000000000000u);
  EXPECT_EQ(Bitfield::FirstBit(0, bitfield.word(0)), 0u);
  EXPECT_EQ(Bitfield::FirstBit(2, 1), 191u);
  EXPECT_EQ(ToHex(Bitfield::AllSet(10).ToWire()), "ffc0");
  EXPECT_EQ(ToHex(Bitfield(17).ToWire()), "000000");
}

TEST(BitfieldTest, IsReadBackFromItsBytesHoweverTheyAreCut) {
  Random random(2);
  for (size_t size : kSizes) {
    SCOPED_TRACE(size);
    Bitfield bitfield(size);
    for (size_t i = 0; i < size; ++i) {
      if (random.Below(2) == 0) bitfield.Set(i);
    }
    const std::string bytes = bitfield.ToWire();
    EXPECT_EQ(bytes.size(), (size + 7) / 8);
    absl::StatusOr<Bitfield> whole = Bitfield::FromWire(AsBytes(bytes), size);
    ASSERT_TRUE(whole.ok()) << whole.status();
    EXPECT_EQ(*whole, bitfield);
    for (int run = 0; run < 20; ++run) {
      BitfieldReader reader(size);
      for (size_t at = 0; at < bytes.size();) {
        EXPECT_EQ(reader.missing_bytes(), bytes.size() - at);
        const size_t part = std::min(bytes.size() - at, random.Below(20));
        reader.Add(AsBytes(bytes).subspan(at, part));
        at += part;
      }
      EXPECT_EQ(reader.missing_bytes(), 0u);
      absl::StatusOr<Bitfield> parts = reader.Finish();
      ASSERT_TRUE(parts.ok());
      EXPECT_EQ(*parts, bitfield);
    }
  }
}

// Hazard 39.
TEST(BitfieldTest, RefusesAWrongLengthAndSpareBits) {
  const struct {
    const char* hex;
    size_t size;
    const char* error;
  } bad[] = {
      {"", 1, "bitfield of 1 pieces: 0 bytes are not 1"},
      {"00", 0, "bitfield of 0 pieces: 1 bytes are not 0"},
      {"ff", 9, "bitfield of 9 pieces: 1 bytes are not 2"},
      {"ff8000", 9, "bitfield of 9 pieces: 3 bytes are not 2"},
      {"ffc0", 9, "bitfield of 9 pieces: spare bit 9 is set"},
      {"0001", 9, "bitfield of 9 pieces: spare bit 15 is set"},
      {"ffffffffffffffff 01", 65, "bitfield of 65 pieces: spare bit 71 is set"},
  };
  for (const auto& row : bad) {
    absl::StatusOr<Bitfield> bitfield = Bitfield::FromWire(AsBytes(FromHex(row.hex)), row.size);
    EXPECT_EQ(bitfield.status().code(), absl::StatusCode::kInvalidArgument) << row.hex;
    EXPECT_EQ(bitfield.status().message(), row.error);
  }
}

TEST(BitfieldTest, IsInterestingWhereItHasABitThatTheOtherLacks) {
  for (size_t size : {size_t{1}, size_t{64}, size_t{65}, size_t{200}}) {
    const Bitfield none(size), all = Bitfield::AllSet(size);
    EXPECT_FALSE(none.HasAnyBeyond(none));
    EXPECT_FALSE(none.HasAnyBeyond(all));
    EXPECT_FALSE(all.HasAnyBeyond(all));
    EXPECT_TRUE(all.HasAnyBeyond(none));
  }
  Bitfield a(200), b(200);
  a.Set(3);
  b.Set(3);
  b.Set(70);
  EXPECT_FALSE(a.HasAnyBeyond(b));
  EXPECT_TRUE(b.HasAnyBeyond(a));
  a.Set(199);
  EXPECT_TRUE(a.HasAnyBeyond(b)) << "as many bits, but others";
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace torrent::wire
