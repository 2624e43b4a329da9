#include "swarm/early_messages.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/random.h"
#include "swarm/our_handshakes.h"
#include "test/support/peer_connection.h"
#include "wire/bitfield.h"

namespace torrent {
namespace {

std::string BitfieldOf(size_t pieces) {
  wire::Bitfield bitfield(pieces);
  for (size_t i = 0; i < pieces; i += 3) bitfield.Set(i);
  std::string bytes;
  wire::EncodeBitfield(bitfield, &bytes);
  return bytes;
}

class EarlyMessagesTest : public testing::Test {
 protected:
  absl::Status Feed(EarlyMessages* early, absl::string_view bytes) {
    return early->Feed(AsBytes(bytes), [this](uint8_t id, absl::string_view payload) {
      heard_.push_back(absl::StrCat(id, ":", payload.substr(0, 20)));
      return absl::OkStatus();
    });
  }

  std::atomic<int64_t> room_{kMaxEarlyBytes};
  std::vector<std::string> heard_;
};

TEST_F(EarlyMessagesTest, KeepsWhatCountsLaterAndHearsExtendedMessages) {
  const std::string handshake = test::Bytes(wire::EncodeExtended, uint8_t{0}, "d1:mdee");
  const std::string metadata = test::Bytes(wire::EncodeExtended, kOurMetadataId, "metadata");
  const std::string pex = test::Bytes(wire::EncodeExtended, uint8_t{9}, "d5:added0:e");
  const std::string block = test::Bytes(wire::EncodePieceHeader, 1u, 0u, 100u) + std::string(100, 'x');
  const std::string unknown = std::string("\0\0\0\x05\x63", 5) + "abcd";
  const std::string kept = BitfieldOf(1000) + handshake + test::Bytes(wire::EncodeUnchoke) +
                           test::Bytes(wire::EncodeHave, 7u) + pex + test::Bytes(wire::EncodePort, uint16_t{5}) +
                           test::Bytes(wire::EncodeAllowedFast, 3u);
  const std::string said = BitfieldOf(1000) + test::Bytes(wire::EncodeKeepAlive) + handshake + metadata +
                           test::Bytes(wire::EncodeUnchoke) + block + test::Bytes(wire::EncodeHave, 7u) + unknown +
                           pex + metadata + test::Bytes(wire::EncodePort, uint16_t{5}) +
                           test::Bytes(wire::EncodeAllowedFast, 3u);
  Random random(3);
  for (size_t most : {size_t{1}, size_t{3}, size_t{17}, size_t{100}, said.size()}) {
    heard_.clear();
    EarlyMessages early(&room_, /*fast=*/true);
    for (size_t begin = 0; begin < said.size();) {
      const size_t n = 1 + random.Below(most);
      ASSERT_TRUE(Feed(&early, absl::string_view(said).substr(begin, n)).ok());
      begin += n;
    }
    EXPECT_TRUE(early.complete());
    EXPECT_EQ(early.Take(), kept) << most;
    EXPECT_EQ(heard_, (std::vector<std::string>{"0:d1:mdee", "2:metadata", "9:d5:added0:e", "2:metadata"}));
  }
  EXPECT_EQ(room_, kMaxEarlyBytes) << "given back";
}

// Wherever it is cut: what was taken and what follows are all that was said but the metadata.
TEST_F(EarlyMessagesTest, WhatFollowsGoesOnWhereItEnded) {
  const std::string metadata = test::Bytes(wire::EncodeExtended, kOurMetadataId, "meta");
  const std::string said =
      test::Bytes(wire::EncodeHaveNone) + metadata + BitfieldOf(100) + test::Bytes(wire::EncodeHave, 7u) + metadata;
  for (size_t cut = 0; cut <= said.size(); cut++) {
    EarlyMessages early(&room_, /*fast=*/true);
    ASSERT_TRUE(Feed(&early, absl::string_view(said).substr(0, cut)).ok());
    ASSERT_TRUE(early.complete());
    std::string all = early.Take() + said.substr(cut);
    // Whole messages again, in the same order.
    for (const std::string& part :
         {test::Bytes(wire::EncodeHaveNone), BitfieldOf(100), test::Bytes(wire::EncodeHave, 7u)}) {
      while (all.compare(0, metadata.size(), metadata) == 0) all.erase(0, metadata.size());
      ASSERT_EQ(all.substr(0, part.size()), part) << cut;
      all.erase(0, part.size());
    }
    EXPECT_TRUE(all.empty() || all == metadata) << cut;
  }
}

TEST_F(EarlyMessagesTest, InTheMiddleOfWhatIsLeftOutNothingCanGoOn) {
  EarlyMessages early(&room_, /*fast=*/false);
  ASSERT_TRUE(Feed(&early, test::Bytes(wire::EncodePieceHeader, 1u, 0u, 100u) + std::string(99, 'x')).ok());
  EXPECT_FALSE(early.complete());
  ASSERT_TRUE(Feed(&early, "x").ok());
  EXPECT_TRUE(early.complete());
}

TEST_F(EarlyMessagesTest, OnePeerHasABoundAndAllTogetherHaveOne) {
  const std::string large = BitfieldOf(kMaxPieces);
  {
    EarlyMessages early(&room_, /*fast=*/false);
    ASSERT_TRUE(Feed(&early, large).ok());
    EXPECT_TRUE(early.complete());
    ASSERT_TRUE(Feed(&early, large).ok());
    EXPECT_FALSE(early.complete()) << "two are more than one peer's share";
    EXPECT_EQ(room_, kMaxEarlyBytes);
    heard_.clear();
    ASSERT_TRUE(Feed(&early, test::Bytes(wire::EncodeExtended, kOurMetadataId, "meta") + large).ok());
    EXPECT_EQ(heard_.size(), 1u) << "it is heard still";
  }
  {
    EarlyMessages early(&room_, /*fast=*/false);
    const std::string have = test::Bytes(wire::EncodeHave, 7u);
    for (int i = 0; i < 1'000'000 && early.complete(); i++) ASSERT_TRUE(Feed(&early, have).ok());
    EXPECT_FALSE(early.complete());
  }
  std::vector<std::unique_ptr<EarlyMessages>> peers;
  int complete = 0;
  for (int i = 0; i < 40; i++) {
    peers.push_back(std::make_unique<EarlyMessages>(&room_, /*fast=*/false));
    ASSERT_TRUE(Feed(peers.back().get(), large).ok());
    complete += peers.back()->complete();
  }
  EXPECT_EQ(complete, kMaxEarlyBytes / static_cast<int64_t>(large.size()));
  EXPECT_GE(room_, 0);
  peers.clear();
  EXPECT_EQ(room_, kMaxEarlyBytes);
}

// Hazard 36: what has an index, before it is known how many pieces there are.
TEST_F(EarlyMessagesTest, RefusesWhatNoPeerMaySend) {
  const std::string rows[] = {
      test::Bytes(wire::EncodeHave, kMaxPieces),
      test::Bytes(wire::EncodeHave, 4294967295u),
      BitfieldOf(kMaxPieces + 8),
      std::string("\xff\xff\xff\xff\x05", 5),
      std::string("\0\0\0\x02\x01\x01", 6),
      test::Bytes(wire::EncodeExtended, uint8_t{1}, std::string(kMaxExtendedPayloadBytes + 1, 'x')),
  };
  for (const std::string& row : rows) {
    EarlyMessages early(&room_, /*fast=*/true);
    EXPECT_TRUE(absl::IsInvalidArgument(Feed(&early, row))) << row.substr(0, 10);
  }
  EarlyMessages early(&room_, /*fast=*/true);
  const std::string block = test::Bytes(wire::EncodePieceHeader, 1u, 0u, 1u) + "x";
  for (int i = 0; i < kMaxUnaskedBlocks; i++) ASSERT_TRUE(Feed(&early, block).ok());
  EXPECT_FALSE(Feed(&early, block).ok());
}

}  // namespace
}  // namespace torrent
