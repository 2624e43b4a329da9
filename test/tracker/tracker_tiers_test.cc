#include "tracker/tracker_tiers.h"

#include <gtest/gtest.h>

#include <set>

#include "base/limits.h"
#include "test/tracker/tiers_fixture.h"

namespace torrent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(TiersTest, StartsWithTheFirstAndRepeatsAtItsInterval) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  EXPECT_EQ(Due(), "") << "one announce in flight a tracker";
  Answer(0, Reply(seconds(900)));
  EXPECT_EQ(Due(), "");
  EXPECT_EQ(Wait(), seconds(900));
  EXPECT_EQ(Due(), "0");
}

TEST_F(TiersTest, TriesATierInOrderAndTheNextTierOnlyWhenAllFailed) {
  Make({2, 2});
  EXPECT_EQ(Due(), "0 started");
  Fail(0);
  EXPECT_EQ(Due(), "1 started");
  Fail(1);
  EXPECT_EQ(Due(), "2 started");
  Answer(2);
  EXPECT_EQ(Due(), "") << "one that answers is enough";
}

TEST_F(TiersTest, WhoAnsweredMovesToTheFrontOfItsTier) {
  Make({3});
  Due();
  Fail(0);
  Due();
  Fail(1);
  EXPECT_EQ(Due(), "2 started");
  Answer(2, Reply(minutes(30)));
  Wait();
  EXPECT_EQ(Due(), "2");
  Fail(2);
  EXPECT_EQ(Due(), "0 started") << "the others keep their order";
}

TEST_F(TiersTest, EarlierTiersAreTriedFirstAgainAtTheNextAnnounce) {
  Make({1, 1});
  Due();
  Fail(0);
  EXPECT_EQ(Due(), "1 started");
  Answer(1);
  Wait();
  EXPECT_EQ(Due(), "0 started");
  Fail(0);
  EXPECT_EQ(Due(), "1");
}

TEST_F(TiersTest, EachTierIsShuffledBySeedAndTiersStayInOrder) {
  std::set<std::vector<size_t>> orders;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    order_.clear();
    Make({3, 2}, seed);
    orders.insert(order_);
    EXPECT_LT(*std::max_element(order_.begin(), order_.begin() + 3), 3u) << "seed " << seed;
  }
  EXPECT_EQ(orders.size(), 12u) << "3! times 2! orders";
}

TEST_F(TiersTest, ATrackerThatHangsHoldsUpTheNextForFiveSecondsOnly) {
  Make({2, 1});
  EXPECT_EQ(Due(), "0 started");
  EXPECT_EQ(Wait(), seconds(5));
  EXPECT_EQ(Due(), "1 started");
  EXPECT_EQ(Wait(), seconds(5));
  EXPECT_EQ(Due(), "2 started");
  Answer(2, Reply(seconds(600)));
  EXPECT_EQ(Wait(), seconds(600));
  EXPECT_EQ(Due(), "2") << "the silent ones still have theirs in flight";
}

// libtorrent#6551 (hazard 80).
TEST_F(TiersTest, NeverHasTwoAnnouncesInFlightAtOneTracker) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  for (int i = 0; i < 100; ++i) {
    now_ += seconds(30);
    tiers_->RequestMorePeers(now_);
    EXPECT_EQ(Due(), "");
  }
  Fail(0);
  now_ += seconds(30);
  EXPECT_EQ(Due(), "0 started");
}

TEST_F(TiersTest, AtMostEightAnnouncesWaitAtOnce) {
  Make({100});
  size_t in_flight = 0;
  for (int i = 0; i < 100; ++i) {
    in_flight += tiers_->Due(now_).size();
    now_ += seconds(5);
  }
  EXPECT_EQ(in_flight, kMaxAnnouncesInFlight);
  EXPECT_EQ(tiers_->NextDeadline(now_), TimePoint::max()) << "only a report changes something";
}

TEST_F(TiersTest, BacksOffFromFiveSecondsToHalfAnHourWithJitter) {
  Make({1});
  Duration least = seconds(5);
  Duration last{};
  for (int failure = 1; failure <= 20; ++failure) {
    EXPECT_EQ(Due(), "0 started") << failure;
    Fail(0);
    last = Wait();
    EXPECT_GE(last, least) << failure;
    EXPECT_LE(last, std::min<Duration>(least * 3 / 2, minutes(30))) << failure;
    least = std::min<Duration>(least * 2, minutes(20));
  }
  std::set<Duration> waits;
  for (int i = 0; i < 10; ++i) {
    Due();
    Fail(0);
    waits.insert(Wait());
  }
  EXPECT_EQ(waits.size(), 10u) << "jitter";
  Due();
  Answer(0);
  Wait();
  EXPECT_EQ(Due(), "0");
  Fail(0);
  EXPECT_LE(Wait(), Duration(seconds(5)) * 3 / 2) << "an answer ends the back-off";
}

// libtorrent#1992, rtorrent#1408 (hazard 79).
TEST_F(TiersTest, AHundredDeadTrackersCostAFewWakeUpsAMinute) {
  Make({50, 50});
  int announces = 0, wakeups = 0;
  const TimePoint end = now_ + hours(24);
  while (now_ < end) {
    for (const AnnounceTask& task : tiers_->Due(now_)) {
      ++announces;
      tiers_->OnFailure(task.tracker, Dead(), now_);
    }
    const TimePoint next = tiers_->NextDeadline(now_);
    if (next > now_) ++wakeups;
    now_ = next;
  }
  // 100 trackers, each about 9 times on the way to half an hour and then every 20 to 30 minutes.
  EXPECT_LT(announces, 100 * (10 + 24 * 3));
  EXPECT_GT(announces, 100 * 24);
  EXPECT_LE(wakeups, announces);
}

TEST_F(TiersTest, MorePeersAreAskedForOnlyAfterTheMinInterval) {
  Make({2});
  Due();
  Answer(0, Reply(minutes(30), minutes(10)));
  tiers_->RequestMorePeers(now_);
  EXPECT_EQ(Due(), "") << "nor is another tracker asked in place of one that works";
  EXPECT_EQ(Wait(), minutes(10));
  EXPECT_EQ(Due(), "0");
  Answer(0, Reply(minutes(30)));
  tiers_->RequestMorePeers(now_);
  EXPECT_EQ(Wait(), seconds(60)) << "where no min interval is named";
  EXPECT_EQ(Due(), "0");
}

TEST_F(TiersTest, MorePeersDoNotPutOffAnAnnounce) {
  Make({1});
  Due();
  Answer(0, Reply(seconds(100)));
  now_ += seconds(99);
  tiers_->RequestMorePeers(now_);
  EXPECT_EQ(Due(), "0");
}

TEST_F(TiersTest, RetryInIsHonoured) {
  Make({1, 1});
  Due();
  Fail(0, TrackerRefusal("full", minutes(17)));
  EXPECT_EQ(Due(), "1 started");
  Fail(1, TrackerRefusal("no", absl::nullopt));
  EXPECT_LT(Wait(), seconds(8)) << "an ordinary back-off";
  EXPECT_EQ(Due(), "1 started");
  Fail(1, TrackerRefusal("unregistered torrent", kNever));
  EXPECT_GT(Wait(), minutes(16));
  EXPECT_EQ(Due(), "0 started");
}

TEST_F(TiersTest, NeverMeansNever) {
  Make({1});
  Due();
  Fail(0, TrackerRefusal("unregistered torrent", kNever));
  EXPECT_EQ(Due(), "");
  EXPECT_EQ(tiers_->NextDeadline(now_), TimePoint::max());
  EXPECT_EQ(tiers_->ForbiddenFor(order_[0], now_), kMaxRetryIn);
}

TEST_F(TiersTest, ASchemeThatIsNotSpokenIsPassedOverForGood) {
  Make({1, 1});
  Due();
  Fail(0, absl::UnimplementedError("udp"));
  EXPECT_EQ(Due(), "1 started");
  Answer(1, Reply(minutes(30)));
  Wait();
  EXPECT_EQ(Due(), "1");
}

TEST_F(TiersTest, AnAnnounceThatCouldNotStartIsRepeatedAndBlamesNobody) {
  Make({2});
  EXPECT_EQ(Due(), "0 started");
  tiers_->NotStarted(order_[0], now_);
  tiers_->RequestMorePeers(now_);
  EXPECT_EQ(Wait(), seconds(5));
  EXPECT_EQ(Due(), "0 started");
  Answer(0);
  tiers_->Completed(now_);
  EXPECT_EQ(Due(), "0 completed");
  tiers_->NotStarted(order_[0], now_);
  EXPECT_EQ(Due(), "");
  EXPECT_EQ(Wait(), seconds(5));
  EXPECT_EQ(Due(), "0 completed");
}

TEST_F(TiersTest, TheTrackerIdIsSentBack) {
  Make({1});
  EXPECT_EQ(tiers_->Due(now_)[0].tracker_id, "");
  AnnounceReply reply = Reply();
  reply.tracker_id = "abc";
  Answer(0, reply);
  Wait();
  EXPECT_EQ(tiers_->Due(now_)[0].tracker_id, "abc");
  Answer(0, Reply());
  Wait();
  EXPECT_EQ(tiers_->Due(now_)[0].tracker_id, "abc") << "kept when the next reply has none";
}

// Hazard 82: the min interval is kept over a restart.
TEST_F(TiersTest, WhatATrackerForbidsIsHandedToTheNextRun) {
  Make({2});
  Due();
  Answer(0, Reply(minutes(30), minutes(10)));
  now_ += minutes(4);
  const Duration forbidden = tiers_->ForbiddenFor(order_[0], now_);
  EXPECT_EQ(forbidden, minutes(6));
  EXPECT_EQ(tiers_->ForbiddenFor(order_[1], now_), Duration::zero());

  tiers_.emplace(std::vector<size_t>{2}, 1, now_);
  tiers_->Forbid(order_[0], forbidden, now_);
  EXPECT_EQ(Due(), "1 started") << "others may be asked meanwhile";
  Fail(1, TrackerRefusal("no", kNever));
  EXPECT_EQ(Wait(), minutes(6));
  EXPECT_EQ(Due(), "0 started");
}

TEST_F(TiersTest, OurOwnBackOffIsNotHandedOn) {
  Make({1});
  Due();
  Fail(0);
  EXPECT_EQ(tiers_->ForbiddenFor(order_[0], now_), Duration::zero());
}

TEST_F(TiersTest, WithoutTrackersNothingHappens) {
  Make({});
  EXPECT_EQ(Due(), "");
  EXPECT_EQ(tiers_->NextDeadline(now_), TimePoint::max());
  tiers_->Stopped();
  EXPECT_TRUE(tiers_->Done());
}

}  // namespace
}  // namespace torrent
