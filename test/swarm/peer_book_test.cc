#include "swarm/peer_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::UnorderedElementsAre;
using Ending = PeerBook::Ending;

Endpoint At(const std::string& text) { return *Endpoint::Parse(text); }

class PeerBookTest : public ::testing::Test {
 protected:
  bool Add(const std::string& text) { return book_.Add(At(text), PeerSource::kTracker, now_); }
  std::string Next() {
    absl::optional<PeerBook::Pick> pick = book_.TakeNext(now_);
    return pick ? pick->endpoint.ToString() : "";
  }

  PeerBook book_{6881, 3};
  TimePoint now_ = Now();
};

TEST_F(PeerBookTest, EachAddressIsKnownOnceAndHandedOutOnce) {
  EXPECT_EQ(book_.NextDue(now_), TimePoint::max());
  EXPECT_TRUE(Add("8.8.8.8:1"));
  EXPECT_FALSE(Add("8.8.8.8:1"));
  EXPECT_TRUE(Add("8.8.8.8:2"));
  EXPECT_FALSE(Add("8.8.8.8:0"));
  EXPECT_LE(book_.NextDue(now_), now_);
  EXPECT_EQ(book_.size(), 2u);
  EXPECT_THAT((std::vector<std::string>{Next(), Next()}), UnorderedElementsAre("8.8.8.8:1", "8.8.8.8:2"));
  EXPECT_EQ(book_.connected(), 2u);
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(book_.NextDue(now_), TimePoint::max());
}

TEST_F(PeerBookTest, TheOrderIsThatOfCanonicalPriorityOnceWeKnowOurAddress) {
  // BEP 40, "Canonical Peer Priority": ec2d7224 and 99568189 with our 123.213.32.10.
  Add("123.213.32.234:1");
  Add("98.76.54.32:1");
  book_.SetOwnAddress(*Address::Parse("123.213.32.10"));
  EXPECT_EQ(Next(), "98.76.54.32:1");
  EXPECT_EQ(Next(), "123.213.32.234:1");
  // Those that come later too.
  Add("123.213.32.234:2");
  Add("98.76.54.32:2");
  EXPECT_EQ(Next(), "98.76.54.32:2");
}

TEST_F(PeerBookTest, PortsCountBetweenEqualAddresses) {
  // 230.12.123.3:1234 and :300 are ae8b7034 with each other.
  PeerBook book(1234, 3);
  book.SetOwnAddress(*Address::Parse("230.12.123.3"));
  book.Add(At("230.12.123.3:300"), PeerSource::kTracker, now_);
  book.Add(At("230.12.123.1:5"), PeerSource::kTracker, now_);  // 99c54d79
  EXPECT_EQ(book.TakeNext(now_)->endpoint.ToString(), "230.12.123.3:300");
}

TEST_F(PeerBookTest, FailuresBackOffFromFiveSecondsToAnHourAndMore) {
  Add("8.8.8.8:1");
  for (int failure = 0; failure < 13; failure++) {
    const std::chrono::nanoseconds wait = seconds(5 << std::min(failure, 10));
    ASSERT_EQ(Next(), "8.8.8.8:1");
    book_.Gone(At("8.8.8.8:1"), Ending::kNeverEstablished, now_);
    EXPECT_GE(book_.NextDue(now_), now_ + wait);
    EXPECT_LE(book_.NextDue(now_), now_ + wait + wait / 4);
    now_ += wait - seconds(1);
    EXPECT_EQ(Next(), "");
    now_ += wait / 4 + seconds(2);
  }
}

TEST_F(PeerBookTest, ThoseThatNeverFailedGoFirst) {
  Add("8.8.8.8:1");
  Next();
  book_.Gone(At("8.8.8.8:1"), Ending::kNeverEstablished, now_);
  now_ += hours(1);
  for (int i = 0; i < 20; i++) Add(absl::StrCat("9.9.9.", i, ":1"));
  for (int i = 0; i < 20; i++) EXPECT_NE(Next(), "8.8.8.8:1");
  EXPECT_EQ(Next(), "8.8.8.8:1");
}

TEST_F(PeerBookTest, WhoWasGoodIsTriedAgainSoonAndItsFailuresAreForgotten) {
  Add("8.8.8.8:1");
  for (int i = 0; i < 3; i++) {
    Next();
    book_.Gone(At("8.8.8.8:1"), Ending::kNeverEstablished, now_);
    now_ += hours(2);
  }
  ASSERT_EQ(Next(), "8.8.8.8:1");
  book_.Gone(At("8.8.8.8:1"), Ending::kWasGood, now_);
  now_ += seconds(5);
  EXPECT_EQ(Next(), "");
  now_ += seconds(10);
  ASSERT_EQ(Next(), "8.8.8.8:1");
  book_.Gone(At("8.8.8.8:1"), Ending::kNeverEstablished, now_);
  EXPECT_LE(book_.NextDue(now_), now_ + seconds(75));
}

TEST_F(PeerBookTest, WhoIsUselessIsLeftAloneForLong) {
  Add("8.8.8.8:1");
  Next();
  book_.Gone(At("8.8.8.8:1"), Ending::kUseless, now_);
  EXPECT_GE(book_.NextDue(now_), now_ + minutes(30));
}

TEST_F(PeerBookTest, OurselvesIsForgottenForEver) {
  // hazard 49
  Add("8.8.8.8:1");
  Next();
  book_.Gone(At("8.8.8.8:1"), Ending::kOurselves, now_);
  EXPECT_EQ(book_.size(), 0u);
  EXPECT_EQ(book_.connected(), 0u);
  EXPECT_FALSE(Add("8.8.8.8:1"));
  EXPECT_TRUE(Add("8.8.8.8:2"));  // somebody else there
}

TEST_F(PeerBookTest, ABannedGlobalAddressIsBannedAtEveryPort) {
  Add("8.8.8.8:1");
  Add("8.8.8.8:2");
  Add("9.9.9.9:1");
  const std::string first = Next();  // connected while it is banned
  book_.Ban(At("8.8.8.8:7"));
  EXPECT_TRUE(book_.IsBanned(At("8.8.8.8:1")));
  EXPECT_FALSE(Add("8.8.8.8:3"));
  for (std::string next = Next(); !next.empty(); next = Next()) EXPECT_EQ(next, "9.9.9.9:1");
  if (first != "9.9.9.9:1") book_.Gone(At(first), Ending::kWasGood, now_);
  now_ += hours(10);
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(book_.size(), 1u);
}

TEST_F(PeerBookTest, OneThatIsConnectedWhileItIsBannedIsGoneAfterwards) {
  Add("8.8.8.8:1");
  ASSERT_EQ(Next(), "8.8.8.8:1");
  book_.Ban(At("8.8.8.8:1"));
  EXPECT_EQ(book_.connected(), 1u);
  book_.Gone(At("8.8.8.8:1"), Ending::kWasGood, now_);
  EXPECT_EQ(book_.size(), 0u);
  EXPECT_EQ(book_.connected(), 0u);
}

TEST_F(PeerBookTest, OfAnAddressThatIsNotGlobalOnlyThePortIsBanned) {
  Add("10.0.0.1:1");
  Add("10.0.0.1:2");
  book_.Ban(At("10.0.0.1:1"));
  EXPECT_EQ(Next(), "10.0.0.1:2");
  EXPECT_FALSE(Add("10.0.0.1:1"));
}

TEST_F(PeerBookTest, AnIncomingConnectionIsNotDialledMeanwhile) {
  Add("8.8.8.8:1");
  book_.Connected(At("8.8.8.8:1"));
  book_.Connected(At("8.8.8.8:1"));
  book_.Connected(At("8.8.8.8:9"));  // not known: where it came from is not where it listens
  EXPECT_EQ(book_.connected(), 1u);
  EXPECT_EQ(Next(), "");
  book_.Gone(At("8.8.8.8:1"), Ending::kWasGood, now_);
  EXPECT_EQ(book_.connected(), 0u);
  now_ += minutes(1);
  EXPECT_EQ(Next(), "8.8.8.8:1");
}

TEST_F(PeerBookTest, KeepsTwoThousandAndDropsWhoFailedMost) {
  for (size_t i = 0; i < kMaxKnownPeers; i++) ASSERT_TRUE(Add(absl::StrCat("8.8.", i / 250, ".", i % 250, ":1")));
  EXPECT_FALSE(Add("9.9.9.9:1"));  // nobody failed yet
  EXPECT_EQ(book_.size(), kMaxKnownPeers);
  const std::string once = Next();
  book_.Gone(At(once), Ending::kNeverEstablished, now_);
  const std::string twice = Next();
  for (int i = 0; i < 2; i++) {
    book_.Gone(At(twice), Ending::kNeverEstablished, now_);
    book_.Connected(At(twice));
  }
  EXPECT_TRUE(Add("9.9.9.9:1"));  // in the place of `once`: the other is connected
  EXPECT_EQ(book_.size(), kMaxKnownPeers);
  EXPECT_TRUE(book_.Add(At(once), PeerSource::kTracker, now_) == false);  // full again, and nobody to drop
  book_.Gone(At(twice), Ending::kNeverEstablished, now_);
  EXPECT_TRUE(Add(once));
  EXPECT_EQ(book_.size(), kMaxKnownPeers);
}

TEST_F(PeerBookTest, RemembersThoseThatWereConnectedTo) {
  for (int i = 0; i < 10; i++) Add(absl::StrCat("8.8.8.", i, ":1"));
  const std::string good = Next(), bad = Next(), there = Next();
  book_.Gone(At(good), Ending::kWasGood, now_);
  book_.Gone(At(bad), Ending::kNeverEstablished, now_);
  EXPECT_THAT(book_.Best(50), UnorderedElementsAre(At(good), At(there)));
  EXPECT_EQ(book_.Best(1).size(), 1u);
}

TEST_F(PeerBookTest, TellsWhereAnAddressCameFrom) {
  book_.Add(At("8.8.8.8:1"), PeerSource::kUser, now_);
  EXPECT_EQ(book_.TakeNext(now_)->source, PeerSource::kUser);
}

}  // namespace
}  // namespace torrent
