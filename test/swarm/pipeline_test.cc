#include "swarm/pipeline.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A peer behind a line of a rate and a latency that keeps the pipeline full and answers in order.
class Line {
 public:
  Line(double bytes_per_second, Duration latency) : rate_(bytes_per_second), latency_(latency) {}

  // Lets it run for that long.
  void Run(Pipeline* pipeline, Duration time) {
    const TimePoint end = now + time;
    while (true) {
      while (asked_.size() < pipeline->depth()) {
        if (asked_.empty()) pipeline->OnFirstRequest(now);
        // It leaves the peer after what was asked before, and is there a latency later.
        free_at_ = std::max(free_at_, now) + FromSeconds(kBlockBytes / rate_);
        asked_.push_back({now, free_at_ + latency_, asked_.size()});
      }
      if (asked_.front().there > end) break;
      const Asked block = asked_.front();
      asked_.erase(asked_.begin());
      if (block.there > now) pipeline->OnWait(block.there - now);
      now = block.there;
      pipeline->OnBlocks(1, kBlockBytes, {now - block.at, block.ahead}, now);
      blocks++;
    }
    now = end;
  }
  void SetRate(double bytes_per_second) { rate_ = bytes_per_second; }
  void Forget() { asked_.clear(); }

  TimePoint now = Now();
  size_t blocks = 0;

 private:
  struct Asked {
    TimePoint at, there;
    size_t ahead;
  };
  double rate_;
  const Duration latency_;
  TimePoint free_at_;
  std::vector<Asked> asked_;
};

TEST(PipelineTest, GrowsByOneAnArrivedBlock) {
  const TimePoint begin = Now();
  Pipeline pipeline(begin);
  EXPECT_EQ(pipeline.depth(), Pipeline::kStartDepth);
  EXPECT_EQ(pipeline.pace().bytes_per_second, 0);
  pipeline.OnBlocks(1, kBlockBytes, {milliseconds(5), 0}, begin + milliseconds(5));
  EXPECT_EQ(pipeline.depth(), Pipeline::kStartDepth + 1);
  pipeline.OnBlocks(8, 8 * kBlockBytes, {milliseconds(5), 1}, begin + milliseconds(6));
  EXPECT_EQ(pipeline.depth(), Pipeline::kStartDepth + 9);
}

TEST(PipelineTest, KeepsALongFastLineFull) {
  // 20 MB/s over 200 ms need 245 blocks; 32 give 2.6 MB/s.
  Line line(20e6, milliseconds(200));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(10));
  line.blocks = 0;
  line.Run(&pipeline, seconds(10));
  EXPECT_GT(static_cast<double>(line.blocks) * kBlockBytes, 0.9 * 20e6 * 10);
  EXPECT_NEAR(pipeline.pace().bytes_per_second, 20e6, 2e6);
}

TEST(PipelineTest, StopsGrowingAndHoldsASecondsWorth) {
  Line line(1e6, milliseconds(20));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(20));
  const double wanted = 1e6 / kBlockBytes;  // 61 blocks
  EXPECT_NEAR(static_cast<double>(pipeline.depth()), wanted, wanted / 3);
  line.Run(&pipeline, seconds(20));
  EXPECT_NEAR(static_cast<double>(pipeline.depth()), wanted, wanted / 3);
  EXPECT_NEAR(pipeline.pace().bytes_per_second, 1e6, 1e5);
  // The latency is the line's, without the queue of our own requests.
  EXPECT_LT(ToSeconds(pipeline.pace().latency), 0.15);
}

TEST(PipelineTest, APeerThatAnswersAtOnceIsAskedForAMebibyte) {
  // On one machine, and a gigabit over 6 ms.
  for (const auto& [rate, latency] : {std::pair(2000e6, 0.0001), {500e6, 0.0002}, {125e6, 0.006}}) {
    Line line(rate, FromSeconds(latency));
    Pipeline pipeline(line.now);
    for (int i = 0; i < 100; i++) {
      line.Run(&pipeline, milliseconds(50));
      ASSERT_LE(pipeline.depth(), Pipeline::kNearDepth) << rate;
    }
    line.blocks = 0;
    line.Run(&pipeline, seconds(2));
    EXPECT_GT(static_cast<double>(line.blocks) * kBlockBytes, 0.95 * 2 * rate) << rate;
  }
}

TEST(PipelineTest, ABusySchedulerMakesNoPeerFar) {
  // Most blocks are late by what a scheduler takes; one in forty comes as soon as it is asked for.
  TimePoint now = Now();
  Pipeline pipeline(now);
  pipeline.OnFirstRequest(now);
  for (int i = 0; i < 1000; i++) {
    const Duration late = i % 40 == 0 ? milliseconds(1) : milliseconds(20);
    now += late / 4;
    pipeline.OnWait(late / 4);
    pipeline.OnBlocks(16, 16 * kBlockBytes, {late, 16}, now);
    ASSERT_LE(pipeline.depth(), Pipeline::kNearDepth) << i;
  }
}

TEST(PipelineTest, WhoIsFasterThanWeReadIsNotAskedForMore) {
  Line line(50e6, milliseconds(20));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(10));
  ASSERT_GT(pipeline.depth(), 300u);
  // The disk became slow: whenever we look, what we asked for lies there.
  TimePoint now = line.now;
  const TimePoint end = now + seconds(1);
  while (now < end) {
    now += milliseconds(10);
    pipeline.OnBlocks(2, 2 * kBlockBytes, {milliseconds(900), 300}, now);
  }
  EXPECT_LE(pipeline.depth(), Pipeline::kNearDepth);
}

TEST(PipelineTest, APeerThatServesInTurnsIsAskedForASecondsWorth) {
  // Twice a second it sends what was asked for until then; what is asked for meanwhile it sends too, at once.
  TimePoint now = Now();
  Pipeline pipeline(now);
  pipeline.OnFirstRequest(now);
  for (int turn = 0; turn < 40; turn++) {
    now += milliseconds(500);
    pipeline.OnWait(milliseconds(500));
    const size_t depth = pipeline.depth();
    pipeline.OnBlocks(depth / 2, depth / 2 * kBlockBytes, {milliseconds(500), 0}, now);
    pipeline.OnBlocks(depth / 2, depth / 2 * kBlockBytes, {milliseconds(1), depth / 2}, now + milliseconds(1));
  }
  EXPECT_EQ(pipeline.depth(), Pipeline::kMaxDepth);
}

TEST(PipelineTest, ASlowPeerHoldsFewBlocks) {
  Line line(20e3, milliseconds(50));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(120));
  EXPECT_GE(pipeline.depth(), Pipeline::kMinDepth);
  EXPECT_LE(pipeline.depth(), 6u);
}

TEST(PipelineTest, FollowsALineThatBecomesSlowAndFastAgain) {
  Line line(10e6, milliseconds(20));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(10));
  EXPECT_GT(pipeline.depth(), 300u);
  line.SetRate(100e3);
  line.Run(&pipeline, seconds(120));
  EXPECT_LT(pipeline.depth(), 20u);
  line.SetRate(10e6);
  line.Run(&pipeline, seconds(30));
  EXPECT_GT(pipeline.depth(), 300u);
}

TEST(PipelineTest, NeverAsksForMoreThanThePeerQueues) {
  for (const size_t reqq : {size_t{1}, size_t{5}, size_t{31}, size_t{100}, size_t{250}}) {
    Line line(50e6, milliseconds(100));
    Pipeline pipeline(line.now);
    pipeline.SetPeerQueue(reqq);
    const size_t cap = std::max(reqq, Pipeline::kMinDepth);
    EXPECT_LE(pipeline.depth(), cap);
    for (int i = 0; i < 100; i++) {
      line.Run(&pipeline, milliseconds(100));
      ASSERT_LE(pipeline.depth(), cap) << reqq;
    }
    EXPECT_EQ(pipeline.depth(), cap);
  }
  // A claim of any size is no reason to ask for everything.
  Line line(1000e6, milliseconds(100));
  Pipeline pipeline(line.now);
  pipeline.SetPeerQueue(1u << 30);
  line.Run(&pipeline, seconds(10));
  EXPECT_EQ(pipeline.depth(), Pipeline::kMaxDepth);
}

TEST(PipelineTest, WithoutAWordAboutItAsksForManyOnlyAsLongAsAllIsAnswered) {
  Line line(200e6, milliseconds(100));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(10));
  EXPECT_GT(pipeline.depth(), Pipeline::kUnknownQueue);
  pipeline.OnRefused();
  EXPECT_EQ(pipeline.depth(), Pipeline::kUnknownQueue);
  line.Run(&pipeline, seconds(10));
  EXPECT_EQ(pipeline.depth(), Pipeline::kUnknownQueue);
}

TEST(PipelineTest, AStallIsNoticedBetweenTwoAndTwentySeconds) {
  for (const double rate : {500.0, 5e3, 50e3, 1e6, 50e6}) {
    Line line(rate, milliseconds(30));
    Pipeline pipeline(line.now);
    line.Run(&pipeline, seconds(200));
    const double wait = ToSeconds(pipeline.StallDeadline() - line.now);
    EXPECT_LE(wait, 20.0) << rate;
    // Never before the next block of that rate is due.
    EXPECT_GE(ToSeconds(pipeline.StallDeadline() - line.now), std::min(kBlockBytes / rate, 1.9) - 40) << rate;
  }
  // Of a peer that said nothing yet.
  const TimePoint begin = Now();
  Pipeline pipeline(begin);
  pipeline.OnFirstRequest(begin + seconds(5));
  EXPECT_GE(pipeline.StallDeadline(), begin + seconds(5 + 2));
  EXPECT_LE(pipeline.StallDeadline(), begin + seconds(5 + 20));
}

TEST(PipelineTest, AfterAStallOneRequestTriesAndABlockBringsItBack) {
  Line line(10e6, milliseconds(20));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(10));
  const TimePoint deadline = pipeline.StallDeadline();
  EXPECT_GE(deadline, line.now + seconds(1));
  pipeline.OnStall(deadline);
  line.Forget();
  EXPECT_TRUE(pipeline.stalled());
  EXPECT_EQ(pipeline.depth(), 1u);
  EXPECT_GT(pipeline.StallDeadline(), deadline);  // the next try has its time
  pipeline.Decay(deadline + seconds(1));
  EXPECT_EQ(pipeline.depth(), 1u);
  line.now = deadline + seconds(2);
  line.Run(&pipeline, seconds(1));
  EXPECT_FALSE(pipeline.stalled());
  line.Run(&pipeline, seconds(15));
  EXPECT_GT(pipeline.depth(), 300u);
}

TEST(PipelineTest, TheRateFallsWhileNothingComes) {
  Line line(10e6, milliseconds(20));
  Pipeline pipeline(line.now);
  line.Run(&pipeline, seconds(10));
  const size_t depth = pipeline.depth();
  double before = pipeline.pace().bytes_per_second;
  for (int i = 1; i <= 20; i++) {
    pipeline.Decay(line.now + i * seconds(1));
    EXPECT_LT(pipeline.pace().bytes_per_second, before);
    before = pipeline.pace().bytes_per_second;
  }
  EXPECT_LT(before, 1e4);
  EXPECT_LT(pipeline.depth(), depth / 10);
  EXPECT_GE(pipeline.depth(), Pipeline::kMinDepth);
}

}  // namespace
}  // namespace torrent
