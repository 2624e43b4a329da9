#include "tracker/tracker_tiers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/limits.h"

namespace torrent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

AnnounceReply Reply(seconds interval = minutes(30), seconds min_interval = seconds(0)) {
  AnnounceReply reply;
  reply.interval = interval;
  reply.min_interval = min_interval;
  return reply;
}

const absl::Status kDead = absl::UnavailableError("refused");

// A clock, the tiers, and what they ask for as text: "0 started, 2 stopped".
class TiersTest : public ::testing::Test {
 protected:
  void Make(std::vector<size_t> tiers, uint64_t seed = 1) {
    tiers_.emplace(tiers, seed, now_);
    // Tests name trackers by their place in the shuffled order of their tier.
    size_t first = 0;
    TrackerTiers probe(tiers, seed, now_);
    for (size_t t = 0; t < tiers.size(); ++t) {
      for (size_t i = 0; i < tiers[t]; ++i) order_.push_back(first + i);
      first += tiers[t];
    }
    // The order in which all of them fail is the order in which they are tried.
    std::vector<size_t> seen;
    while (seen.size() < order_.size()) {
      std::vector<AnnounceTask> due = probe.Due(now_);
      if (due.size() != 1) break;
      seen.push_back(due[0].tracker);
      probe.OnFailure(due[0].tracker, absl::UnimplementedError(""), now_);
    }
    ASSERT_EQ(seen.size(), order_.size());
    order_ = seen;
  }
  size_t Place(size_t tracker) const {
    return static_cast<size_t>(std::find(order_.begin(), order_.end(), tracker) - order_.begin());
  }
  std::string Due() {
    std::vector<std::string> names;
    for (const AnnounceTask& task : tiers_->Due(now_)) {
      const absl::string_view event = TrackerEventName(task.event);
      names.push_back(absl::StrCat(Place(task.tracker), event.empty() ? "" : " ", event));
    }
    return absl::StrJoin(names, ", ");
  }
  void Answer(size_t place, const AnnounceReply& reply = Reply()) { tiers_->OnReply(order_[place], reply, now_); }
  void Fail(size_t place, const absl::Status& status = kDead) { tiers_->OnFailure(order_[place], status, now_); }
  // Lets time pass up to the next deadline; how long that was.
  Duration Wait() {
    const TimePoint then = tiers_->NextDeadline(now_);
    EXPECT_NE(then, TimePoint::max()) << "nothing will ever happen";
    const Duration waited = then - now_;
    EXPECT_GT(waited, Duration::zero()) << "would spin";
    now_ = then;
    return waited;
  }

  TimePoint now_ = TimePoint() + hours(1000);
  std::optional<TrackerTiers> tiers_;
  std::vector<size_t> order_;  // tracker index by the place in which it is tried first
};

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
      tiers_->OnFailure(task.tracker, kDead, now_);
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

TEST_F(TiersTest, StartedIsRepeatedUntilItIsAnswered) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  Fail(0);
  Wait();
  EXPECT_EQ(Due(), "0 started");
  Answer(0);
  Wait();
  EXPECT_EQ(Due(), "0");
  Fail(0);
  Wait();
  EXPECT_EQ(Due(), "0") << "answered once is enough";
}

TEST_F(TiersTest, CompletedIsAnnouncedAtOnceAndOnce) {
  Make({1});
  Due();
  Answer(0, Reply(minutes(30), minutes(20)));
  now_ += seconds(10);
  tiers_->Completed(now_);
  EXPECT_EQ(tiers_->NextDeadline(now_), now_);
  EXPECT_EQ(Due(), "0 completed") << "whatever the min interval";
  Answer(0, Reply(minutes(30)));
  EXPECT_EQ(Wait(), minutes(30));
  EXPECT_EQ(Due(), "0");
}

TEST_F(TiersTest, CompletedIsRepeatedUntilAnsweredAndComesAfterStarted) {
  Make({1, 1});
  Due();
  Answer(0);
  tiers_->Completed(now_);
  EXPECT_EQ(Due(), "0 completed");
  Fail(0);
  EXPECT_EQ(Due(), "1 started");
  Answer(1);
  EXPECT_EQ(Due(), "1 completed");
  Answer(1, Reply(minutes(30)));
  EXPECT_EQ(Wait(), minutes(30));
  EXPECT_EQ(Due(), "0") << "once a run, not once a tracker";
}

TEST_F(TiersTest, CompletedWaitsForTheAnnounceInFlight) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  tiers_->Completed(now_);
  EXPECT_EQ(Due(), "");
  Answer(0);
  EXPECT_EQ(Due(), "0 completed");
}

TEST_F(TiersTest, StoppedGoesAtOnceToAllThatAnsweredAndToNobodyElse) {
  Make({2, 1, 1});
  Due();
  Fail(0);
  EXPECT_EQ(Due(), "1 started");
  Answer(1);
  Wait();
  EXPECT_EQ(Due(), "1");
  Fail(1);
  EXPECT_EQ(Due(), "0 started");
  Fail(0);
  EXPECT_EQ(Due(), "2 started");
  Answer(2);
  tiers_->Stopped();
  EXPECT_FALSE(tiers_->Done());
  EXPECT_EQ(tiers_->NextDeadline(now_), now_);
  const std::string stopped = Due();
  EXPECT_TRUE(stopped == "1 stopped, 2 stopped" || stopped == "2 stopped, 1 stopped") << stopped;
  EXPECT_EQ(tiers_->NextDeadline(now_), TimePoint::max());
  Answer(1);
  Fail(2);
  EXPECT_TRUE(tiers_->Done()) << "a `stopped` that fails is not repeated";
  EXPECT_EQ(Due(), "");
}

TEST_F(TiersTest, StoppedWaitsForTheAnnounceInFlight) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  tiers_->Stopped();
  EXPECT_EQ(Due(), "");
  EXPECT_FALSE(tiers_->Done());
  Answer(0);
  EXPECT_EQ(Due(), "0 stopped");
  Fail(0, absl::CancelledError(""));
  EXPECT_TRUE(tiers_->Done());
}

// A download that other sources completed before the tracker answered `started`.
TEST_F(TiersTest, CompletedComesBeforeStoppedWhenTheAnswerToStartedComesLast) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  tiers_->Completed(now_);
  tiers_->Stopped();
  EXPECT_EQ(Due(), "");
  Answer(0);
  EXPECT_EQ(Due(), "0 completed");
  EXPECT_EQ(Due(), "");
  Answer(0);
  EXPECT_EQ(Due(), "0 stopped");
  Answer(0);
  EXPECT_TRUE(tiers_->Done());
}

TEST_F(TiersTest, CompletedIsNotRepeatedOnceStopping) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  Answer(0);
  tiers_->Completed(now_);
  EXPECT_EQ(Due(), "0 completed");
  tiers_->Stopped();
  Fail(0);
  EXPECT_EQ(Due(), "0 stopped");
}

TEST_F(TiersTest, NothingIsStoppedThatNeverAnswered) {
  Make({1});
  EXPECT_EQ(Due(), "0 started");
  tiers_->Stopped();
  Fail(0, absl::CancelledError(""));
  EXPECT_EQ(Due(), "");
  EXPECT_TRUE(tiers_->Done());
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
