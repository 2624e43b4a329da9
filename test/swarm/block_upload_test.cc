#include "swarm/block_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/bytes.h"
#include "base/random.h"
#include "test/swarm/streams.h"
#include "test/swarm/swarm_room.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

wire::Message Message(wire::MessageId id, uint32_t piece_index, uint32_t begin, uint32_t length) {
  wire::Message message;
  message.form = wire::MessageForm::kMessage;
  message.id = id;
  message.piece_index = piece_index;
  message.begin = begin;
  message.length = length;
  return message;
}

class BlockUploadTest : public ::testing::Test {
 protected:
  explicit BlockUploadTest(int64_t limit = 0)
      : room_(4, 2, /*complete=*/true, limit),
        link_(room_.AddLink()),
        sender_(pair_.near.get(), &room_.context()->files),
        upload_(room_.context(), link_.get(), &sender_) {
    upload_.set_fast(true);
  }

  absl::Status Request(uint32_t piece_index, uint32_t begin = 0, uint32_t length = kBlockBytes) {
    return upload_.OnRequest(Message(wire::MessageId::kRequest, piece_index, begin, length));
  }
  // A request that is nothing to complain about.
  void Wants(uint32_t piece_index, uint32_t begin = 0) { EXPECT_EQ(Request(piece_index, begin), absl::OkStatus()); }
  void Cancel(uint32_t piece_index, uint32_t begin = 0, uint32_t length = kBlockBytes) {
    upload_.OnCancel(Message(wire::MessageId::kCancel, piece_index, begin, length));
  }
  // Sends until nothing waits (or only the limit says so), and answers what came at the other end since the last call.
  std::vector<std::string> Sent() {
    do {
      bool progress = false;
      status_ = upload_.Send(now_, &progress);
      if (!status_.ok()) break;
      received_ += pair_.Read();
    } while (upload_.wants_to_write());
    wire::MessageRules rules;
    rules.piece_count = 4;
    rules.fast = true;
    rules.max_block_bytes = kMaxServedRequestBytes;
    std::vector<std::string> messages;
    absl::string_view bytes = received_;
    while (!bytes.empty()) {
      const wire::Message message = wire::PeekMessage(AsBytes(bytes), rules);
      if (message.form != wire::MessageForm::kMessage || bytes.size() < message.head_bytes + message.payload_bytes) {
        break;
      }
      bytes.remove_prefix(message.head_bytes);
      messages.push_back(wire::Describe(message));
      if (message.id == wire::MessageId::kPiece &&
          bytes.substr(0, message.payload_bytes) !=
              room_.payload().Block(message.piece_index, message.begin, message.payload_bytes)) {
        messages.back() += " with wrong bytes";
      }
      bytes.remove_prefix(message.payload_bytes);
    }
    received_.erase(0, received_.size() - bytes.size());
    return messages;
  }

  SwarmRoom room_;
  std::shared_ptr<PeerLink> link_;
  NarrowPair pair_{/*sendfile=*/true};
  Sender sender_;
  BlockUpload upload_;
  TimePoint now_ = Now();
  absl::Status status_;
  std::string received_;
};

TEST_F(BlockUploadTest, RequestsAreAnsweredInTheirOrder) {
  upload_.SetChoking(false);
  EXPECT_FALSE(link_->am_choking);
  EXPECT_EQ(Request(2), absl::OkStatus());
  EXPECT_EQ(Request(0, kBlockBytes), absl::OkStatus());
  EXPECT_EQ(Request(3, kBlockBytes, kBlockBytes - 100), absl::OkStatus());
  EXPECT_EQ(Request(1, 7, 5), absl::OkStatus());
  EXPECT_TRUE(upload_.has_requests());
  EXPECT_THAT(Sent(),
              ElementsAre("unchoke", "piece piece 2 begin 0 length 16384", "piece piece 0 begin 16384 length 16384",
                          "piece piece 3 begin 16384 length 16284", "piece piece 1 begin 7 length 5"));
  EXPECT_FALSE(upload_.has_requests());
  EXPECT_EQ(link_->uploaded, 3u * kBlockBytes - 100 + 5);
  EXPECT_EQ(room_.context()->uploaded, link_->uploaded);
}

TEST_F(BlockUploadTest, RequestsOutsideOfTheirPieceEndTheConnection) {
  upload_.SetChoking(false);
  const struct {
    uint32_t piece_index, begin, length;
    const char* says;
  } rows[] = {
      {0, 2 * kBlockBytes, 1, "32768"},
      {0, kBlockBytes, kBlockBytes + 1, "16385"},
      {0, 0xffffffff, 2, "4294967295"},  // hazard 42: the sum wraps in 32 bits
      {0, 0, 0, "0"},
      {3, kBlockBytes, kBlockBytes, "16285"},
  };
  for (const auto& row : rows) {
    const absl::Status status = Request(row.piece_index, row.begin, row.length);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.says));
  }
}

TEST(BlockUploadLimitTest, RequestsLongerThanOldClientsEverAskedForEndTheConnection) {
  SwarmRoom room(1, 16, /*complete=*/true);
  std::shared_ptr<PeerLink> link = room.AddLink();
  NarrowPair pair(true);
  Sender sender(pair.near.get(), &room.context()->files);
  BlockUpload upload(room.context(), link.get(), &sender);
  upload.SetChoking(false);
  EXPECT_EQ(upload.OnRequest(Message(wire::MessageId::kRequest, 0, 0, kMaxServedRequestBytes)), absl::OkStatus());
  EXPECT_EQ(upload.OnRequest(Message(wire::MessageId::kRequest, 0, 0, kMaxServedRequestBytes + 1)).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(BlockUploadTest, WhileChokedRequestsAreRejectedAndTooManyEndTheConnection) {
  // hazard 44
  for (int i = 0; i < kMaxRequestsWhileChoked; i++) ASSERT_EQ(Request(0), absl::OkStatus()) << i;
  EXPECT_EQ(Sent(), std::vector<std::string>(300, "reject request piece 0 begin 0 length 16384"));
  EXPECT_EQ(Request(0).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BlockUploadTest, WithoutTheFastExtensionRequestsWhileChokedAreIgnoredAndCounted) {
  upload_.set_fast(false);
  for (int i = 0; i < kMaxRequestsWhileChoked; i++) ASSERT_EQ(Request(0), absl::OkStatus()) << i;
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(Request(0).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BlockUploadTest, WhatWasOnItsWayAtAChokeIsNotHeldAgainstAPeerForEver) {
  // An honest peer with a deep pipeline, choked and unchoked through a long day.
  for (int round = 0; round < 20; round++) {
    upload_.SetChoking(false);
    upload_.SetChoking(true);
    for (int i = 0; i < 100; i++) ASSERT_EQ(Request(0), absl::OkStatus()) << round;
    Sent();
  }
}

TEST_F(BlockUploadTest, AFullQueueRejectsWithTheFastExtension) {
  // hazard 43
  upload_.SetChoking(false);
  for (size_t i = 0; i < kMaxPeerRequests; i++) ASSERT_EQ(Request(0), absl::OkStatus());
  EXPECT_EQ(Request(1), absl::OkStatus());
  EXPECT_THAT(*sender_.out(), HasSubstr(std::string("\x00\x00\x00\x0d\x10\x00\x00\x00\x01", 9)));  // reject piece 1
  EXPECT_EQ(Sent().size(), 1 + 1 + kMaxPeerRequests);
}

TEST_F(BlockUploadTest, AFullQueueEndsTheConnectionWithoutTheFastExtension) {
  upload_.set_fast(false);
  upload_.SetChoking(false);
  for (size_t i = 0; i < kMaxPeerRequests; i++) ASSERT_EQ(Request(0), absl::OkStatus());
  EXPECT_EQ(Request(1).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BlockUploadTest, ACancelIsAnsweredByARejectWhereTheBlockWaits) {
  upload_.SetChoking(false);
  Wants(0);
  Wants(1);
  Wants(2);
  Cancel(1);
  Cancel(3);              // was not asked for
  Cancel(2, 0, 1);        // nor that
  bool progress = false;  // the first is on its way from here on
  ASSERT_EQ(upload_.Send(now_, &progress), absl::OkStatus());
  EXPECT_TRUE(progress);
  EXPECT_TRUE(sender_.block_pending());
  Cancel(0);
  EXPECT_THAT(Sent(), ElementsAre("unchoke", "reject request piece 1 begin 0 length 16384",
                                  "piece piece 0 begin 0 length 16384", "piece piece 2 begin 0 length 16384"));
}

TEST_F(BlockUploadTest, WithoutTheFastExtensionACancelIsSilent) {
  upload_.set_fast(false);
  upload_.SetChoking(false);
  Wants(0);
  Wants(1);
  Cancel(1);
  EXPECT_THAT(Sent(), ElementsAre("unchoke", "piece piece 0 begin 0 length 16384"));
}

TEST_F(BlockUploadTest, AChokeRejectsWhatWaitsButNotAllowedFastPieces) {
  upload_.OfferFast({1});
  upload_.SetChoking(false);
  Wants(0);
  Wants(1);
  Wants(2);
  upload_.SetChoking(true);
  EXPECT_THAT(Sent(),
              ElementsAre("allowed fast piece 1", "unchoke", "choke", "reject request piece 0 begin 0 length 16384",
                          "reject request piece 2 begin 0 length 16384", "piece piece 1 begin 0 length 16384"));
}

TEST_F(BlockUploadTest, WithoutTheFastExtensionAChokeDropsAllThatWaits) {
  upload_.set_fast(false);
  upload_.SetChoking(false);
  Wants(0);
  Wants(1);
  upload_.SetChoking(true);
  EXPECT_THAT(Sent(), ElementsAre("unchoke", "choke"));
}

TEST_F(BlockUploadTest, AllowedFastPiecesAreServedThreeTimesToAChokedPeer) {
  // hazard 45
  upload_.OfferFast({1});
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(Request(1, 0), absl::OkStatus());
    EXPECT_EQ(Request(1, kBlockBytes), absl::OkStatus());
  }
  Wants(1, 0);
  const std::vector<std::string> sent = Sent();
  EXPECT_EQ(std::count_if(sent.begin(), sent.end(),
                          [](const std::string& message) { return absl::StartsWith(message, "piece piece 1"); }),
            6);
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "reject request piece 1 begin 0 length 16384"), 1);
}

TEST_F(BlockUploadTest, AllowedFastPiecesAreCountedByTheirBytesNotByRequests) {
  upload_.OfferFast({1});
  for (int i = 0; i < 4; i++) EXPECT_EQ(Request(1, 0, 2 * kBlockBytes), absl::OkStatus());
  const std::vector<std::string> sent = Sent();
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "piece piece 1 begin 0 length 32768"), 3);
}

TEST(BlockUploadFastTest, OnlyPiecesThatAreThereAreOffered) {
  SwarmRoom room(4, 2, /*complete=*/false);
  std::shared_ptr<PeerLink> link = room.AddLink();
  NarrowPair pair(true);
  Sender sender(pair.near.get(), &room.context()->files);
  BlockUpload upload(room.context(), link.get(), &sender);
  upload.OfferFast({1, 2});
  EXPECT_TRUE(sender.out()->empty());
  upload.set_fast(true);
  upload.SetChoking(false);
  EXPECT_EQ(upload.OnRequest(Message(wire::MessageId::kRequest, 0, 0, 5)), absl::OkStatus());
  EXPECT_FALSE(upload.has_requests());  // rejected: it is not there
}

TEST_F(BlockUploadTest, APieceWhoseFileWasCutIsLost) {
  // hazard 113
  upload_.SetChoking(false);
  ASSERT_EQ(truncate(room_.PathOfFile().c_str(), 10), 0);
  Wants(1);
  Sent();
  EXPECT_EQ(status_.code(), absl::StatusCode::kAborted);  // DataLoss would be the peer's
  EXPECT_FALSE(room_.context()->queue.IsWritten(1));
  EXPECT_TRUE(room_.context()->queue.IsWritten(0));
}

TEST_F(BlockUploadTest, APieceOfAnUncleanRunIsHashedBeforeItIsServedFirst) {
  // hazards 107 and 116
  room_.DistrustAll();
  test::FlipByte(room_.PathOfFile(), 2 * kBlockBytes + 5);
  upload_.SetChoking(false);
  Wants(0);
  Wants(1);
  Wants(2);
  EXPECT_THAT(Sent(), ElementsAre("unchoke", "piece piece 0 begin 0 length 16384",
                                  "reject request piece 1 begin 0 length 16384", "piece piece 2 begin 0 length 16384"));
  EXPECT_FALSE(room_.context()->queue.IsWritten(1));
  EXPECT_FALSE(room_.context()->queue.Complete());
  // Once proven, no more.
  test::FlipByte(room_.PathOfFile(), 0);
  Wants(0);
  EXPECT_THAT(Sent(), ElementsAre("piece piece 0 begin 0 length 16384 with wrong bytes"));
}

TEST_F(BlockUploadTest, EveryRequestIsAnsweredOnceWhateverHappens) {
  // The invariant of BEP 6.
  Random random(3);
  upload_.OfferFast({0, 1});
  std::multiset<std::string> asked;
  auto hear = [&] {
    for (const std::string& message : Sent()) {
      absl::string_view text = message;
      if (!absl::ConsumePrefix(&text, "piece piece ") && !absl::ConsumePrefix(&text, "reject request piece ")) continue;
      auto found = asked.find(std::string(text));
      ASSERT_NE(found, asked.end()) << message;
      asked.erase(found);
    }
  };
  int while_choked = 0;
  for (int i = 0; i < 5000 && !HasFatalFailure(); i++) {
    const auto piece = static_cast<uint32_t>(random.Below(4));
    const uint32_t begin = kBlockBytes * static_cast<uint32_t>(random.Below(2));
    switch (random.Below(8)) {
      case 0:
        Cancel(piece, begin, 300);
        break;
      case 1:
        upload_.SetChoking(random.Below(2) == 0);
        if (!upload_.choking()) while_choked = 0;
        break;
      case 2:
        hear();
        break;
      default:
        if (upload_.choking() && ++while_choked > 200) break;
        ASSERT_EQ(Request(piece, begin, 300), absl::OkStatus());
        asked.insert(absl::StrCat(piece, " begin ", begin, " length 300"));
    }
  }
  hear();
  EXPECT_THAT(asked, IsEmpty());
}

class LimitedUploadTest : public BlockUploadTest {
 protected:
  LimitedUploadTest() : BlockUploadTest(/*limit=*/100'000) {}
};

TEST_F(LimitedUploadTest, BlocksWaitForTheLimitAndMessagesDoNot) {
  upload_.SetChoking(false);
  for (int i = 0; i < 40; i++) Wants(0);
  size_t blocks = 0;
  bool unchoked = false;
  const TimePoint begin = now_;
  while (upload_.has_requests()) {
    for (const std::string& message : Sent()) {
      blocks += absl::StartsWith(message, "piece piece 0");
      unchoked |= message == "unchoke";
    }
    EXPECT_TRUE(unchoked);
    // One block ahead at most.
    EXPECT_LE(static_cast<double>(blocks * kBlockBytes), 100'000 * ToSeconds(now_ - begin) + kBlockBytes);
    if (!upload_.has_requests()) break;
    ASSERT_NE(upload_.ResumeAt(), TimePoint::max());
    ASSERT_GT(upload_.ResumeAt(), now_);
    EXPECT_FALSE(upload_.wants_to_write());  // or poll would spin
    now_ = upload_.ResumeAt();
  }
  EXPECT_EQ(blocks, 40u);
  EXPECT_NEAR(ToSeconds(now_ - begin), 39.0 * kBlockBytes / 100'000, 0.35);
}

}  // namespace
}  // namespace torrent
