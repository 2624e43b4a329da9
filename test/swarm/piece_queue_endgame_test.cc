// The end of a download, where whoever was asked for too much would be waited for (piece_queue_claim.cc): shares, and
// blocks that are asked for twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "test/swarm/queue_world.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Peer = QueueWorld::Peer;

// --- Shares of the end -----------------------------------------------------------------------------------------------

TEST(PieceQueueShareTest, TowardsTheEndNobodyIsAskedForMoreThanItBringsMeanwhile) {
  // 32 blocks are one second of both together; each brings 16 in it, and has one on its way and one behind it besides.
  QueueWorld world(2, 16);
  world.Begin();
  Peer* a = world.Seed(256 * 1024);
  Peer* b = world.Seed(256 * 1024);
  ASSERT_EQ(ToBlocks(world.Claim(b, 1)).size(), 1u);
  EXPECT_EQ(ToBlocks(world.Claim(a, 32)).size(), 18u);
  EXPECT_EQ(world.Claim(a, 32), "");
  EXPECT_EQ(ToBlocks(world.Claim(b, 13)).size(), 13u);  // all that is left
}

TEST(PieceQueueShareTest, OfWhoAnswersSoonerThanABlockTakesNoneIsKeptBehindTheOneOnItsWay) {
  // A block takes 62 ms.
  for (const auto& [latency_ms, blocks] : {std::pair(1, 16u + 1), {50, 16u + 1}, {100, 17u + 2}}) {
    QueueWorld world(2, 16);
    world.Begin();
    Peer* a = world.Seed(256 * 1024, milliseconds(latency_ms));
    Peer* b = world.Seed(256 * 1024, milliseconds(latency_ms));
    ASSERT_EQ(ToBlocks(world.Claim(b, 1)).size(), 1u);
    EXPECT_EQ(ToBlocks(world.Claim(a, 32)).size(), blocks) << latency_ms;
  }
}

TEST(PieceQueueShareTest, BeforeTheEndAndForWhoseRateIsNotKnownThePipelineAloneCounts) {
  QueueWorld world(6, 16);  // three seconds of both
  world.Begin();
  Peer* a = world.Seed(256 * 1024);
  Peer* b = world.Seed(256 * 1024);
  ASSERT_EQ(ToBlocks(world.Claim(b, 1)).size(), 1u);
  EXPECT_EQ(ToBlocks(world.Claim(a, 60)).size(), 60u);
  EXPECT_EQ(ToBlocks(world.Claim(world.Seed(), 10)).size(), 10u);
}

// --- 5: blocks that others hold --------------------------------------------------------------------------------------

TEST(PieceQueueEndgameTest, TheSlowestHoldersBlockGoesFirstAndAtMostTwoHoldOne) {
  QueueWorld world(1, 3);
  world.Begin();
  Peer* slow = world.Seed(20e3);
  Peer* fast = world.Seed(1e6);
  Peer* faster = world.Seed(10e6);
  EXPECT_EQ(world.Claim(slow, 3), "0.0 0.1 0.2");
  EXPECT_EQ(world.Claim(fast, 2), "0.2 0.1");  // expected last first
  EXPECT_EQ(world.Claim(faster, 3), "0.0");    // the others have two live holders
  EXPECT_EQ(world.Claim(faster, 3), "");
  EXPECT_EQ(world.cancels, "");
}

TEST(PieceQueueEndgameTest, WhenOneOfTwoHoldersGivesABlockBackAnotherMayTakeItsPlace) {
  QueueWorld world(1, 1);
  world.Begin();
  Peer* slow = world.Seed(20e3);
  Peer* fast = world.Seed(1e6);
  Peer* faster = world.Seed(10e6);
  EXPECT_EQ(world.Claim(slow, 1), "0.0");
  EXPECT_EQ(world.Claim(fast, 1), "0.0");
  EXPECT_EQ(world.Claim(faster, 1), "");
  world.GiveBack(fast, "0.0");
  EXPECT_EQ(world.Claim(faster, 1), "0.0");
  EXPECT_EQ(world.cancels, "");
}

TEST(PieceQueueEndgameTest, WhoLosesIsTold) {
  QueueWorld world(1, 2);
  world.Begin();
  Peer* a = world.Seed(20e3);
  Peer* b = world.Seed(1e6);
  world.Claim(a, 2);
  EXPECT_EQ(world.Claim(b, 2), "0.1 0.0");
  EXPECT_EQ(world.Deliver(b, "0.1"), "accepted");
  EXPECT_EQ(world.cancels, "a:0.1");
  EXPECT_EQ(world.Deliver(a, "0.0"), "hash");
  EXPECT_EQ(world.cancels, "a:0.1 b:0.0");
  // What was on its way all the same leaves no trace.
  EXPECT_EQ(world.Deliver(a, "0.1", "other bytes"), "lost");
  EXPECT_EQ(world.Deliver(b, "0.0", "other bytes"), "lost");
  world.Settle();
  EXPECT_EQ(world.Deliver(b, "0.0 0.1", "other bytes"), "lost lost");
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_TRUE(world.DiskIsRight());
  EXPECT_EQ(world.failed.size(), 0u);
}

TEST(PieceQueueEndgameTest, APeerThatWouldBeLaterIsNotAsked) {
  QueueWorld world(1, 2);
  world.Begin();
  world.Claim(world.Seed(1e6), 2);
  EXPECT_EQ(world.Claim(world.Seed(100e3), 2), "");
}

TEST(PieceQueueEndgameTest, AHolderThatIsOverdueDoesNotCount) {
  QueueWorld world(1, 1);
  world.Begin();
  Peer* a = world.Seed(100e3, milliseconds(10));  // 170 ms a block
  Peer* b = world.Seed(200e3, milliseconds(10));
  Peer* c = world.Seed(100e3, milliseconds(10));
  ASSERT_EQ(world.Claim(a, 1), "0.0");
  ASSERT_EQ(world.Claim(b, 1), "0.0");
  EXPECT_EQ(world.Claim(c, 1), "");
  world.Advance(seconds(5));  // both should have answered long ago
  EXPECT_EQ(world.Claim(c, 1), "0.0");
  EXPECT_THAT(world.cancels, AnyOf("a:0.0", "b:0.0"));
  EXPECT_EQ(world.Deliver(c, "0.0"), "hash");
}

TEST(PieceQueueEndgameTest, AfterTwoSecondsWithoutAnAnswerAnotherIsAsked) {
  // hazard 52: whatever the first promised.
  QueueWorld world(1, 2);
  world.Begin();
  Peer* hangs = world.Seed(1e6, milliseconds(50));
  ASSERT_EQ(world.Claim(hangs, 2), "0.0 0.1");
  Peer* slow = world.Seed(20e3, milliseconds(50));
  EXPECT_EQ(world.Claim(slow, 2), "");
  world.Advance(seconds(2));
  EXPECT_EQ(ToBlocks(world.Claim(slow, 2)).size(), 2u);
}

TEST(PieceQueueEndgameTest, WhoIsLateIsNotBelievedForAsLongAgain) {
  // hazard 52: a new peer's queue is expected to take seconds, and its last block for twice that time. If it is mute,
  // nobody waits so long.
  QueueWorld world(4, 8);
  world.Begin();
  Peer* mute = world.Seed();
  Peer* fast = world.Seed(1e6, milliseconds(10));
  ASSERT_EQ(ToBlocks(world.Claim(mute, 32)).size(), 32u);
  world.Advance(seconds(7));  // the 27th is due now; overdue it would be in seven seconds more
  for (int i = 0; i < 10; i++) {
    for (const BlockRef& block : ToBlocks(world.Claim(fast, 8))) world.Deliver(fast, ToText({block}));
    world.Advance(milliseconds(100));
  }
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
}

TEST(PieceQueueEndgameTest, OfTwoThatAreLateOneLosesItsPlace) {
  QueueWorld world(1, 2);
  world.Begin();
  Peer* a = world.Seed(10e3);  // 1.6 s a block
  Peer* b = world.Seed(25e3);  // 0.65 s
  Peer* c = world.Seed(100e3);
  ASSERT_EQ(world.Claim(a, 2), "0.0 0.1");
  ASSERT_EQ(world.Claim(b, 2), "0.1 0.0");
  world.Advance(milliseconds(900));
  EXPECT_EQ(world.Claim(c, 2), "");  // two hold each, and none is late by much
  world.Advance(milliseconds(300));
  EXPECT_EQ(world.Claim(c, 2), "0.1");
  EXPECT_EQ(world.cancels, "b:0.1");
}

TEST(PieceQueueEndgameTest, WhilePiecesAreMissingOnlyOverdueBlocksAreAskedForTwice) {
  QueueWorld world(3, 2);
  world.Begin();
  Peer* a = world.Join("100", 20e3);
  Peer* b = world.Join("100", 40e3);
  EXPECT_EQ(world.Claim(a, 2), "0.0 0.1");
  EXPECT_EQ(world.Claim(b, 2), "");
  world.Advance(seconds(10));
  EXPECT_EQ(ToBlocks(world.Claim(b, 2)).size(), 2u);
}

TEST(PieceQueueEndgameTest, ANeighbourTakesOverWhatALongQueueWasToSend) {
  QueueWorld world(3, 2);
  world.Begin();
  Peer* seeder = world.Seed(20e3);
  Peer* neighbour = world.Join("000", 10e6);
  const std::vector<BlockRef> asked = ToBlocks(world.Claim(seeder, 2));
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(world.Claim(neighbour, 2), "");
  neighbour->claimant->AddPiece(asked[0].piece_index);
  EXPECT_EQ(ToBlocks(world.Claim(neighbour, 2)).size(), 2u);
  // Moved, not asked for twice.
  EXPECT_THAT(world.cancels, AllOf(HasSubstr(absl::StrCat("a:", asked[0].piece_index, ".0")),
                                   HasSubstr(absl::StrCat("a:", asked[0].piece_index, ".1"))));
}

TEST(PieceQueueEndgameTest, OneCallTakesOnlyAFew) {
  QueueWorld world(1, 100);
  world.Begin();
  world.Claim(world.Seed(20e3), 100);
  EXPECT_LE(ToBlocks(world.Claim(world.Seed(10e6), 100)).size(), 8u);
}

}  // namespace
}  // namespace torrent
