#include "swarm/announcer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/sha1.h"
#include "net/resolver.h"
#include "net/udp_port.h"
#include "test/support/fake_trackers.h"
#include "test/support/fake_udp_tracker.h"
#include "test/support/recorder.h"
#include "tracker/udp_transactions.h"

namespace torrent {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AnnouncerTest : public ::testing::Test {
 protected:
  void Create(const std::vector<std::vector<std::string>>& tiers, UdpTransactions* udp = nullptr,
              const Events* events = nullptr) {
    Announcer::Options options;
    options.trackers = tiers;
    options.infohash = Sha1Hash::FromRaw("aaaaaaaaaaaaaaaaaaaa");
    options.context.resolver = &resolver_;
    options.context.udp = udp;
    options.threads = &threads_;
    options.port = 6881;
    options.key = 1;
    announcer_ = *Announcer::Create(
        options, events == nullptr ? &events_ : events, [this] { return totals_; },
        [this] {
          MutexLock lock(&mutex_);
          woken_ = true;
          changed_.SignalAll();
        });
  }
  // One look: starts what is due, collects what has come.
  void Step() { announcer_->Step(Now() + skipped_, &peers_, &own_address_); }
  // Waits for the next wake, and looks.
  bool StepWhenWoken() {
    const TimePoint deadline = Now() + seconds(20);
    {
      MutexLock lock(&mutex_);
      while (!woken_ && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
      if (!woken_) return false;
      woken_ = false;
    }
    Step();
    return true;
  }
  static std::vector<std::string> EventsOf(const test::FakeTracker& tracker) {
    std::vector<std::string> events;
    for (const std::string& request : tracker.requests()) {
      const size_t at = request.find("&event=");
      events.push_back(at == std::string::npos ? ""
                                               : request.substr(at + 7, request.find_first_of("& ", at + 7) - at - 7));
    }
    return events;
  }

  Resolver resolver_;
  Budget threads_{8};
  const Events events_{nullptr, 0};
  Announcer::Totals totals_;
  Duration skipped_{};
  std::vector<Endpoint> peers_;
  absl::optional<Address> own_address_;
  Mutex mutex_;
  CondVar changed_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Announcer> announcer_;
};

TEST_F(AnnouncerTest, SaysStartedCompletedStoppedInThatOrderWithItsFigures) {
  const Endpoint peer = *Endpoint::Parse("127.0.0.1:7000");
  test::FakeTracker tracker({peer});
  Create({{tracker.url()}});
  EXPECT_TRUE(announcer_->has_trackers());
  totals_ = {1, 2, 3};
  Step();
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_THAT(peers_, ElementsAre(peer));
  EXPECT_EQ(threads_.taken(), 0);
  totals_ = {10, 20, 0};
  announcer_->Completed(Now());
  Step();
  ASSERT_TRUE(StepWhenWoken());
  announcer_->Stopped();
  EXPECT_FALSE(announcer_->Done());
  Step();
  EXPECT_FALSE(announcer_->Done());  // it is said, not heard
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_TRUE(announcer_->Done());
  EXPECT_THAT(EventsOf(tracker), ElementsAre("started", "completed", "stopped"));
  EXPECT_THAT(tracker.requests()[0], HasSubstr("uploaded=1&downloaded=2&left=3"));
  EXPECT_THAT(tracker.requests()[1], HasSubstr("uploaded=10&downloaded=20&left=0"));
}

TEST_F(AnnouncerTest, ATrackerThatHangsHoldsUpNeitherTheNextNorTheEnd) {
  // hazards 81 and 121
  test::FakeTracker hangs({}, /*silent=*/true);
  const Endpoint peer = *Endpoint::Parse("127.0.0.1:7000");
  test::FakeTracker answers({peer});
  Create({{hangs.url()}, {answers.url()}});
  Step();
  ASSERT_TRUE(hangs.WaitForRequest("event=started"));
  EXPECT_TRUE(answers.requests().empty());
  skipped_ = seconds(6);  // it had its patience
  Step();
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_THAT(peers_, ElementsAre(peer));
  const TimePoint begin = Now();
  announcer_->Cancel();
  EXPECT_LT(ToSeconds(Now() - begin), 10);  // of the minute that it may take
  EXPECT_EQ(threads_.taken(), 0);
}

TEST_F(AnnouncerTest, ItsEndJoinsWhatHangs) {
  test::FakeTracker hangs({}, /*silent=*/true);
  Create({{hangs.url()}});
  Step();
  ASSERT_TRUE(hangs.WaitForRequest("event=started"));
  const TimePoint begin = Now();
  announcer_.reset();
  EXPECT_LT(ToSeconds(Now() - begin), 10);
  EXPECT_EQ(threads_.taken(), 0);
}

TEST_F(AnnouncerTest, WithoutAThreadItIsSaidLater) {
  test::FakeTracker tracker({});
  Create({{tracker.url()}});
  {
    std::vector<Budget::Slot> all;
    for (int i = 0; i < 8; i++) all.push_back(threads_.TryTake());
    Step();
    EXPECT_GT(announcer_->NextDeadline(Now()), Now());
  }
  skipped_ = seconds(6);
  Step();
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_THAT(EventsOf(tracker), ElementsAre("started"));
}

TEST_F(AnnouncerTest, WithoutAUdpPortItsTrackersAreSkippedWithOneNotice) {
  test::FakeTracker http({});
  test::Recorder recorder(kAnnounceEvents);
  const Events events(&recorder, 0);
  Create({{"udp://127.0.0.1:1/announce", http.url()}, {"udp://127.0.0.1:2/announce"}}, nullptr, &events);
  EXPECT_TRUE(announcer_->has_trackers());
  const std::vector<AnnounceEvent> notices = recorder.All<AnnounceEvent>();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].tracker, "udp://127.0.0.1:1/announce");
  EXPECT_EQ(notices[0].warning, "skipped, and 1 more: no UDP port is open, which its scheme needs");
  Create({{"udp://127.0.0.1:1/announce"}});
  EXPECT_FALSE(announcer_->has_trackers());
  announcer_->Stopped();
  EXPECT_TRUE(announcer_->Done());
}

TEST_F(AnnouncerTest, UdpTrackersAreAnnouncedToBesideHttpOnes) {
  const std::unique_ptr<UdpPort> port = *UdpPort::Open(0, BindOptions());
  UdpTransactions udp(port.get());
  const Endpoint peer = *Endpoint::Parse("127.0.0.1:7000"), other = *Endpoint::Parse("127.0.0.1:7001");
  test::FakeUdpTracker answers(test::FakeUdpTracker::Naming({peer}));
  test::FakeUdpTracker dead([](const test::FakeUdpTracker::Request&, size_t) { return std::vector<std::string>(); });
  test::FakeTracker http({other});
  Create({{answers.url()}}, &udp);
  totals_ = {1, 2, 3};
  Step();
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_THAT(peers_, ElementsAre(peer));
  announcer_->Stopped();
  Step();
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_TRUE(announcer_->Done());
  const std::vector<test::FakeUdpTracker::Request> requests = answers.requests();
  ASSERT_EQ(requests.size(), 3u);  // connect, started, stopped
  EXPECT_EQ(requests[1].bytes.substr(56, 24), std::string("\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1", 24));
  EXPECT_EQ(requests[1].bytes.substr(80, 4), std::string("\0\0\0\2", 4));
  EXPECT_EQ(requests[2].bytes.substr(80, 4), std::string("\0\0\0\3", 4));

  // One that is dead has its patience, no more.
  Create({{dead.url()}, {http.url()}}, &udp);
  peers_.clear();
  Step();
  ASSERT_TRUE(dead.WaitForRequests(1));
  EXPECT_TRUE(http.requests().empty());
  skipped_ = seconds(6);
  Step();
  ASSERT_TRUE(StepWhenWoken());
  EXPECT_THAT(peers_, ElementsAre(other));
  const TimePoint begin = Now();
  announcer_.reset();
  EXPECT_LT(ToSeconds(Now() - begin), 10);
  EXPECT_EQ(threads_.taken(), 0);
}

TEST_F(AnnouncerTest, TheNextRunKeepsToTheLastRunsMinInterval) {
  test::FakeTracker tracker({});
  const std::string url = tracker.url();
  Create({{url}});
  announcer_->RestoreForbiddenTimes({}, Now(), 1'000'000);
  Step();
  ASSERT_TRUE(StepWhenWoken());
  // The fake names no min interval, so nothing is forbidden; what a record says is kept to.
  EXPECT_TRUE(announcer_->ForbiddenTimes(Now(), 1'000'000).empty());
  Create({{url}});
  const std::string key = absl::StrCat("announce_not_before.", Sha1::Of(url).Hex().substr(0, 16));
  announcer_->RestoreForbiddenTimes({{key, 1'000'100}, {"announce_not_before.other", 1'000'100}}, Now(), 1'000'000);
  EXPECT_THAT(announcer_->ForbiddenTimes(Now(), 1'000'000), ::testing::SizeIs(1));
  EXPECT_GE(announcer_->NextDeadline(Now()), Now() + seconds(90));
  Step();
  EXPECT_EQ(threads_.taken(), 0);
  // A wall clock that jumped forbids nothing for ever.
  Create({{url}});
  announcer_->RestoreForbiddenTimes({{key, int64_t{1} << 60}}, Now(), 1'000'000);
  EXPECT_LE(announcer_->NextDeadline(Now()), Now() + std::chrono::hours(2));
  EXPECT_GE(announcer_->NextDeadline(Now()), Now() + std::chrono::minutes(119));
}

}  // namespace
}  // namespace torrent
