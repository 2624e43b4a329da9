// The life of a block and of a piece in the queue: given back, late, twice, out of order, hashed, on disk, lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/swarm/queue_world.h"

namespace torrent {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Peer = QueueWorld::Peer;

// --- Given back ------------------------------------------------------------------------------------------------------

TEST(PieceQueueBlocksTest, WhateverWayAClaimantEndsItsBlocksAreClaimedAgain) {
  const struct {
    const char* name;
    void (*end)(QueueWorld*, Peer*);
    const char* rest;
  } rows[] = {
      {"leaves with all", [](QueueWorld* world, Peer* peer) { world->Leave(peer); }, "0.0 0.1 0.2 0.3"},
      {"leaves after one came",
       [](QueueWorld* world, Peer* peer) {
         world->Deliver(peer, "0.0");
         world->Leave(peer);
       },
       "0.1 0.2 0.3"},
      {"leaves after one came out of order",
       [](QueueWorld* world, Peer* peer) {
         world->Deliver(peer, "0.2");
         world->Leave(peer);
       },
       "0.0 0.1 0.3"},
      {"is choked", [](QueueWorld* world, Peer* peer) { world->GiveBackAll(peer); }, "0.0 0.1 0.2 0.3"},
      {"is choked, and leaves",
       [](QueueWorld* world, Peer* peer) {
         world->GiveBackAll(peer);
         world->Leave(peer);
       },
       "0.0 0.1 0.2 0.3"},
      {"rejects two, and leaves",
       [](QueueWorld* world, Peer* peer) {
         world->GiveBack(peer, "0.1 0.3");
         world->Leave(peer);
       },
       "0.0 0.1 0.2 0.3"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    QueueWorld world(1, 4);
    world.Begin();
    Peer* a = world.Seed();
    ASSERT_EQ(world.Claim(a, 4), "0.0 0.1 0.2 0.3");
    Peer* b = world.Seed();
    world.work_returned = false;
    row.end(&world, a);
    EXPECT_TRUE(world.work_returned);  // or b would never look again
    EXPECT_EQ(world.Claim(b, 4), row.rest);
    world.Deliver(b, row.rest);
    world.Settle();
    EXPECT_TRUE(world.queue().Complete());
    EXPECT_TRUE(world.DiskIsRight());
  }
}

TEST(PieceQueueBlocksTest, WhoChokesLeavesItsPieceThoughOthersAreMissing) {
  QueueWorld world(5, 4);
  world.Begin();
  Peer* a = world.Seed();
  const std::string claimed = world.Claim(a, 2);
  world.GiveBackAll(a);
  EXPECT_EQ(world.Claim(world.Seed(), 2), claimed);
}

TEST(PieceQueueBlocksTest, ABlockOfTwoHoldersStaysWithTheOneThatIsLeft) {
  QueueWorld world(1, 1);
  world.Begin();
  Peer* a = world.Seed(20e3);
  Peer* b = world.Seed(1e6);
  ASSERT_EQ(world.Claim(a, 1), "0.0");
  ASSERT_EQ(world.Claim(b, 1), "0.0");
  world.Leave(b);
  EXPECT_EQ(world.Claim(world.Seed(1e3), 1), "");  // still asked of a
  EXPECT_EQ(world.Deliver(a, "0.0"), "hash");
}

TEST(PieceQueueBlocksTest, ALateBlockIsAcceptedOnce) {
  QueueWorld world(1, 2);
  world.Begin();
  Peer* a = world.Seed();
  Peer* b = world.Seed();
  world.Claim(a, 2);
  world.GiveBackAll(a);
  EXPECT_EQ(world.Deliver(a, "0.1"), "accepted");
  EXPECT_EQ(world.Claim(b, 2), "0.0");  // not the one that came late
  EXPECT_EQ(world.Deliver(a, "0.1"), "lost");
  // The other comes late while b is asked for it: b need not send it any more.
  EXPECT_EQ(world.Deliver(a, "0.0"), "hash");
  EXPECT_EQ(world.cancels, "b:0.0");
  EXPECT_EQ(world.Deliver(b, "0.0"), "lost");
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
}

TEST(PieceQueueBlocksTest, BlocksOfPiecesThatNobodyBeganAreLost) {
  QueueWorld world(2, 1);
  world.Begin("10");
  Peer* a = world.Seed();
  EXPECT_EQ(world.Deliver(a, "0.0 1.0"), "lost lost");
  EXPECT_EQ(world.Claim(a, 2), "1.0");
}

TEST(PieceQueueBlocksTest, TheSameBlockTwiceInOneTurnIsAcceptedOnce) {
  QueueWorld world(1, 2);
  world.Begin();
  Peer* a = world.Seed();
  world.Claim(a, 2);
  EXPECT_EQ(world.Deliver(a, "0.0 0.0 0.1"), "hash lost hash");
  EXPECT_THAT(world.verified, ElementsAre(0));
}

// --- Hashed ----------------------------------------------------------------------------------------------------------

TEST(PieceQueueBlocksTest, BlocksInOrderAreHashedAsTheyPass) {
  QueueWorld world(1, 4);
  world.Begin();
  Peer* a = world.Seed();
  world.Claim(a, 4);
  EXPECT_EQ(world.Deliver(a, "0.0"), "hash");
  EXPECT_EQ(world.Deliver(a, "0.1 0.2 0.3"), "hash hash hash");
  EXPECT_FALSE(world.UpkeepOnce());  // nothing is read back
  EXPECT_THAT(world.verified, ElementsAre(0));
}

TEST(PieceQueueBlocksTest, AVerifiedPieceIsWrittenOnlyWithItsLastBlockOnDisk) {
  QueueWorld world(1, 3);
  world.Begin();
  Peer* a = world.Seed();
  world.Claim(a, 3);
  world.Deliver(a, "0.0 0.1 0.2");
  EXPECT_THAT(world.verified, ElementsAre(0));
  size_t place = 0;
  for (int i = 0; i < 3; i++) {
    EXPECT_TRUE(world.written.empty());
    EXPECT_FALSE(world.queue().IsWritten(0));
    EXPECT_FALSE(world.queue().Complete());
    EXPECT_EQ(world.queue().written_bytes(), 0u);
    EXPECT_EQ(world.queue().NewsCount(), 0u);
    world.Write(1);
  }
  EXPECT_THAT(world.written, ElementsAre(0));
  EXPECT_TRUE(world.queue().IsWritten(0));
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_EQ(world.queue().written_bytes(), world.layout().PieceBytes(0));
  // News for who does not have it, once.
  std::vector<uint32_t> news;
  Peer* b = world.Join("0");
  b->claimant->NewsSince(&place, &news);
  EXPECT_THAT(news, ElementsAre(0));
  b->claimant->NewsSince(&place, &news);
  EXPECT_THAT(news, ElementsAre(0));
  size_t place_of_seed = 0;
  a->claimant->NewsSince(&place_of_seed, &news);
  EXPECT_THAT(news, ElementsAre(0));
  EXPECT_EQ(place_of_seed, world.queue().NewsCount());
}

TEST(PieceQueueBlocksTest, ABlockOutOfOrderIsReadBackOnceItIsOnDisk) {
  QueueWorld world(1, 4);
  world.Begin();
  Peer* a = world.Seed();
  world.Claim(a, 4);
  EXPECT_EQ(world.Deliver(a, "0.1 0.2 0.0 0.3"), "accepted accepted hash accepted");
  EXPECT_FALSE(world.UpkeepOnce());
  world.Write(1);
  EXPECT_TRUE(world.UpkeepOnce());   // 0.1
  EXPECT_FALSE(world.UpkeepOnce());  // 0.2 is not in its file yet
  world.Write(3);
  EXPECT_TRUE(world.written.empty());
  EXPECT_TRUE(world.UpkeepOnce());  // 0.2 and 0.3 in one go
  EXPECT_THAT(world.verified, ElementsAre(0));
  EXPECT_THAT(world.written, ElementsAre(0));
}

TEST(PieceQueueBlocksTest, WhileOneThreadHashesAnotherDoesNot) {
  QueueWorld world(1, 3);
  world.Begin();
  Peer* a = world.Seed();
  Peer* b = world.Seed();
  ASSERT_EQ(world.Claim(a, 1), "0.0");
  ASSERT_EQ(world.Claim(b, 1), "0.2");
  ASSERT_EQ(world.Claim(b, 1), "0.1");
  QueueWorld::Turn turn = world.Arrive(a, ToBlocks("0.0"));
  EXPECT_EQ(turn.blocks[0].outcome, PieceQueue::Arrival::Outcome::kHash);
  EXPECT_EQ(world.Deliver(b, "0.1"), "accepted");
  world.Write();
  EXPECT_FALSE(world.UpkeepOnce());  // a has the token still
  world.Finish(std::move(turn));
  EXPECT_TRUE(world.UpkeepOnce());
  EXPECT_EQ(world.Deliver(b, "0.2"), "hash");
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
}

TEST(PieceQueueBlocksTest, ReadingBackGoesInTurnsOfOneMebibyte) {
  QueueWorld world(1, 100);
  world.Begin();
  Peer* a = world.Seed();
  std::vector<BlockRef> all = ToBlocks(world.Claim(a, 100));
  ASSERT_EQ(all.size(), 100u);
  const std::string first = ToText({all[0]});
  all.erase(all.begin());
  world.Deliver(a, ToText(all));
  world.Deliver(a, first);
  world.Write();
  EXPECT_TRUE(world.UpkeepOnce());  // 64 of 99
  EXPECT_TRUE(world.verified.empty());
  EXPECT_TRUE(world.UpkeepOnce());
  EXPECT_THAT(world.verified, ElementsAre(0));
}

TEST(PieceQueueBlocksTest, APieceThatCannotBeReadBackStartsAgainAndNobodyIsBlamed) {
  QueueWorld world(1, 4);
  world.Begin();
  Peer* a = world.Seed();
  ASSERT_EQ(world.Claim(a, 4), "0.0 0.1 0.2 0.3");
  world.Deliver(a, "0.1");
  world.Deliver(a, "0.0");
  world.Write();
  EXPECT_TRUE(world.UpkeepOnce(/*read_fails=*/true));
  EXPECT_EQ(world.liars, "");
  EXPECT_TRUE(world.failed.empty());
  // What is still asked for would come for nothing.
  EXPECT_EQ(world.cancels, "a:0.2 a:0.3");
  EXPECT_EQ(world.Deliver(a, "0.2"), "lost");
  EXPECT_TRUE(world.Drain());
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_TRUE(world.DiskIsRight());
}

TEST(PieceQueueBlocksTest, AReadThatFailsWhileBlocksWaitForTheWriterMixesNothing) {
  QueueWorld world(1, 4);
  world.Begin();
  Peer* a = world.Seed();
  world.Claim(a, 4);
  world.Deliver(a, "0.1");
  world.Deliver(a, "0.0");
  world.Write();
  world.Deliver(a, "0.3");  // accepted, in the writer's queue
  EXPECT_TRUE(world.UpkeepOnce(/*read_fails=*/true));
  EXPECT_EQ(world.Claim(a, 4), "");  // not before what is queued is written: it could overwrite what comes next
  world.Write();
  EXPECT_EQ(ToBlocks(world.Claim(a, 4)).size(), 4u);
  EXPECT_TRUE(world.Drain());
  EXPECT_TRUE(world.DiskIsRight());
}

// --- What was there before, and what gets lost -----------------------------------------------------------------------

TEST(PieceQueueBlocksTest, BlocksOfAnEarlierRunAreHashedFirstAndNotFetchedAgain) {
  QueueWorld world(3, 4);
  world.Begin("001", "", "0.0 0.1 0.3 1.0 1.1 1.2 1.3");
  EXPECT_TRUE(world.UpkeepOnce());
  EXPECT_TRUE(world.UpkeepOnce());
  EXPECT_FALSE(world.UpkeepOnce());
  EXPECT_THAT(world.written, ElementsAre(1));
  Peer* a = world.Seed();
  EXPECT_TRUE(a->claimant->IsInteresting());
  EXPECT_EQ(world.Claim(a, 100), "0.2");
  EXPECT_EQ(world.Deliver(a, "0.2"), "hash");
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_FALSE(a->claimant->IsInteresting());
}

TEST(PieceQueueBlocksTest, BlocksOfPiecesThatAreThereOrNotWantedCountForNothing) {
  QueueWorld world(3, 2);
  world.Begin("100", "101", "0.0 1.0");
  EXPECT_EQ(world.Claim(world.Seed(), 100), "2.0 2.1");
}

TEST(PieceQueueBlocksTest, TheResumeRecordGetsWhatIsOnDiskOfUnfinishedPieces) {
  QueueWorld world(2, 4);
  world.Begin();
  Peer* a = world.Join("10");
  world.Claim(a, 4);
  world.Deliver(a, "0.0");
  world.Deliver(a, "0.2");
  EXPECT_TRUE(world.queue().PartialBlocks().empty());  // queued is not on disk
  world.Write(1);
  world.Deliver(a, "0.3");
  auto partial = world.queue().PartialBlocks();
  ASSERT_EQ(partial.size(), 1u);
  EXPECT_EQ(partial[0].first, 0u);
  EXPECT_EQ(partial[0].second, ToBitfield("1000"));
  world.Deliver(a, "0.1");
  world.Settle();
  EXPECT_TRUE(world.queue().PartialBlocks().empty());
}

TEST(PieceQueueBlocksTest, ALostPieceIsMissingAgain) {
  QueueWorld world(2, 2);
  world.Begin("11");
  EXPECT_TRUE(world.queue().Complete());
  Peer* a = world.Seed();
  EXPECT_FALSE(a->claimant->IsInteresting());
  world.Lose(1);
  EXPECT_FALSE(world.queue().Complete());
  EXPECT_FALSE(world.queue().IsWritten(1));
  EXPECT_TRUE(world.work_returned);
  EXPECT_TRUE(a->claimant->IsInteresting());
  EXPECT_EQ(world.queue().written_bytes(), world.layout().PieceBytes(0));
  world.Lose(1);  // known
  EXPECT_EQ(world.queue().written_bytes(), world.layout().PieceBytes(0));
  EXPECT_EQ(world.Claim(a, 9), "1.0 1.1");
  world.Lose(1);  // in flight
  world.Deliver(a, "1.0 1.1");
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_TRUE(world.DiskIsRight());
}

TEST(PieceQueueBlocksTest, ALostPieceThatIsNotWantedStaysLost) {
  QueueWorld world(2, 1);
  world.Begin("11", "10");
  world.Lose(1);
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_EQ(world.Claim(world.Seed(), 9), "");
}

// --- What a peer has -------------------------------------------------------------------------------------------------

TEST(PieceQueueBlocksTest, APeerIsInterestingAsLongAsItHasWhatIsNotVerified) {
  QueueWorld world(3, 1);
  world.Begin("100");
  Peer* a = world.Join("100");
  EXPECT_FALSE(a->claimant->IsInteresting());
  EXPECT_TRUE(a->claimant->AddPiece(1));
  EXPECT_FALSE(a->claimant->AddPiece(1));
  EXPECT_TRUE(a->claimant->HasPiece(1));
  EXPECT_TRUE(a->claimant->IsInteresting());
  Peer* b = world.Seed();
  while (world.Claim(b, 1) != "1.0") {
  }
  EXPECT_TRUE(a->claimant->IsInteresting());  // in flight elsewhere: it may be needed yet
  world.Deliver(b, "1.0");
  EXPECT_FALSE(a->claimant->IsInteresting());
}

TEST(PieceQueueBlocksTest, ALaterBitfieldReplacesTheFirst) {
  QueueWorld world(2, 1);
  world.Begin();
  Peer* a = world.Join("10");
  a->claimant->SetBitfield(ToBitfield("01"));
  EXPECT_FALSE(a->claimant->HasPiece(0));
  EXPECT_FALSE(a->claimant->IsSeed());
  EXPECT_EQ(world.Claim(a, 9), "1.0");
  a->claimant->SetBitfield(ToBitfield("11"));
  EXPECT_TRUE(a->claimant->IsSeed());
}

}  // namespace
}  // namespace torrent
