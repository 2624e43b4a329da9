#include "swarm/peer_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>

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

// --- Sources ---------------------------------------------------------------------------------------------------------

class PeerBookSourcesTest : public PeerBookTest {
 protected:
  bool AddOf(PeerSource source, const std::string& text, const absl::optional<Address>& teller = absl::nullopt) {
    return book_.Add(At(text), source, now_, teller);
  }
  // The i-th of many global addresses.
  static std::string Nth(size_t i, int first = 8) {
    return absl::StrCat(first, ".", i / 65536 % 256, ".", i / 256 % 256, ".", i % 256, ":2000");
  }
  PeersOfSource Count(PeerSource source) const { return book_.CountBySource()[static_cast<size_t>(source)]; }
};

TEST_F(PeerBookSourcesTest, AnAddressKeepsAllItsSourcesAndIsNamedByTheFirst) {
  EXPECT_TRUE(AddOf(PeerSource::kDht, "8.8.8.8:2000"));
  EXPECT_FALSE(AddOf(PeerSource::kPex, "8.8.8.8:2000"));
  EXPECT_TRUE(book_.HeardFrom(At("8.8.8.8:2000"), PeerSource::kDht));
  EXPECT_TRUE(book_.HeardFrom(At("8.8.8.8:2000"), PeerSource::kPex));
  EXPECT_FALSE(book_.HeardFrom(At("8.8.8.8:2000"), PeerSource::kTracker));
  EXPECT_EQ(Count(PeerSource::kDht).known, 1u);
  EXPECT_EQ(Count(PeerSource::kPex).known, 0u);
  EXPECT_EQ(book_.TakeNext(now_)->source, PeerSource::kDht);
}

TEST_F(PeerBookSourcesTest, CountsWhoWasEverConnectedOnce) {
  AddOf(PeerSource::kDht, "8.8.8.8:2000");
  for (int i = 0; i < 3; i++) {
    book_.Established(At("8.8.8.8:2000"), PeerSource::kDht);
    book_.Gone(At("8.8.8.8:2000"), Ending::kWasGood, now_);
  }
  EXPECT_EQ(Count(PeerSource::kDht).ever_connected, 1u);
  // It came to us this time; the book knows it by who named it.
  book_.Established(At("8.8.8.8:2000"), PeerSource::kIncoming);
  EXPECT_EQ(Count(PeerSource::kIncoming).ever_connected, 0u);
  // Who did not say where it listens is not in the book.
  book_.Established(At("8.8.8.9:0"), PeerSource::kIncoming);
  book_.Established(At("8.8.8.9:0"), PeerSource::kIncoming);
  EXPECT_EQ(Count(PeerSource::kIncoming).ever_connected, 2u);
}

TEST_F(PeerBookSourcesTest, KnownFollowsWhatIsInTheBook) {
  AddOf(PeerSource::kPex, "8.8.8.8:2000");
  AddOf(PeerSource::kPex, "8.8.8.9:2000");
  AddOf(PeerSource::kDht, "8.8.8.9:2001");
  book_.Ban(At("8.8.8.9:2000"));
  EXPECT_EQ(Count(PeerSource::kPex).known, 1u);
  EXPECT_EQ(Count(PeerSource::kDht).known, 0u);
  book_.Connected(At("8.8.8.8:2000"));
  book_.Gone(At("8.8.8.8:2000"), Ending::kOurselves, now_);
  EXPECT_EQ(Count(PeerSource::kPex).known, 0u);
}

// BEP 27.
TEST_F(PeerBookSourcesTest, APrivateTorrentTakesNobodyThatStrangersName) {
  PeerBook book(6881, 3, /*is_private=*/true);
  int i = 0;
  for (const PeerSource source : {PeerSource::kDht, PeerSource::kPex, PeerSource::kLan}) {
    EXPECT_FALSE(book.Add(At(Nth(i++)), source, now_));
  }
  EXPECT_EQ(book.size(), 0u);
  for (const PeerSource source :
       {PeerSource::kTracker, PeerSource::kIncoming, PeerSource::kUser, PeerSource::kResume}) {
    EXPECT_TRUE(book.Add(At(Nth(i++)), source, now_));
  }
}

// Hazard 57.
TEST_F(PeerBookSourcesTest, OnePeerBringsAFewHundredAtMost) {
  const Address liar = *Address::Parse("9.9.9.9"), other = *Address::Parse("9.9.9.8");
  size_t taken = 0;
  for (size_t i = 0; i < 1000; i++) taken += AddOf(PeerSource::kPex, Nth(i), liar);
  EXPECT_EQ(taken, kMaxKnownOfOnePeer);
  EXPECT_TRUE(AddOf(PeerSource::kPex, Nth(1000), other));
  // One that failed makes room for another of the same teller.
  book_.Connected(At(Nth(5)));
  book_.Gone(At(Nth(5)), Ending::kNeverEstablished, now_);
  EXPECT_TRUE(AddOf(PeerSource::kPex, Nth(1001), liar));
  EXPECT_FALSE(AddOf(PeerSource::kPex, Nth(1002), liar));
  EXPECT_FALSE(book_.HeardFrom(At(Nth(5)), PeerSource::kPex));
  EXPECT_EQ(book_.size(), kMaxKnownOfOnePeer + 1);
}

TEST_F(PeerBookSourcesTest, APeerCannotNameOneMachineAtManyPorts) {
  const Address liar = *Address::Parse("9.9.9.9");
  EXPECT_TRUE(AddOf(PeerSource::kPex, "8.8.8.8:2000", liar));
  EXPECT_FALSE(AddOf(PeerSource::kPex, "8.8.8.8:2001", liar));
  EXPECT_FALSE(AddOf(PeerSource::kPex, "8.8.8.8:2001", *Address::Parse("9.9.9.8")));
  EXPECT_TRUE(AddOf(PeerSource::kTracker, "8.8.8.8:2001"));
  EXPECT_TRUE(AddOf(PeerSource::kPex, "127.0.0.1:2000", *Address::Parse("127.0.0.1")));
  EXPECT_TRUE(AddOf(PeerSource::kPex, "127.0.0.1:2001", *Address::Parse("127.0.0.1")));
}

TEST_F(PeerBookSourcesTest, NoSourceOfStrangersFillsTheBook) {
  for (size_t i = 0; i < 3000; i++) {
    // Each is told by a peer of its own.
    AddOf(PeerSource::kPex, Nth(i), Address::FromBytes({9, 0, uint8_t(i / 100), 1}));
    AddOf(PeerSource::kLan, absl::StrCat("10.0.", i / 250, ".", i % 250, ":2000"));
  }
  EXPECT_EQ(Count(PeerSource::kPex).known, kMaxKnownOfPex);
  EXPECT_EQ(Count(PeerSource::kLan).known, kMaxKnownOfLan);
  for (size_t i = 0; i < 3000; i++) AddOf(PeerSource::kDht, Nth(i, 11));
  EXPECT_EQ(Count(PeerSource::kDht).known, kMaxKnownOfDht);
  EXPECT_EQ(book_.size(), kMaxKnownPeers);
}

TEST_F(PeerBookSourcesTest, InAFullBookTheBetterSourceTakesThePlaceOfTheLesser) {
  for (size_t i = 0; i < 1000; i++) {
    ASSERT_TRUE(AddOf(PeerSource::kPex, Nth(i), Address::FromBytes({9, 0, uint8_t(i / 100), 1})));
    ASSERT_TRUE(AddOf(PeerSource::kDht, Nth(i, 11)));
  }
  ASSERT_EQ(book_.size(), kMaxKnownPeers);
  size_t i = 5000;
  for (const PeerSource source :
       {PeerSource::kTracker, PeerSource::kUser, PeerSource::kResume, PeerSource::kIncoming, PeerSource::kLan}) {
    EXPECT_TRUE(AddOf(source, Nth(i++, 12)));
  }
  EXPECT_EQ(Count(PeerSource::kPex).known, 995u) << "the least of all gives way";
  EXPECT_EQ(Count(PeerSource::kDht).known, 1000u);
  EXPECT_FALSE(AddOf(PeerSource::kPex, Nth(i++, 12), *Address::Parse("7.7.7.7")));
  EXPECT_EQ(book_.size(), kMaxKnownPeers);
  // Trackers fill it to the end, but for what the user typed and the last run knew.
  for (size_t k = 0; k < 4000; k++) AddOf(PeerSource::kTracker, Nth(k, 13));
  EXPECT_EQ(Count(PeerSource::kUser).known, 1u);
  EXPECT_EQ(Count(PeerSource::kResume).known, 1u);
  EXPECT_EQ(Count(PeerSource::kPex).known + Count(PeerSource::kDht).known + Count(PeerSource::kIncoming).known, 0u);
}

TEST_F(PeerBookSourcesTest, WhatTheUserTypedStays) {
  ASSERT_TRUE(AddOf(PeerSource::kPex, Nth(0, 12)));
  AddOf(PeerSource::kUser, Nth(0, 12));  // typed, too
  for (int failure = 0; failure < 20; failure++) {
    book_.Connected(At(Nth(0, 12)));
    book_.Gone(At(Nth(0, 12)), Ending::kNeverEstablished, now_);
  }
  for (size_t i = 0; i < 3000; i++) AddOf(PeerSource::kTracker, Nth(i));
  EXPECT_TRUE(book_.HeardFrom(At(Nth(0, 12)), PeerSource::kUser));
}

// --- What it costs ---------------------------------------------------------------------------------------------------

// A sanitizer has an allocator of its own.
#ifndef TORRENT_SANITIZED
// Of the 2 MiB that addresses of one torrent may take, with the DHT and peer exchange.
TEST_F(PeerBookSourcesTest, TwoThousandAddressesTakeLittleMemory) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  auto book = std::make_unique<PeerBook>(6881, 3);
  for (size_t i = 0; i < kMaxKnownPeers; i++) book->Add(At(Nth(i)), PeerSource::kTracker, now_);
  const size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
  RecordProperty("bytes", static_cast<int>(bytes));
  EXPECT_LT(bytes, 256u << 10);
}
#endif

}  // namespace
}  // namespace torrent
