#include "dht/peer_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class PeerStoreTest : public ::testing::Test {
 protected:
  static Endpoint Peer(int i) { return At(absl::StrCat("8.", i / 250, ".1.", i % 250, ":6881")); }
  void Add(const Infohash& infohash, const Endpoint& peer) { store_.Add(infohash, peer, own_, now_); }
  std::vector<Endpoint> Sample(size_t count, absl::string_view asker = "9.9.9.9") {
    return store_.Sample(swarm_, *Address::Parse(asker), count, now_);
  }

  const NodeId own_ = RandomNodeId();
  const Infohash swarm_ = RandomIdSharing(own_, 40);
  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  PeerStore store_{1, now_};
};

TEST_F(PeerStoreTest, KeepsEachPeerOnceAndForHalfAnHour) {
  Add(swarm_, Peer(1));
  Add(swarm_, Peer(1));
  now_ += minutes(20);
  Add(swarm_, Peer(2));
  EXPECT_THAT(Sample(50), UnorderedElementsAre(Peer(1), Peer(2)));
  now_ += minutes(10);
  EXPECT_THAT(Sample(50), ElementsAre(Peer(2)));
  now_ += minutes(20);
  EXPECT_FALSE(store_.Has(swarm_, now_));
  Add(RandomNodeId(), Peer(3));
  EXPECT_EQ(store_.peer_count(), 1u);
  EXPECT_EQ(store_.torrent_count(), 1u);
}

TEST_F(PeerStoreTest, SamplesAtRandom) {
  for (int i = 0; i < 60; ++i) Add(swarm_, Peer(i));
  std::set<Endpoint> seen;
  for (int round = 0; round < 100; ++round) {
    const std::vector<Endpoint> sample = Sample(10);
    EXPECT_EQ(std::set<Endpoint>(sample.begin(), sample.end()).size(), 10u);
    seen.insert(sample.begin(), sample.end());
  }
  EXPECT_THAT(seen, SizeIs(60));
}

TEST_F(PeerStoreTest, NamesNobodyThatTheAskerMayNotBeLedTo) {
  Add(swarm_, At("8.8.8.8:6881"));
  Add(swarm_, At("10.0.0.1:6881"));
  Add(swarm_, At("127.0.0.1:6881"));
  EXPECT_THAT(Sample(50, "9.9.9.9"), SizeIs(1));
  EXPECT_THAT(Sample(50, "10.0.0.2"), SizeIs(2));
  EXPECT_THAT(Sample(50, "127.0.0.2"), SizeIs(3));
}

TEST_F(PeerStoreTest, TheOldestPeerOfAFullTorrentGivesWay) {
  for (size_t i = 0; i < kMaxDhtStoredPeersPerTorrent + 10; ++i) {
    Add(swarm_, Peer(static_cast<int>(i)));
    now_ += std::chrono::seconds(1);
  }
  const std::vector<Endpoint> all = Sample(1000);
  EXPECT_THAT(all, SizeIs(kMaxDhtStoredPeersPerTorrent));
  EXPECT_EQ(std::count(all.begin(), all.end(), Peer(9)), 0);
  EXPECT_EQ(std::count(all.begin(), all.end(), Peer(10)), 1);
}

TEST_F(PeerStoreTest, AFullStoreKeepsWhatIsClosestToUs) {
  Add(swarm_, Peer(1));
  for (size_t i = 0; i < 3 * kMaxDhtStoredTorrents; ++i) Add(RandomIdSharing(own_, 3), Peer(2));
  EXPECT_EQ(store_.torrent_count(), kMaxDhtStoredTorrents);
  EXPECT_TRUE(store_.Has(swarm_, now_));
  const Infohash far = RandomIdSharing(own_, 0);
  Add(far, Peer(3));
  EXPECT_FALSE(store_.Has(far, now_));
}

TEST_F(PeerStoreTest, BoundsAllPeersTogether) {
  for (int torrent = 0; torrent < 60; ++torrent) {
    const Infohash infohash = RandomIdSharing(own_, 1 + torrent % 20);
    for (int i = 0; i < 100; ++i) Add(infohash, Peer(i));
    EXPECT_LE(store_.peer_count(), kMaxDhtStoredPeers);
  }
  EXPECT_GT(store_.peer_count(), kMaxDhtStoredPeers - 200);
}

}  // namespace
}  // namespace torrent
