#include "base/rate_limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateLimiterTest, WithoutALimitAllPasses) {
  const TimePoint now = Now();
  RateLimiter limiter(0, now);
  EXPECT_TRUE(limiter.unlimited());
  EXPECT_EQ(limiter.Take(size_t{1} << 40, now), size_t{1} << 40);
  EXPECT_TRUE(limiter.TakeWhole(size_t{1} << 40, now));
  EXPECT_EQ(limiter.Ready(now), now);
}

TEST(RateLimiterTest, StartsEmpty) {
  const TimePoint now = Now();
  RateLimiter limiter(1'000'000, now);
  EXPECT_EQ(limiter.Take(100, now), 0u);
  EXPECT_GT(limiter.Ready(now), now);
  EXPECT_GT(limiter.Take(100'000, limiter.Ready(now)), 0u);
}

// Several that take as much as they get and come again when it is worth it, each a little late as threads are.
TEST(RateLimiterTest, NeverAboveTheRateAndWithinFivePercentBelowOverTenSeconds) {
  for (const int64_t rate : {10'000, 100'000, 1'000'000, 50'000'000}) {
    for (const int takers : {1, 2, 7, 50}) {
      Random random(static_cast<uint64_t>(rate + takers));
      const TimePoint begin = Now();
      RateLimiter limiter(rate, begin);
      std::vector<TimePoint> due(static_cast<size_t>(takers), begin);
      double passed = 0;
      while (true) {
        const auto next = std::min_element(due.begin(), due.end());
        const TimePoint now = *next;
        if (now > begin + seconds(10)) break;
        const size_t want = 1 + random.Below(256 * 1024);
        const size_t granted = limiter.Take(want, now);
        ASSERT_LE(granted, want);
        // Some of it is not used: the stream had less.
        const size_t used = granted == 0 ? 0 : 1 + random.Below(granted);
        limiter.Return(granted - used);
        passed += static_cast<double>(used);
        ASSERT_LE(passed, static_cast<double>(rate) * ToSeconds(now - begin) + 1) << rate << " " << takers;
        *next =
            (granted == 0 ? limiter.Ready(now) : now) + milliseconds(random.Below(3)) + std::chrono::microseconds(1);
      }
      EXPECT_GE(passed, 0.95 * static_cast<double>(rate) * 10) << rate << ", " << takers << " takers";
    }
  }
}

TEST(RateLimiterTest, OnCreditTheMeanIsTheRate) {
  // Uploads: whole blocks, whatever the bucket holds.
  for (const int64_t rate : {10'000, 1'000'000}) {
    const TimePoint begin = Now();
    RateLimiter limiter(rate, begin);
    constexpr size_t kBlock = 16 * 1024;
    double passed = 0;
    TimePoint now = begin;
    while (now < begin + seconds(60)) {
      if (limiter.TakeWhole(kBlock, now)) {
        passed += kBlock;
      } else {
        ASSERT_GT(limiter.Ready(now), now);
        now = limiter.Ready(now);
      }
      // Ahead by one block at most.
      ASSERT_LE(passed, static_cast<double>(rate) * ToSeconds(now - begin) + kBlock);
    }
    EXPECT_GE(passed, 0.95 * static_cast<double>(rate) * 60 - kBlock);
  }
}

TEST(RateLimiterTest, WhileCreditIsNotPaidNobodyPasses) {
  const TimePoint begin = Now();
  RateLimiter limiter(100'000, begin);
  TimePoint now = limiter.Ready(begin);
  ASSERT_TRUE(limiter.TakeWhole(100'000, now));
  EXPECT_FALSE(limiter.TakeWhole(1, now));
  EXPECT_EQ(limiter.Take(1, now), 0u);
  const TimePoint paid = limiter.Ready(now);
  EXPECT_NEAR(ToSeconds(paid - now), 1.0, 0.1);
  EXPECT_FALSE(limiter.TakeWhole(1, now + milliseconds(900)));
  EXPECT_TRUE(limiter.TakeWhole(1, paid));
}

TEST(RateLimiterTest, AfterAPauseOnlyHalfASecondIsMadeUpFor) {
  const TimePoint begin = Now();
  RateLimiter limiter(100'000, begin);
  EXPECT_EQ(limiter.Take(1'000'000, begin + seconds(3600)), 50'000u);
  EXPECT_EQ(limiter.Take(1'000'000, begin + seconds(3600)), 0u);
  limiter.Return(1'000'000);  // no more than the bucket holds
  EXPECT_EQ(limiter.Take(1'000'000, begin + seconds(3600)), 50'000u);
}

TEST(RateLimiterTest, AClockThatLooksBackGivesNothing) {
  // Threads read the clock before they take the lock.
  const TimePoint begin = Now();
  RateLimiter limiter(100'000, begin);
  limiter.Take(1'000'000, begin + seconds(1));
  EXPECT_EQ(limiter.Take(1'000'000, begin), 0u);
  EXPECT_EQ(limiter.Take(1'000'000, begin + seconds(1)), 0u);
}

TEST(RateLimiterTest, VerySlowRatesStillMove) {
  const TimePoint begin = Now();
  RateLimiter limiter(100, begin);
  TimePoint now = begin;
  size_t passed = 0;
  for (int i = 0; i < 10; i++) {
    now = limiter.Ready(now);
    passed += limiter.Take(1'000'000, now);
  }
  EXPECT_GT(passed, 0u);
  EXPECT_LE(static_cast<double>(passed), 100 * ToSeconds(now - begin));
}

}  // namespace
}  // namespace torrent
