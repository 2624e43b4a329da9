#include "swarm/dialing.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

class DialingTest : public ::testing::Test {
 protected:
  DialingTest() {
    shared_.connections = &connections_;
    shared_.half_open = &half_open_;
    for (int i = 1; i <= 100; i++) {
      book_.Add({*Address::Parse(absl::StrCat("8.8.8.", i)), 6881}, PeerSource::kTracker, now_);
    }
  }
  // Peers that never answer: they keep their places.
  Dialled Dial(bool starts = true) {
    return DialPeers(
        &book_, shared_,
        [&](const PeerBook::Pick&, Budget::Slot half_open, Budget::Slot connection) {
          calls_++;
          if (!starts) return false;
          places_.push_back(std::move(half_open));
          connected_.push_back(std::move(connection));
          return true;
        },
        now_);
  }

  Budget connections_{60}, half_open_{kMaxHalfOpen};
  SharedParts shared_;
  PeerBook book_{6881, 3};
  const TimePoint now_ = Now();
  std::vector<Budget::Slot> places_, connected_;
  int calls_ = 0;
};

// hazard 67 (anacrolix HalfOpen): whatever number of addresses a torrent knows.
TEST_F(DialingTest, AtMostThirtyAreHalfOpenAtOnce) {
  Dialled dialled = Dial();
  EXPECT_EQ(calls_, 30);
  EXPECT_FALSE(dialled.full);
  EXPECT_EQ(dialled.next, now_ + kHalfOpenRetry);
  EXPECT_EQ(Dial().next, now_ + kHalfOpenRetry);
  EXPECT_EQ(calls_, 30);
  places_.resize(20);  // ten stand now
  Dial();
  EXPECT_EQ(calls_, 40);
  // All connections of the session are as many as they may be.
  places_.clear();
  dialled = Dial();
  EXPECT_EQ(calls_, 60);
  EXPECT_TRUE(dialled.full);
}

TEST_F(DialingTest, WhereTheMachineHasNoThreadItWaits) {
  EXPECT_EQ(Dial(/*starts=*/false).next, now_ + kDialPause);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(half_open_.taken(), 0);
  EXPECT_EQ(connections_.taken(), 0);
}

}  // namespace
}  // namespace torrent
