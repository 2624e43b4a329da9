#include "swarm/choker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace torrent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const TimePoint kBegin = Now();

// Interested peers 1..n that have been here long, of which the first gives most.
std::vector<Choker::Peer> Peers(int n) {
  std::vector<Choker::Peer> peers;
  for (int i = 1; i <= n; i++) {
    peers.push_back({static_cast<uint64_t>(i), true, false, false, 1000.0 * (n - i + 1), 0, kBegin - minutes(60)});
  }
  return peers;
}

TEST(ChokerTest, WhoGivesMostIsUnchokedAndOneMoreByLot) {
  Choker choker(0, 1);
  std::vector<Choker::Peer> peers = Peers(20);
  std::vector<uint64_t> unchoked = choker.Round(peers, /*seeding=*/false, 0, kBegin);
  ASSERT_EQ(unchoked.size(), 8u);
  for (uint64_t id = 1; id <= 7; id++) EXPECT_THAT(unchoked, Contains(id));
  EXPECT_GT(unchoked.back(), 7u);
}

TEST(ChokerTest, ASeederRanksByWhatPeersTake) {
  Choker choker(0, 1);
  std::vector<Choker::Peer> peers = Peers(20);
  for (Choker::Peer& peer : peers) peer.takes_rate = 1e6 - peer.gives_rate;  // the other way round
  std::vector<uint64_t> unchoked = choker.Round(peers, /*seeding=*/true, 0, kBegin);
  for (uint64_t id = 14; id <= 20; id++) EXPECT_THAT(unchoked, Contains(id));
}

TEST(ChokerTest, WhoIsNotInterestedGetsNoSlot) {
  Choker choker(0, 1);
  std::vector<Choker::Peer> peers = Peers(20);
  for (Choker::Peer& peer : peers) peer.interested = peer.id > 15;
  EXPECT_THAT(choker.Round(peers, false, 0, kBegin), UnorderedElementsAre(16, 17, 18, 19, 20));
  EXPECT_THAT(choker.Round({}, false, 0, kBegin), IsEmpty());
}

TEST(ChokerTest, ASnubbedPeerComesAfterThoseThatGiveNothing) {
  Choker choker(0, 1);
  std::vector<Choker::Peer> peers = Peers(12);
  peers[0].snubbed = true;  // its rate is an old one
  for (int i = 5; i < 12; i++) peers[static_cast<size_t>(i)].gives_rate = 0;
  std::map<uint64_t, int> times;
  for (int round = 0; round < 3; round++) {
    for (uint64_t id : choker.Round(peers, false, 0, kBegin + round * kChokeRound)) times[id]++;
  }
  for (uint64_t id = 2; id <= 8; id++) EXPECT_EQ(times[id], 3) << id;
}

TEST(ChokerTest, TheOptimisticSlotTurnsEveryThirtySecondsAndReachesAll) {
  Choker choker(0, 7);
  const std::vector<Choker::Peer> peers = Peers(12);
  std::set<uint64_t> seen;
  uint64_t last = 0;
  int turns = 0;
  for (int round = 0; round < 300; round++) {
    const std::vector<uint64_t> unchoked = choker.Round(peers, false, 0, kBegin + round * kChokeRound);
    ASSERT_EQ(unchoked.size(), 8u);
    if (round % 3 == 0) {
      turns += unchoked.back() != last;
      last = unchoked.back();
    }
    EXPECT_EQ(unchoked.back(), last) << round;
    seen.insert(unchoked.back());
  }
  EXPECT_THAT(seen, UnorderedElementsAre(8, 9, 10, 11, 12));
  EXPECT_GT(turns, 50);
}

TEST(ChokerTest, AnOptimisticPeerThatLeftOrRoseIsReplacedAtOnce) {
  Choker choker(0, 7);
  std::vector<Choker::Peer> peers = Peers(12);
  const uint64_t first = choker.Round(peers, false, 0, kBegin).back();
  for (Choker::Peer& peer : peers) {
    if (peer.id == first) peer.gives_rate = 1e9;  // it shows what it can
  }
  const std::vector<uint64_t> unchoked = choker.Round(peers, false, 0, kBegin + kChokeRound);
  EXPECT_EQ(unchoked.front(), first);
  EXPECT_EQ(unchoked.size(), 8u);
  EXPECT_EQ(std::set<uint64_t>(unchoked.begin(), unchoked.end()).size(), 8u);
}

TEST(ChokerTest, NewcomersAreDrawnThreeTimesAsOften) {
  std::map<bool, int> drawn;
  for (uint64_t seed = 0; seed < 2000; seed++) {
    Choker choker(0, seed);
    std::vector<Choker::Peer> peers = Peers(9);
    peers[8].connected_at = kBegin - seconds(20);
    peers[8].gives_rate = 0;
    drawn[choker.Round(peers, false, 0, kBegin).back() == 9]++;
  }
  // 8 and 9 are drawn from, at 1 to 3.
  EXPECT_NEAR(drawn[true], 1500, 150);
}

TEST(ChokerTest, SlotsGrowWithTheUploadAndShrinkUnderALimit) {
  Choker open(0, 1);
  const std::vector<Choker::Peer> peers = Peers(200);
  EXPECT_EQ(open.Round(peers, false, 0, kBegin).size(), 8u);
  EXPECT_EQ(open.Round(peers, false, 10e6, kBegin).size(), 19u);
  EXPECT_EQ(open.Round(peers, false, 1e9, kBegin).size(), 100u);
  Choker limited(20 * 1024, 1);
  EXPECT_EQ(limited.Round(peers, false, 20 * 1024, kBegin).size(), 2u);
  Choker wide(10 << 20, 1);
  EXPECT_EQ(wide.Round(peers, false, 10e6, kBegin).size(), 8u);
}

TEST(ChokerTest, WhoBecomesInterestedGetsAFreeSlotAtOnce) {
  Choker choker(0, 1);
  std::vector<Choker::Peer> peers = Peers(10);
  for (Choker::Peer& peer : peers) peer.interested = peer.unchoked = peer.id <= 6;
  peers[6].unchoked = true;  // unchoked without interest: takes no slot
  peers[8].interested = true;
  EXPECT_THAT(choker.FillFreeSlots(peers), ElementsAre(9));
  for (Choker::Peer& peer : peers) peer.interested = true;
  EXPECT_THAT(choker.FillFreeSlots(peers), ElementsAre(8));
  peers[7].unchoked = true;
  EXPECT_THAT(choker.FillFreeSlots(peers), IsEmpty());
}

// Hazards 43, 48: interested peers that take nothing could hold all slots of a seeder, and an honest one would wait for
// the lot.
TEST(ChokerTest, ASlotOfWhichNothingIsTakenIsFree) {
  Choker choker(0, 1);
  std::vector<Choker::Peer> peers = Peers(10);
  for (Choker::Peer& peer : peers) {
    peer.takes_rate = 0;
    peer.idle = peer.unchoked = peer.id <= 8;
  }
  EXPECT_THAT(choker.FillFreeSlots(peers), ElementsAre(9, 10));
  const std::vector<uint64_t> unchoked = choker.Round(peers, /*seeding=*/true, 0, kBegin);
  EXPECT_THAT(unchoked, Contains(9));
  EXPECT_THAT(unchoked, Contains(10));
  EXPECT_EQ(unchoked.size(), 8u);
}

}  // namespace
}  // namespace torrent
