#include "swarm/metadata_assembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/limits.h"
#include "base/sha1.h"
#include "test/swarm/metadata_pieces.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Requests = std::vector<uint32_t>;

class MetadataAssemblyTest : public testing::Test {
 protected:
  void Use(uint32_t size) {
    info_ = InfoOf(size);
    assembly_ = std::make_unique<MetadataAssembly>(Sha1::Of(info_), [this] { returned_++; });
  }
  absl::Status Answer(uint64_t peer, uint32_t piece, const std::string& info) {
    return assembly_->Arrived(peer, PieceOf(info, piece), now_);
  }
  // Gives `peer` turns and answers them from `info` until there is nothing to ask.
  absl::Status AnswerAll(uint64_t peer, const std::string& info) {
    while (true) {
      const Requests requests = assembly_->TakeTurn(peer, now_).requests;
      if (requests.empty()) return absl::OkStatus();
      for (uint32_t piece : requests) {
        absl::Status status = Answer(peer, piece, info);
        if (!status.ok()) return status;
      }
    }
  }

  TimePoint now_ = TimePoint() + seconds(1000);
  std::string info_;
  std::unique_ptr<MetadataAssembly> assembly_;
  int returned_ = 0;
};

TEST_F(MetadataAssemblyTest, OnePeerBringsItInPieces) {
  for (uint32_t size : {1u, 16384u, 16385u, 100'000u}) {
    Use(size);
    ASSERT_TRUE(assembly_->Join(1, size, now_).ok());
    EXPECT_EQ(assembly_->progress().total_bytes, size);
    EXPECT_TRUE(AnswerAll(1, info_).ok());
    ASSERT_TRUE(assembly_->complete()) << size;
    EXPECT_EQ(assembly_->Take(), info_);
    EXPECT_EQ(assembly_->held_bytes(), 0u);
    EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  }
}

TEST_F(MetadataAssemblyTest, APeerIsAskedForOnePieceAtFirstAndForAFewAtOnceLater) {
  Use(20 * kMetadataPieceBytes);
  ASSERT_TRUE(assembly_->Join(1, 20 * kMetadataPieceBytes, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  EXPECT_TRUE(Answer(1, 0, info_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, (Requests{1, 2}));
  for (uint32_t piece = 1; piece < 3; piece++) EXPECT_TRUE(Answer(1, piece, info_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, (Requests{3, 4, 5, 6}));
  EXPECT_TRUE(Answer(1, 3, info_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{7}) << "at most four";
  EXPECT_EQ(assembly_->progress().done_bytes, 4 * kMetadataPieceBytes);
}

TEST_F(MetadataAssemblyTest, APieceIsAskedOfOnePeerAtATime) {
  Use(2 * kMetadataPieceBytes);
  for (uint64_t peer : {1, 2, 3}) ASSERT_TRUE(assembly_->Join(peer, 2 * kMetadataPieceBytes, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{1});
  const MetadataAssembly::Turn third = assembly_->TakeTurn(3, now_);
  EXPECT_TRUE(third.requests.empty());
  EXPECT_TRUE(third.hungry);
  EXPECT_EQ(third.next, now_ + kMetadataPatience);
  EXPECT_TRUE(Answer(2, 1, info_).ok());
  EXPECT_TRUE(Answer(1, 0, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, WhatARejectLeavesIsAskedElsewhereAndTheRejecterLater) {
  Use(100);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, 100, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(assembly_->TakeTurn(2, now_).requests.empty());
  assembly_->Rejected(1, 7, now_);
  EXPECT_EQ(returned_, 0) << "nobody asked for that";
  assembly_->Rejected(1, 0, now_);
  EXPECT_EQ(returned_, 1);
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).next, now_ + kMetadataRetry);
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  assembly_->Rejected(2, 0, now_);
  now_ += kMetadataRetry;
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
}

TEST_F(MetadataAssemblyTest, SilenceMovesAPieceAndALateAnswerCounts) {
  Use(3 * kMetadataPieceBytes);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, 3 * kMetadataPieceBytes, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  now_ += kMetadataPatience - milliseconds(1);
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{1});
  EXPECT_TRUE(Answer(2, 1, info_).ok());
  now_ += milliseconds(1);
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, (Requests{0, 2}));
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty()) << "left alone for a while";
  EXPECT_TRUE(Answer(1, 0, info_).ok());
  EXPECT_EQ(assembly_->progress().done_bytes, 2 * kMetadataPieceBytes);
  EXPECT_TRUE(Answer(2, 0, InfoOf(3 * kMetadataPieceBytes, 2)).ok()) << "it is there already";
  EXPECT_TRUE(Answer(2, 2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, WhoLeavesGivesBackWhatItWasAskedFor) {
  Use(100);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, 100, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  assembly_->Leave(1);
  EXPECT_EQ(returned_, 1);
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
  EXPECT_TRUE(Answer(1, 0, info_).ok()) << "a stranger by now";
}

TEST_F(MetadataAssemblyTest, ALiarAloneConvictsItself) {
  Use(50'000);
  ASSERT_TRUE(assembly_->Join(1, 50'000, now_).ok());
  EXPECT_TRUE(absl::IsDataLoss(AnswerAll(1, InfoOf(50'000, 2))));
  EXPECT_EQ(assembly_->held_bytes(), 0u);
  assembly_->Leave(1);
  ASSERT_TRUE(assembly_->Join(2, 50'000, now_).ok());
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, AfterAWrongWholeOfSeveralEachIsAskedAlone) {
  const uint32_t size = 4 * kMetadataPieceBytes;
  Use(size);
  const std::string wrong = InfoOf(size, 2);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, size, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{1});
  EXPECT_TRUE(Answer(1, 0, wrong).ok());
  EXPECT_TRUE(Answer(2, 1, info_).ok());
  returned_ = 0;
  EXPECT_TRUE(AnswerAll(2, info_).ok()) << "nobody is convicted by what several made";
  EXPECT_GT(returned_, 0);
  // 2 went on alone, from the beginning, and that was the whole.
  EXPECT_TRUE(assembly_->complete());

  Use(size);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, size, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  EXPECT_TRUE(Answer(2, 0, info_).ok());
  EXPECT_TRUE(absl::IsDataLoss(AnswerAll(1, wrong))) << "together first, then alone";
  EXPECT_FALSE(assembly_->complete());
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, SizesDoNotMix) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, kMaxPeerMetadataBytes, now_).ok());
  ASSERT_TRUE(assembly_->Join(2, 40'001, now_).ok());
  ASSERT_TRUE(assembly_->Join(3, 40'000, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  EXPECT_TRUE(AnswerAll(3, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, AClaimStays) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, 40'000, now_).ok());
  EXPECT_TRUE(assembly_->Join(1, 40'000, now_).ok()) << "said again";
  EXPECT_TRUE(assembly_->Join(1, absl::nullopt, now_).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(assembly_->Join(1, 40'001, now_)));
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(absl::IsInvalidArgument(Answer(1, 0, InfoOf(50'000))));
}

TEST_F(MetadataAssemblyTest, WhoClaimsNoSizeIsAskedNowAndThen) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, absl::nullopt, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  assembly_->Rejected(1, 0, now_);
  EXPECT_EQ(assembly_->TakeTurn(1, now_).next, now_ + kMetadataRetry);
  now_ += kMetadataRetry;
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(Answer(1, 0, info_).ok()) << "it has it by now";
  EXPECT_TRUE(AnswerAll(1, info_).ok());
  EXPECT_TRUE(assembly_->complete());

  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, absl::nullopt, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  assembly_->Rejected(1, 0, now_);
  ASSERT_TRUE(assembly_->Join(1, 40'000, now_).ok());
  EXPECT_TRUE(AnswerAll(1, info_).ok());
  EXPECT_TRUE(assembly_->complete()) << "a later handshake says that it has it";
}

TEST_F(MetadataAssemblyTest, PiecesUnaskedAreIgnoredAndCounted) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, 40'000, now_).ok());
  for (int i = 0; i < kMaxUnaskedBlocks; i++) EXPECT_TRUE(Answer(1, 1, info_).ok());
  EXPECT_EQ(assembly_->held_bytes(), 0u);
  EXPECT_TRUE(absl::IsInvalidArgument(Answer(1, 1, info_)));
}

// Hazard 55: several claimed sizes do not multiply the memory, and the largest cannot keep out the others.
TEST_F(MetadataAssemblyTest, AllCopiesTogetherHaveTheRoomOfOne) {
  Use(1 << 20);
  std::vector<std::string> wrong;
  for (uint64_t liar = 1; liar <= 4; liar++) {
    wrong.push_back(InfoOf(kMaxPeerMetadataBytes - static_cast<uint32_t>(liar), liar));
    ASSERT_TRUE(assembly_->Join(liar, static_cast<uint32_t>(wrong.back().size()), now_).ok());
  }
  // Each brings all it is asked for but its last pieces.
  for (int turn = 0; turn < 1000; turn++) {
    for (uint64_t liar = 1; liar <= 4; liar++) {
      for (uint32_t piece : assembly_->TakeTurn(liar, now_).requests) {
        if (piece >= 1000) continue;
        EXPECT_TRUE(Answer(liar, piece, wrong[liar - 1]).ok());
      }
      ASSERT_LE(assembly_->held_bytes(), kMaxPeerMetadataBytes);
    }
  }
  EXPECT_GT(assembly_->held_bytes(), 0u);
  ASSERT_TRUE(assembly_->Join(9, 1 << 20, now_).ok());
  EXPECT_TRUE(AnswerAll(9, info_).ok());
  EXPECT_TRUE(assembly_->complete()) << "smaller ones go first";
}

TEST_F(MetadataAssemblyTest, WhoHeldRoomLongGivesWay) {
  const uint32_t size = kMaxPeerMetadataBytes;
  Use(size);
  ASSERT_TRUE(assembly_->Join(1, size - 1, now_).ok());
  ASSERT_TRUE(assembly_->Join(2, size, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  MetadataAssembly::Turn turn = assembly_->TakeTurn(2, now_);
  EXPECT_TRUE(turn.requests.empty());
  EXPECT_EQ(turn.next, now_ + kMetadataRoomTime);
  now_ += kMetadataRoomTime;
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  // It is smaller, but had its time: now it waits like anybody.
  EXPECT_TRUE(Answer(1, 0, InfoOf(size - 1)).ok());
  EXPECT_EQ(assembly_->held_bytes(), 0u);
  EXPECT_EQ(assembly_->TakeTurn(1, now_).next, now_ + kMetadataRoomTime);
  EXPECT_TRUE(Answer(2, 0, info_).ok());
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

}  // namespace
}  // namespace torrent
