#include "swarm/peer_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/limits.h"
#include "net/resolver.h"
#include "test/support/fake_trackers.h"
#include "test/swarm/fake_dht.h"

namespace torrent {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class FakeLan final : public LanDiscovery {
 public:
  std::unique_ptr<Torrent> Add(const Infohash& infohash, std::function<void(const Endpoint&)> on_peer) override {
    torrents[infohash.Hex()] = std::move(on_peer);
    return std::make_unique<FakeTorrent>(this, infohash.Hex());
  }

  std::map<std::string, std::function<void(const Endpoint&)>> torrents;

 private:
  struct FakeTorrent : Torrent {
    FakeTorrent(FakeLan* lan, std::string name) : lan(lan), name(std::move(name)) {}
    ~FakeTorrent() override { lan->torrents.erase(name); }
    FakeLan* const lan;
    const std::string name;
  };
};

class PeerFinderTest : public ::testing::Test {
 protected:
  void Create(const std::string& tracker, bool is_private = false) {
    PeerFinder::Options options;
    options.announces.infohash = Sha1Hash::FromRaw("aaaaaaaaaaaaaaaaaaaa");
    options.announces.context.resolver = &resolver_;
    options.announces.threads = &threads_;
    options.announces.port = 6881;
    if (!tracker.empty()) options.announces.trackers = {{tracker}};
    options.dht = &dht_;
    options.lan = &lan_;
    options.is_private = is_private;
    options.nodes = {{"node.example", 6881}};
    finder_ = *PeerFinder::Create(
        std::move(options), &events_, [] { return Announcer::Totals(); },
        [this] {
          MutexLock lock(&mutex_);
          wakes_++;
          changed_.SignalAll();
        });
    now_ = Now();
  }
  // What it has found by now, as "source endpoint".
  std::vector<std::string> Step() {
    std::vector<std::string> found;
    for (const auto& [endpoint, source] : finder_->Step(now_).peers) {
      found.push_back(std::string(PeerSourceText(source)) + " " + endpoint.ToString());
    }
    return found;
  }
  static const char* PeerSourceText(PeerSource source) {
    return source == PeerSource::kDht ? "dht" : source == PeerSource::kLan ? "lan" : "tracker";
  }
  int wakes() {
    MutexLock lock(&mutex_);
    return wakes_;
  }
  void WaitForWake(int count) {
    const TimePoint deadline = Now() + seconds(20);
    MutexLock lock(&mutex_);
    while (wakes_ < count && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    EXPECT_GE(wakes_, count);
  }
  // The search that is under way ends, having found nobody.
  void EndSearch() {
    dht_.searches.back().on_done(8, 3);
    Step();
  }

  const Endpoint peer_ = *Endpoint::Parse("1.0.0.1:2000"), other_ = *Endpoint::Parse("10.0.0.1:2000");
  Resolver resolver_;
  Budget threads_{8};
  const Events events_{nullptr, 0};
  FakeDht dht_;
  FakeLan lan_;
  TimePoint now_;
  Mutex mutex_;
  CondVar changed_;
  int wakes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<PeerFinder> finder_;
};

TEST_F(PeerFinderTest, AllSourcesStartAtOnceAndEachIsNamed) {
  test::FakeTracker tracker({*Endpoint::Parse("127.0.0.1:7000")});
  Create(tracker.url());
  EXPECT_THAT(Step(), IsEmpty());
  ASSERT_EQ(dht_.searches.size(), 1u);
  EXPECT_EQ(dht_.searches[0].infohash, Sha1Hash::FromRaw("aaaaaaaaaaaaaaaaaaaa"));
  EXPECT_EQ(dht_.searches[0].announce_port, 6881);
  EXPECT_THAT(dht_.nodes, ElementsAre(Pair("node.example", 6881)));
  ASSERT_EQ(lan_.torrents.size(), 1u);
  EXPECT_TRUE(tracker.WaitForRequest("event=started"));
  WaitForWake(1);
  EXPECT_THAT(Step(), ElementsAre("tracker 127.0.0.1:7000"));

  const int before = wakes();
  dht_.searches[0].on_peers({peer_});
  lan_.torrents.begin()->second(other_);
  EXPECT_EQ(wakes(), before + 2);
  EXPECT_THAT(Step(), ElementsAre("dht 1.0.0.1:2000", "lan 10.0.0.1:2000"));
  EXPECT_THAT(Step(), IsEmpty());
}

// Hazard 121: a tracker that hangs.
TEST_F(PeerFinderTest, ATrackerThatHangsDelaysNothing) {
  test::FakeTracker hangs({}, /*silent=*/true);
  Create(hangs.url());
  const TimePoint begin = Now();
  Step();
  ASSERT_TRUE(hangs.WaitForRequest("event=started"));
  dht_.searches.at(0).on_peers({peer_});
  lan_.torrents.begin()->second(other_);
  EXPECT_THAT(Step(), ElementsAre("dht 1.0.0.1:2000", "lan 10.0.0.1:2000"));
  EXPECT_LT(Now() - begin, seconds(10));
  finder_->Cancel();
}

// BEP 27.
TEST_F(PeerFinderTest, APrivateTorrentHasItsTrackersAlone) {
  test::FakeTracker tracker({*Endpoint::Parse("127.0.0.1:7000")});
  Create(tracker.url(), /*is_private=*/true);
  Step();
  WaitForWake(1);
  EXPECT_THAT(Step(), ElementsAre("tracker 127.0.0.1:7000"));
  for (int i = 0; i < 10; i++) {
    now_ += kDhtSearchInterval;
    finder_->RequestMorePeers(now_);
    Step();
  }
  EXPECT_THAT(dht_.searches, IsEmpty());
  EXPECT_THAT(dht_.nodes, IsEmpty());
  EXPECT_THAT(lan_.torrents, IsEmpty());
}

TEST_F(PeerFinderTest, TheNextSearchBeginsAnIntervalAfterTheLastOne) {
  Create("");
  Step();
  const TimePoint begun = now_;
  now_ += kDhtSearchInterval + seconds(1);
  Step();
  EXPECT_EQ(dht_.searches.size(), 1u) << "one at a time";
  now_ = begun + seconds(20);
  EndSearch();
  EXPECT_EQ(dht_.live, 0);
  EXPECT_EQ(finder_->NextDeadline(now_), begun + kDhtSearchInterval);
  now_ = begun + kDhtSearchInterval - seconds(1);
  Step();
  EXPECT_EQ(dht_.searches.size(), 1u);
  now_ += seconds(1);
  Step();
  EXPECT_EQ(dht_.searches.size(), 2u);
}

TEST_F(PeerFinderTest, WithFewPeersItSearchesSoonerAndEachTimeLess) {
  Create("");
  Step();
  Duration wait = kDhtHungryInterval;
  for (size_t search = 1; search <= 8; search++) {
    ASSERT_EQ(dht_.searches.size(), search);
    const TimePoint begun = now_;
    now_ += seconds(20);
    finder_->RequestMorePeers(now_);  // while it is under way: nothing changes
    EndSearch();
    EXPECT_EQ(dht_.searches.size(), search);
    finder_->RequestMorePeers(now_);
    EXPECT_EQ(finder_->NextDeadline(now_), begun + std::min<Duration>(wait, kDhtSearchInterval));
    now_ = finder_->NextDeadline(now_);
    Step();
    wait *= 2;
  }
}

TEST_F(PeerFinderTest, ToBeToldThatPeersAreFewBeforeTheFirstSearchChangesNothing) {
  Create("");
  finder_->RequestMorePeers(now_);
  Step();
  EXPECT_EQ(dht_.searches.size(), 1u);
}

TEST_F(PeerFinderTest, HoldsABoundedNumberThatNobodyFetches) {
  Create("");
  Step();
  const std::vector<Endpoint> many(kMaxKnownPeers + 10, peer_);
  dht_.searches[0].on_peers(many);
  for (int i = 0; i < 10; i++) lan_.torrents.begin()->second(other_);
  EXPECT_EQ(Step().size(), kMaxKnownPeers);
}

TEST_F(PeerFinderTest, StoppedLeavesTheDhtAndTheLocalNetwork) {
  Create("");
  Step();
  const Dht::SearchOptions search = dht_.searches[0];
  finder_->Stopped();
  EXPECT_EQ(dht_.live, 0);
  EXPECT_THAT(lan_.torrents, IsEmpty());
  now_ += 2 * kDhtSearchInterval;
  finder_->RequestMorePeers(now_);
  Step();
  EXPECT_EQ(dht_.searches.size(), 1u);
  // A callback that was running when it ended does no harm.
  finder_.reset();
  search.on_peers({peer_});
}

}  // namespace
}  // namespace torrent
