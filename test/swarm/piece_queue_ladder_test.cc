// Which blocks a peer is given, rung by rung (piece_queue_claim.cc); the end is in piece_queue_endgame_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/swarm/queue_world.h"

namespace torrent {
namespace {

using ::testing::AnyOf;
using ::testing::StartsWith;
using Peer = QueueWorld::Peer;

// "4.0 4.1 4.2" for piece 4 and three blocks.
std::string Front(uint32_t piece, uint32_t begin, uint32_t end) {
  std::vector<BlockRef> blocks;
  for (uint32_t b = begin; b < end; b++) blocks.push_back({piece, b});
  return ToText(blocks);
}

uint32_t PieceOf(const std::string& blocks) { return ToBlocks(blocks).at(0).piece_index; }

// The first four pieces are taken at random, whatever their rarity: lets somebody have them, and leave.
void PassTheRandomFirst(QueueWorld* world, uint32_t blocks) {
  const uint32_t pieces = world->layout().piece_count();
  Peer* first = world->Join("1111" + std::string(pieces - 4, '0'));
  const std::string claimed = world->Claim(first, 4 * blocks);
  ASSERT_EQ(ToBlocks(claimed).size(), 4 * blocks);
  world->Deliver(first, claimed);
  world->Leave(first);
  world->Settle();
  ASSERT_EQ(world->written.size(), 4u);
}

// --- 1: more of the piece that it is on ------------------------------------------------------------------------------

TEST(PieceQueueLadderTest, APeerGoesOnWithItsPieceBeforeItBeginsAnother) {
  QueueWorld world(6, 4);
  world.Begin();
  Peer* a = world.Seed();
  const uint32_t p = PieceOf(world.Claim(a, 1));
  EXPECT_EQ(world.Claim(a, 2), Front(p, 1, 3));
  const std::string more = world.Claim(a, 2);
  EXPECT_THAT(more, StartsWith(Front(p, 3, 4)));
  EXPECT_NE(ToBlocks(more)[1].piece_index, p);
}

TEST(PieceQueueLadderTest, PeersThatBeginTogetherBeginDifferentPieces) {
  QueueWorld world(6, 4);
  world.Begin();
  std::set<uint32_t> pieces;
  for (int i = 0; i < 6; i++) pieces.insert(PieceOf(world.Claim(world.Seed(), 1)));
  EXPECT_EQ(pieces.size(), 6u);
}

// --- 2: a piece begun by a peer that left ----------------------------------------------------------------------------

TEST(PieceQueueLadderTest, AnAbandonedPieceGoesFirstWithWhatItLacks) {
  QueueWorld world(6, 4);
  world.Begin();
  Peer* a = world.Seed();
  const uint32_t p = PieceOf(world.Claim(a, 4));
  world.Deliver(a, Front(p, 0, 1));
  world.Deliver(a, Front(p, 2, 3));
  world.Leave(a);
  EXPECT_TRUE(world.work_returned);
  EXPECT_EQ(world.Claim(world.Seed(), 2), ToText({{p, 1}, {p, 3}}));
}

TEST(PieceQueueLadderTest, AnAbandonedPieceThatThePeerLacksIsLeftAlone) {
  QueueWorld world(2, 4);
  world.Begin();
  Peer* a = world.Join("10");
  world.Claim(a, 2);
  world.Leave(a);
  EXPECT_EQ(world.Claim(world.Join("01"), 1), "1.0");
}

// --- 3: a new piece --------------------------------------------------------------------------------------------------

TEST(PieceQueueLadderTest, TheRarestPieceIsBegunFirst) {
  QueueWorld world(8, 2);
  world.Begin();
  PassTheRandomFirst(&world, 2);
  world.Join("00001100");
  world.Join("00001010");
  world.Join("00001001");
  world.Join("00000100");
  Peer* seed = world.Seed();
  // One has 4: three; 5: two; 6 and 7: one each.
  const std::string first = world.Claim(seed, 4);
  EXPECT_THAT(first, AnyOf("6.0 6.1 7.0 7.1", "7.0 7.1 6.0 6.1"));
  EXPECT_EQ(world.Claim(seed, 4), "5.0 5.1 4.0 4.1");
}

TEST(PieceQueueLadderTest, RarityFollowsHavesAndLeavers) {
  QueueWorld world(7, 2);
  world.Begin();
  PassTheRandomFirst(&world, 2);
  Peer* a = world.Join("0000110");
  Peer* b = world.Join("0000001");
  world.Join("0000001");
  a->claimant->AddPiece(6);   // 4: 1, 5: 1, 6: 3
  b->claimant->AddPiece(4);   // 4: 2, 5: 1, 6: 3
  Peer* seed = world.Seed();  // counts for none
  EXPECT_EQ(world.Claim(seed, 2), "5.0 5.1");
  world.Leave(b);  // 4: 1, 6: 2
  EXPECT_EQ(world.Claim(seed, 4), "4.0 4.1 6.0 6.1");
}

TEST(PieceQueueLadderTest, TheFirstPiecesAreTakenAtRandomNotRarestFirst) {
  std::set<uint32_t> first;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    QueueWorld world(6, 1, seed);
    world.Begin();
    world.Join("111110");
    world.Join("111100");
    world.Join("111000");
    first.insert(PieceOf(world.Claim(world.Seed(), 1)));
  }
  EXPECT_EQ(first.size(), 6u);
}

TEST(PieceQueueLadderTest, NeighboursFollowEachOtherWhereRarityDoesNotCare) {
  QueueWorld world(20, 1);
  world.Begin();
  PassTheRandomFirst(&world, 1);
  Peer* seed = world.Seed();
  const uint32_t first = PieceOf(world.Claim(seed, 1));
  for (uint32_t next = first + 1; next < 20; next++) EXPECT_EQ(world.Claim(seed, 1), ToText({{next, 0}}));
}

TEST(PieceQueueLadderTest, ARareNeighbourGoesBeforeNothingRarer) {
  QueueWorld world(8, 1);
  world.Begin();
  PassTheRandomFirst(&world, 1);
  world.Join("00000100");
  world.Join("00001100");  // 4: 1, 5: 2, 6: 0, 7: 0
  Peer* seed = world.Seed();
  const std::string rarest = world.Claim(seed, 2);
  EXPECT_THAT(rarest, AnyOf("6.0 7.0", "7.0 6.0"));
  EXPECT_EQ(world.Claim(seed, 1), "4.0");  // 5 is its neighbour and follows, last
  EXPECT_EQ(world.Claim(seed, 1), "5.0");
}

TEST(PieceQueueLadderTest, APeerWithFewPiecesGetsTheRarestOfThem) {
  // More pieces than are looked at one by one.
  constexpr uint32_t kPieces = 300;
  QueueWorld world(kPieces, 1);
  world.Begin();
  PassTheRandomFirst(&world, 1);
  std::string has(kPieces, '0');
  has[100] = has[200] = '1';
  world.Join(has);
  has[200] = '0';
  world.Join(has);  // 100: 2, 200: 1, the others: 0
  has[200] = '1';
  Peer* few = world.Join(has);
  EXPECT_EQ(world.Claim(few, 3), "200.0 100.0");
}

TEST(PieceQueueLadderTest, WhatIsNotWantedIsNeverAskedFor) {
  QueueWorld world(4, 2);
  world.Begin("", "0101");
  Peer* useless = world.Join("1010");
  EXPECT_FALSE(useless->claimant->IsInteresting());
  EXPECT_EQ(world.Claim(useless, 8), "");
  Peer* seed = world.Seed();
  EXPECT_TRUE(seed->claimant->IsInteresting());
  EXPECT_THAT(world.Claim(seed, 8), AnyOf("1.0 1.1 3.0 3.1", "3.0 3.1 1.0 1.1"));
  world.Deliver(seed, "1.0 1.1 3.0 3.1");
  world.Settle();
  EXPECT_TRUE(world.queue().Complete());
  EXPECT_EQ(world.queue().written_bytes(), world.queue().wanted_bytes());
  EXPECT_EQ(world.queue().wanted_bytes(), 4 * kBlockBytes - 1000);
}

TEST(PieceQueueLadderTest, ASuggestedPieceIsBegunNext) {
  QueueWorld world(9, 2);
  world.Begin();
  PassTheRandomFirst(&world, 2);
  for (int i = 0; i < 3; i++) world.Join("000000010");  // 7 is the most common one
  Peer* seed = world.Seed();
  seed->claimant->Suggest(7);
  EXPECT_EQ(world.Claim(seed, 2), "7.0 7.1");
  // One that is not missing, and one that the peer does not have, change nothing.
  seed->claimant->Suggest(0);
  EXPECT_EQ(PieceOf(world.Claim(seed, 2)), 8u);
  Peer* few = world.Join("000001000");
  few->claimant->Suggest(6);
  EXPECT_EQ(world.Claim(few, 2), "5.0 5.1");
}

TEST(PieceQueueLadderTest, WhileChokedOnlyTheAllowedPiecesAreAskedFor) {
  QueueWorld world(6, 2);
  world.Begin("000010");
  Peer* a = world.Join("111011");
  EXPECT_EQ(world.Claim(a, 10, {2, 3, 4}), "2.0 2.1");  // it lacks 3; 4 is here
  EXPECT_EQ(world.Claim(a, 10, {2, 3, 4}), "");
  world.Deliver(a, "2.0 2.1");
  world.Settle();
  EXPECT_EQ(world.written, std::vector<uint32_t>{2});
}

// --- 4: a piece that others are on -----------------------------------------------------------------------------------

TEST(PieceQueueLadderTest, WhoJoinsTakesHalfOfWhatIsLeftFromTheBack) {
  QueueWorld world(1, 8);
  world.Begin();
  Peer* a = world.Seed();
  Peer* b = world.Seed();
  EXPECT_EQ(world.Claim(a, 2), "0.0 0.1");
  EXPECT_EQ(world.Claim(b, 8), "0.7 0.6 0.5");
  EXPECT_EQ(world.Claim(a, 8), "0.2 0.3 0.4");
}

TEST(PieceQueueLadderTest, ThePieceThatWouldBeLastIsJoined) {
  QueueWorld world(2, 8);
  world.Begin();
  Peer* slow = world.Join("10", 200e3);
  Peer* fast = world.Join("01", 2e6);
  EXPECT_EQ(world.Claim(slow, 2), "0.0 0.1");
  EXPECT_EQ(world.Claim(fast, 2), "1.0 1.1");
  EXPECT_THAT(world.Claim(world.Seed(1e6), 3), StartsWith("0.7 0.6 0.5"));
}

TEST(PieceQueueLadderTest, APeerThatNeedsTooLongForAPieceHelpsWithAnothers) {
  QueueWorld world(4, 8);
  world.Begin();
  Peer* fast = world.Seed(1e6);
  const uint32_t p = PieceOf(world.Claim(fast, 1));
  Peer* slow = world.Seed(4e3);  // 33 s for 128 KiB
  EXPECT_EQ(world.Claim(slow, 2), ToText({{p, 7}, {p, 6}}));
  // It is the others that begin pieces.
  EXPECT_NE(PieceOf(world.Claim(world.Seed(1e6), 1)), p);
}

TEST(PieceQueueLadderTest, TowardsTheEndASlowPeerBeginsNoPieceThatEverybodyWouldWaitFor) {
  QueueWorld world(3, 8);
  world.Begin();
  Peer* fast = world.Seed(10e6);
  const uint32_t p = PieceOf(world.Claim(fast, 1));
  Peer* slow = world.Seed(20e3);  // 6.5 s for a piece; the others are through with all of it long before
  EXPECT_EQ(world.Claim(slow, 1), ToText({{p, 7}}));
}

TEST(PieceQueueLadderTest, ASlowPeerWithNobodyToHelpBeginsAPiece) {
  QueueWorld world(4, 8);
  world.Begin();
  EXPECT_EQ(ToBlocks(world.Claim(world.Seed(4e3), 2)).size(), 2u);
}

TEST(PieceQueueLadderTest, WithTooMuchBegunNewPeersJoinAndOnlyWhoCannotBegins) {
  // Four pieces of 512 MiB are all that may be in flight.
  QueueWorld world(6, 32768);
  world.Begin();
  for (const char* bits : {"100000", "010000", "001000", "000100"}) {
    ASSERT_EQ(ToBlocks(world.Claim(world.Join(bits), 1)).size(), 1u);
  }
  EXPECT_LT(PieceOf(world.Claim(world.Seed(), 1)), 4u);
  EXPECT_EQ(world.Claim(world.Join("000010"), 1), "4.0");
}

}  // namespace
}  // namespace torrent
