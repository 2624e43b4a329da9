// When trackers are told that a download started, is completed, and stopped.
#include <gtest/gtest.h>

#include "test/tracker/tiers_fixture.h"

namespace torrent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

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

}  // namespace
}  // namespace torrent
