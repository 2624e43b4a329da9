// Pieces whose hash disagrees: who is blamed, who is not, and that nothing gets stuck (hazard 47: libtorrent
// PR#8891, rakshasa#793, TorrServer#95, where honest seeders were banned).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/swarm/queue_world.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using Peer = QueueWorld::Peer;

// One piece of four blocks, a and b half each, and b lies in 0.3; all is on disk, and the evidence is kept.
class MixedPiece : public ::testing::Test {
 protected:
  MixedPiece() {
    world_.Begin();
    a_ = world_.Seed(1e6);
    b_ = world_.Seed(1e6);
    EXPECT_EQ(world_.Claim(a_, 2), "0.0 0.1");
    EXPECT_EQ(world_.Claim(b_, 1), "0.3");
    EXPECT_EQ(world_.Claim(b_, 1), "0.2");
    world_.Deliver(a_, "0.0 0.1");
    world_.Deliver(b_, "0.2");
    world_.Deliver(b_, "0.3", "!");
    world_.Settle();
    EXPECT_THAT(world_.failed, ElementsAre(0));
    EXPECT_EQ(world_.liars, "");
  }
  QueueWorld world_{1, 4};
  Peer* a_;
  Peer* b_;
};

TEST(PieceQueuePoisonTest, WhoSentAllOfABadPieceIsALiarAtOnce) {
  QueueWorld world(1, 3);
  world.Begin();
  Peer* a = world.Seed();
  world.Claim(a, 3);
  world.Deliver(a, "0.0");
  world.Deliver(a, "0.1", "!");
  world.Deliver(a, "0.2");
  EXPECT_THAT(world.failed, ElementsAre(0));
  EXPECT_EQ(world.liars, "a");
  EXPECT_EQ(world.queue().corrupt_bytes(), world.layout().PieceBytes(0));
  // What it sent is still in the writer's queue, and must not fall on what another sends.
  Peer* b = world.Seed();
  EXPECT_EQ(world.Claim(b, 3), "");
  world.Write(2);
  EXPECT_EQ(world.Claim(b, 3), "");
  world.Write(1);
  EXPECT_EQ(world.Claim(b, 3), "0.0 0.1 0.2");
  world.Deliver(b, "0.0 0.1 0.2");
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_TRUE(world.DiskIsRight());
  EXPECT_EQ(world.liars, "a");
}

TEST(PieceQueuePoisonTest, NothingIsAskedForBeforeTheEvidenceIsKept) {
  QueueWorld world(1, 2);
  world.Begin();
  Peer* a = world.Seed();
  Peer* b = world.Seed();
  world.Claim(a, 1);
  world.Claim(b, 1);
  world.Deliver(a, "0.0");
  world.Deliver(b, "0.1", "!");
  EXPECT_THAT(world.failed, ElementsAre(0));
  EXPECT_EQ(world.liars, "");
  world.Write();
  EXPECT_EQ(world.Claim(a, 2), "");
  EXPECT_TRUE(world.UpkeepOnce());
  EXPECT_EQ(world.Claim(a, 2), "0.0 0.1");
}

TEST_F(MixedPiece, IsFetchedAgainFromOnePeerAlone) {
  Peer* c = world_.Seed(1e6);
  Peer* d = world_.Seed(1e6);
  EXPECT_EQ(world_.Claim(c, 1), "0.0");
  for (Peer* other : {a_, b_, d}) EXPECT_EQ(world_.Claim(other, 4), "");
  EXPECT_EQ(world_.Claim(c, 4), "0.1 0.2 0.3");
  for (Peer* other : {a_, b_, d}) EXPECT_EQ(world_.Claim(other, 4), "");
  // Nor is what another sends unasked taken.
  EXPECT_EQ(world_.Deliver(d, "0.1"), "lost");
  EXPECT_EQ(world_.Deliver(c, "0.0 0.1 0.2 0.3"), "hash hash hash hash");
  world_.Settle();
  EXPECT_EQ(world_.liars, "b");
  EXPECT_TRUE(world_.queue().Complete());
}

TEST_F(MixedPiece, AContributorFetchesItWhereNobodyElseCan) {
  EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
  world_.Deliver(a_, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, TheLiarItselfFetchesItWellAndIsConvicted) {
  world_.Leave(a_);
  EXPECT_EQ(world_.Claim(b_, 4), "0.0 0.1 0.2 0.3");
  world_.Deliver(b_, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, WhoLiesAloneIsConvictedAndTheFirstLiarStillIsLater) {
  Peer* c = world_.Seed(1e6);
  Peer* d = world_.Seed(1e6);
  world_.Claim(c, 4);
  world_.Deliver(c, "0.0", "?");
  world_.Deliver(c, "0.1 0.2 0.3");
  EXPECT_EQ(world_.liars, "c");
  world_.Settle();
  EXPECT_EQ(world_.Claim(d, 4), "0.0 0.1 0.2 0.3");
  world_.Deliver(d, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_EQ(world_.liars, "cb");
}

TEST_F(MixedPiece, ALiarThatLeftIsConvictedAllTheSame) {
  world_.Leave(b_);
  world_.Claim(a_, 4);
  world_.Deliver(a_, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, AnOwnerThatLeavesMidwayIsFollowedByAnotherAndNothingIsMixed) {
  Peer* c = world_.Seed(1e6);
  world_.Claim(c, 3);
  world_.Deliver(c, "0.0");
  world_.Deliver(c, "0.1");
  world_.Leave(c);
  world_.Settle();
  EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
  world_.Deliver(a_, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_TRUE(world_.queue().Complete());
  EXPECT_TRUE(world_.DiskIsRight());
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, AnOwnerThatLeavesWithBlocksOnTheirWayToDiskWaitsForThem) {
  Peer* c = world_.Seed(1e6);
  world_.Claim(c, 3);
  world_.Deliver(c, "0.0");
  world_.Leave(c);
  EXPECT_EQ(world_.Claim(a_, 4), "");
  world_.Write();
  EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
}

TEST_F(MixedPiece, AnOwnerThatLeavesAfterItsLastBlockLosesNothing) {
  Peer* c = world_.Seed(1e6);
  world_.Claim(c, 4);
  world_.Deliver(c, "0.3");
  world_.Deliver(c, "0.2");
  world_.Deliver(c, "0.1");
  world_.Deliver(c, "0.0");  // the rest is hashed from the disk
  world_.Leave(c);
  world_.Settle();
  EXPECT_THAT(world_.written, ElementsAre(0));
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, AnOwnerThatIsChokedMayGoOnLaterThoughNobodyElseIsThere) {
  world_.Leave(b_);
  for (int choke = 0; choke < 3; choke++) {
    EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
    world_.GiveBackAll(a_);
  }
  EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
  EXPECT_EQ(world_.Deliver(a_, "0.0 0.1 0.2 0.3"), "hash hash hash hash");
  world_.Settle();
  EXPECT_TRUE(world_.queue().Complete());
}

TEST_F(MixedPiece, AnOwnerThatRejectsOneBlockStartsAgainOrLetsGo) {
  world_.Leave(b_);
  world_.Claim(a_, 4);
  world_.Deliver(a_, "0.0");
  world_.GiveBack(a_, "0.2");
  EXPECT_TRUE(world_.Drain());
  EXPECT_TRUE(world_.queue().Complete());
  EXPECT_TRUE(world_.DiskIsRight());
}

TEST_F(MixedPiece, AnOwnerThatStallsIsReplaced) {
  Peer* c = world_.Seed(1e6, milliseconds(20));
  EXPECT_EQ(world_.Claim(c, 4), "0.0 0.1 0.2 0.3");
  EXPECT_EQ(world_.Deliver(c, "0.0"), "hash");
  EXPECT_EQ(world_.Claim(a_, 4), "");
  world_.Advance(seconds(20));
  world_.Claim(a_, 4);  // sees that it is overdue
  EXPECT_EQ(world_.cancels, "c:0.1 c:0.2 c:0.3");
  EXPECT_EQ(world_.Deliver(c, "0.1"), "lost");
  world_.Settle();
  EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
  EXPECT_EQ(world_.Deliver(c, "0.2"), "lost");
  world_.Deliver(a_, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_TRUE(world_.queue().Complete());
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, ASlowOwnerIsReplacedByAPeerThatHasItAllSooner) {
  Peer* slow = world_.Seed(5e3);
  EXPECT_EQ(world_.Claim(slow, 4), "0.0 0.1 0.2 0.3");
  Peer* fast = world_.Seed(10e6);
  EXPECT_EQ(world_.Claim(fast, 4), "");
  EXPECT_EQ(world_.Claim(fast, 4), "0.0 0.1 0.2 0.3");
  world_.Deliver(fast, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_EQ(world_.liars, "b");
}

TEST_F(MixedPiece, IsNotAskedOfAPeerThatGivesOnlyWhatItAllowsWhileChoked) {
  Peer* c = world_.Seed(1e6);
  EXPECT_EQ(world_.Claim(c, 2, {0}), "");
  EXPECT_EQ(world_.Claim(a_, 4), "0.0 0.1 0.2 0.3");
  EXPECT_EQ(world_.Claim(c, 2, {0}), "");
  world_.Deliver(a_, "0.0 0.1 0.2 0.3");
  world_.Settle();
  EXPECT_TRUE(world_.queue().Complete());
}

TEST_F(MixedPiece, IsKeptOutOfTheResumeRecordWhileItIsFetchedAgain) {
  world_.Claim(a_, 4);
  world_.Deliver(a_, "0.0");
  world_.Write();
  EXPECT_TRUE(world_.queue().PartialBlocks().empty());
}

TEST_F(MixedPiece, NobodyIsJudgedByAPieceThatIsNotThereAnyMore) {
  world_.Claim(a_, 4);
  world_.Deliver(a_, "0.0 0.1 0.2 0.3");
  world_.Write();
  ASSERT_THAT(world_.written, ElementsAre(0));
  world_.Lose(0);  // its file was cut before the verdict
  EXPECT_FALSE(world_.UpkeepOnce());
  EXPECT_EQ(world_.liars, "");
  EXPECT_TRUE(world_.Drain());
  EXPECT_TRUE(world_.queue().Complete());
  EXPECT_EQ(world_.liars, "b");
}

TEST(PieceQueuePoisonTest, EvidenceThatCannotBeReadBlamesNobody) {
  QueueWorld world(1, 2);
  world.Begin();
  Peer* a = world.Seed();
  Peer* b = world.Seed();
  world.Claim(a, 1);
  world.Claim(b, 1);
  world.Deliver(a, "0.0");
  world.Deliver(b, "0.1", "!");
  world.Write();
  EXPECT_TRUE(world.UpkeepOnce(/*read_fails=*/true));
  EXPECT_TRUE(world.Drain());
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_EQ(world.liars, "");
}

TEST(PieceQueuePoisonTest, NoContributorFetchesItWhereThereIsAPeerWhoSentNothingOfIt) {
  QueueWorld world(2, 4);
  world.Begin();
  Peer* a = world.Join("10", 1e6);
  Peer* b = world.Join("10", 1e6);
  Peer* c = world.Join("01", 1e6);
  ASSERT_EQ(world.Claim(c, 1), "1.0");
  ASSERT_EQ(world.Claim(a, 2), "0.0 0.1");
  ASSERT_EQ(world.Claim(b, 1), "0.3");
  ASSERT_EQ(world.Claim(b, 1), "0.2");
  world.Deliver(a, "0.0 0.1");
  world.Deliver(b, "0.2 0.3", "!");
  world.Settle();
  ASSERT_THAT(world.failed, ElementsAre(0));
  c->claimant->AddPiece(0);
  EXPECT_EQ(world.Claim(a, 4), "");
  EXPECT_EQ(world.Claim(b, 4), "");
  EXPECT_EQ(world.Claim(c, 3), "1.1 1.2 1.3");
  world.Deliver(c, "1.0 1.1 1.2 1.3");
  EXPECT_EQ(world.Claim(c, 4), "0.0 0.1 0.2 0.3");
}

TEST(PieceQueuePoisonTest, BadBytesOfAnEarlierRunBlameNobody) {
  QueueWorld world(1, 2);
  world.Begin("", "", "0.0");
  world.Spoil("0.0");
  world.Settle();
  Peer* a = world.Seed();
  ASSERT_EQ(world.Claim(a, 2), "0.1");
  world.Deliver(a, "0.1");
  EXPECT_THAT(world.failed, ElementsAre(0));
  EXPECT_TRUE(world.Drain());
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_TRUE(world.DiskIsRight());
  EXPECT_EQ(world.liars, "");
}

TEST(PieceQueuePoisonTest, WhoAddsABadBlockToAnEarlierRunsIsConvicted) {
  QueueWorld world(1, 2);
  world.Begin("", "", "0.0");
  world.Settle();
  Peer* a = world.Seed();
  ASSERT_EQ(world.Claim(a, 2), "0.1");
  world.Deliver(a, "0.1", "!");
  EXPECT_EQ(world.liars, "");
  EXPECT_TRUE(world.Drain());
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_EQ(world.liars, "a");
}

TEST(PieceQueuePoisonTest, OneLiarOfTenIsOutWithinThreeFailedPiecesAndNoHonestPeerIs) {
  for (uint64_t seed = 1; seed <= 50; seed++) {
    SCOPED_TRACE(seed);
    // Fewer pieces than peers, so that everybody joins everybody's.
    QueueWorld world(6, 20, seed);
    world.Begin();
    Random random(seed);
    std::vector<Peer*> peers;
    for (int i = 0; i < 10; i++) peers.push_back(world.Seed(1e6));
    const size_t liar = random.Below(10);
    const std::string name(1, static_cast<char>('a' + liar));
    for (int turn = 0; turn < 3000 && !world.queue().Complete(); turn++) {
      const size_t i = random.Below(10);
      if (peers[i] == nullptr) continue;
      const std::string claimed = world.Claim(peers[i], 1);
      world.Deliver(peers[i], claimed, i == liar ? "!" : "");
      if (random.Below(3) == 0) world.Settle();
      if (!world.liars.empty() && peers[liar] != nullptr) {
        ASSERT_EQ(world.liars, name);
        ASSERT_LE(world.failed.size(), 3u);
        world.Leave(peers[liar]);
        peers[liar] = nullptr;
      }
    }
    EXPECT_EQ(world.liars.substr(0, 1), name);
    EXPECT_EQ(world.liars.find_first_not_of(name), std::string::npos) << world.liars;
    EXPECT_TRUE(world.queue().Complete());
    EXPECT_TRUE(world.DiskIsRight());
  }
}

}  // namespace
}  // namespace torrent
