#include "cli/signals.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <deque>

namespace torrent {
namespace {

// What happened, for a thread that waits for it.
class Log {
 public:
  void Add(int what) {
    MutexLock lock(&mutex_);
    log_.push_back(what);
    changed_.SignalAll();
  }
  // The next one; -1 when nothing comes for `seconds`.
  int Next(double seconds = 20) {
    MutexLock lock(&mutex_);
    const TimePoint deadline = Now() + FromSeconds(seconds);
    while (log_.empty() && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    if (log_.empty()) return -1;
    const int what = log_.front();
    log_.pop_front();
    return what;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<int> log_ ABSL_GUARDED_BY(mutex_);
};

constexpr int kAsked = 1000;

class StopSignalsTest : public ::testing::Test {
 protected:
  std::unique_ptr<StopSignals> Start(std::chrono::milliseconds grace = std::chrono::seconds(60)) {
    auto stop = StopSignals::Start({grace, [this](int code) { log_.Add(code); }});
    EXPECT_TRUE(stop.ok()) << stop.status();
    return *std::move(stop);
  }
  Log log_;
};

TEST_F(StopSignalsTest, FirstAsksAndSecondEndsAtOnce) {
  const auto stop = Start();
  stop->OnStop([this] { log_.Add(kAsked); });
  kill(getpid(), SIGINT);
  EXPECT_EQ(log_.Next(), kAsked);
  EXPECT_EQ(stop->received(), SIGINT);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(log_.Next(), 128 + SIGTERM);
}

TEST_F(StopSignalsTest, WhatHangsIsEndedAfterTheGrace) {
  const auto stop = Start(std::chrono::milliseconds(50));
  stop->OnStop([this] { log_.Add(kAsked); });
  kill(getpid(), SIGTERM);
  EXPECT_EQ(log_.Next(), kAsked);
  EXPECT_EQ(log_.Next(), 128 + SIGTERM);
}

TEST_F(StopSignalsTest, EndsAtOnceWhereNothingIsToBeSaved) {
  const auto stop = Start();
  kill(getpid(), SIGHUP);
  EXPECT_EQ(log_.Next(), 128 + SIGHUP);
}

TEST_F(StopSignalsTest, AskIsMadeUpForWhenTheSignalCameFirst) {
  const auto stop = Start();
  kill(getpid(), SIGTERM);
  EXPECT_EQ(log_.Next(), 128 + SIGTERM);  // where the process would have ended
  stop->OnStop([this] { log_.Add(kAsked); });
  EXPECT_EQ(log_.Next(), kAsked);
}

TEST_F(StopSignalsTest, EndsInGoodOrderWithoutASecondSignal) {
  {
    const auto stop = Start();
    stop->OnStop([this] { log_.Add(kAsked); });
    kill(getpid(), SIGTERM);
    EXPECT_EQ(log_.Next(), kAsked);
  }  // joins the thread, long before the grace is over
  EXPECT_EQ(log_.Next(0), -1);
}

TEST_F(StopSignalsTest, SignalsThatWereIgnoredStayIgnored) {
  signal(SIGHUP, SIG_IGN);  // as nohup does
  {
    const auto stop = Start();
    stop->OnStop([this] { log_.Add(kAsked); });
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGINT);
    EXPECT_EQ(log_.Next(), kAsked);
    EXPECT_EQ(stop->received(), SIGINT);
  }
  signal(SIGHUP, SIG_DFL);
}

// Hazard 124.
TEST_F(StopSignalsTest, ABrokenPipeIsAnErrorAndNoSignal) {
  const auto stop = Start();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace torrent
