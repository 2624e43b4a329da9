#include "net/udp_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/listener.h"
#include "net/wait.h"
#include "test/net/patience.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr absl::string_view kDhtMessage = "d1:q4:pinge";
const std::string kTrackerReply("\0\0\0\1abcd1234", 12);

// What a handler was called with.
class Received {
 public:
  UdpPort::Handler Handler() {
    return [this](const Endpoint& from, absl::string_view datagram) {
      MutexLock lock(&mutex_);
      all_.emplace_back(from, std::string(datagram));
      changed_.SignalAll();
    };
  }
  // Blocks until `n` have come; what has come by then.
  std::vector<std::pair<Endpoint, std::string>> WaitFor(size_t n) {
    const TimePoint deadline = Now() + kPatience;
    MutexLock lock(&mutex_);
    while (all_.size() < n && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return all_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::pair<Endpoint, std::string>> all_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<UdpPort> OpenAny() {
  absl::StatusOr<std::unique_ptr<UdpPort>> port = UdpPort::Open(0, BindOptions());
  EXPECT_TRUE(port.ok()) << port.status();
  return *std::move(port);
}

Endpoint V4Of(const UdpPort& port) { return {Address::V4Loopback(), port.port()}; }
Endpoint V6Of(const UdpPort& port) { return {Address::V6Loopback(), port.port()}; }

TEST(UdpPortTest, HandsEachDatagramOutByWhatItIs) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  Received dht, tracker;
  b->Handle(UdpPort::Kind::kDht, dht.Handler());
  b->Handle(UdpPort::Kind::kTracker, tracker.Handler());
  const std::string other_actions[] = {std::string("\0\0\0\0abcd", 8), std::string("\0\0\0\2abcd", 8),
                                       std::string("\0\0\0\3abcd", 8)};
  ASSERT_TRUE(a->Send(V4Of(*b), kDhtMessage).ok());
  ASSERT_TRUE(a->Send(V4Of(*b), kTrackerReply).ok());
  for (const std::string& reply : other_actions) ASSERT_TRUE(a->Send(V4Of(*b), reply).ok());
  EXPECT_THAT(dht.WaitFor(1), ElementsAre(Pair(V4Of(*a), std::string(kDhtMessage))));
  EXPECT_THAT(tracker.WaitFor(4), ElementsAre(Pair(V4Of(*a), kTrackerReply), Pair(V4Of(*a), other_actions[0]),
                                              Pair(V4Of(*a), other_actions[1]), Pair(V4Of(*a), other_actions[2])));
}

TEST(UdpPortTest, BothFamiliesStandOnOneNumberAndAreToldApart) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  ASSERT_TRUE(b->has_v4());
  if (!a->has_v6() || !b->has_v6()) GTEST_SKIP() << "no IPv6 here";
  Received dht;
  b->Handle(UdpPort::Kind::kDht, dht.Handler());
  ASSERT_TRUE(a->Send(V6Of(*b), kDhtMessage).ok());
  EXPECT_THAT(dht.WaitFor(1), ElementsAre(Pair(V6Of(*a), std::string(kDhtMessage))));
  ASSERT_TRUE(a->Send(V4Of(*b), kDhtMessage).ok());
  EXPECT_THAT(dht.WaitFor(2)[1], Pair(V4Of(*a), std::string(kDhtMessage)));
}

// hazard 78
TEST(UdpPortTest, SurvivesDatagramsOfAnySizeAndDropsWhatIsNeither) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  Received dht, tracker;
  b->Handle(UdpPort::Kind::kDht, dht.Handler());
  b->Handle(UdpPort::Kind::kTracker, tracker.Handler());
  const std::string largest = kTrackerReply + std::string(65'507 - kTrackerReply.size(), 'x');
  for (const std::string& datagram :
       {std::string(), std::string("\0", 1), std::string("\0\0\0\1", 4), std::string("\0\0\0\1abc", 7),
        std::string("\0\0\0\4abcd", 8), std::string("\x21\0\0\0\0\0\0\0", 8), std::string("i1e"),
        std::string(1400, 'x'), largest, std::string(kDhtMessage)}) {
    ASSERT_TRUE(a->Send(V4Of(*b), datagram).ok()) << datagram.size();
  }
  EXPECT_THAT(dht.WaitFor(1), ElementsAre(Pair(V4Of(*a), std::string(kDhtMessage))));  // and it came last
  EXPECT_THAT(tracker.WaitFor(1), ElementsAre(Pair(V4Of(*a), largest)));
}

TEST(UdpPortTest, AnEmptyHandlerDropsAndANewOneTakesOver) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  Received first, second, tracker;
  ASSERT_TRUE(a->Send(V4Of(*b), kDhtMessage).ok());  // nobody is there yet
  b->Handle(UdpPort::Kind::kTracker, tracker.Handler());
  ASSERT_TRUE(a->Send(V4Of(*b), kTrackerReply).ok());
  ASSERT_EQ(tracker.WaitFor(1).size(), 1u);  // so the one before it was seen, too
  b->Handle(UdpPort::Kind::kDht, first.Handler());
  ASSERT_TRUE(a->Send(V4Of(*b), "d1").ok());
  EXPECT_THAT(first.WaitFor(1), ElementsAre(Pair(V4Of(*a), "d1")));
  b->Handle(UdpPort::Kind::kDht, {});
  ASSERT_TRUE(a->Send(V4Of(*b), "d2").ok());
  ASSERT_TRUE(a->Send(V4Of(*b), kTrackerReply).ok());
  ASSERT_EQ(tracker.WaitFor(2).size(), 2u);
  b->Handle(UdpPort::Kind::kDht, second.Handler());
  ASSERT_TRUE(a->Send(V4Of(*b), "d3").ok());
  EXPECT_THAT(second.WaitFor(1), ElementsAre(Pair(V4Of(*a), "d3")));
  EXPECT_EQ(first.WaitFor(1).size(), 1u);
}

TEST(UdpPortTest, HandleWaitsForTheCallThatRuns) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  Wakeup entered = *Wakeup::Create();
  std::atomic<bool> leave{false}, left{false}, taken_away{false};
  b->Handle(UdpPort::Kind::kDht, [&](const Endpoint&, absl::string_view) {
    entered.Notify();
    const TimePoint deadline = Now() + kPatience;
    while (!leave && Now() < deadline) std::this_thread::yield();
    left = true;
  });
  ASSERT_TRUE(a->Send(V4Of(*b), kDhtMessage).ok());
  ASSERT_TRUE(WaitFor(entered.fd(), POLLIN, Now() + kPatience, -1, "the call").ok());
  bool left_when_returned = false;
  Thread taker = *Thread::Start("taker", [&] {
    b->Handle(UdpPort::Kind::kDht, {});
    left_when_returned = left;
    taken_away = true;
  });
  // The other kind is not held up by it.
  b->Handle(UdpPort::Kind::kTracker, {});
  EXPECT_FALSE(taken_away);
  leave = true;
  taker.Join();
  EXPECT_TRUE(left_when_returned);
}

TEST(UdpPortTest, AHandlerThatThrowsLosesThatDatagramOnly) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  Received dht;
  b->Handle(UdpPort::Kind::kDht, [handler = dht.Handler()](const Endpoint& from, absl::string_view datagram) {
    if (datagram == "d-bad") throw std::bad_alloc();
    handler(from, datagram);
  });
  ASSERT_TRUE(a->Send(V4Of(*b), "d-bad").ok());
  ASSERT_TRUE(a->Send(V4Of(*b), kDhtMessage).ok());
  EXPECT_THAT(dht.WaitFor(1), ElementsAre(Pair(V4Of(*a), std::string(kDhtMessage))));
  b->Handle(UdpPort::Kind::kDht, {});  // waits for no call
}

TEST(UdpPortTest, ATakenPortIsNamed) {
  std::unique_ptr<UdpPort> a = OpenAny();
  const absl::Status taken = UdpPort::Open(a->port(), BindOptions()).status();
  EXPECT_TRUE(absl::IsAlreadyExists(taken)) << taken;
  EXPECT_NE(taken.message().find(std::to_string(a->port())), absl::string_view::npos) << taken;
  // One that is taken in the other family only is no port for both.
  if (a->has_v6()) {
    a.reset();
    std::unique_ptr<UdpPort> v6 = *UdpPort::Open(0, *BindOptions::Parse("::1"));
    EXPECT_FALSE(v6->has_v4());
    EXPECT_TRUE(absl::IsAlreadyExists(UdpPort::Open(v6->port(), BindOptions()).status()));
  }
  // TCP on the same number is another thing. (Somebody else may have that number for UDP: then the next.)
  absl::Status beside_tcp;
  std::vector<Listener> listeners;
  do {
    listeners.push_back(*Listener::Open(0, BindOptions(), 10));
    beside_tcp = UdpPort::Open(listeners.back().port(), BindOptions()).status();
  } while (absl::IsAlreadyExists(beside_tcp) && listeners.size() < 20);
  EXPECT_TRUE(beside_tcp.ok()) << beside_tcp;
}

TEST(UdpPortTest, StandsWhereBindSays) {
  std::unique_ptr<UdpPort> there = *UdpPort::Open(0, *BindOptions::Parse("127.0.0.2"));
  EXPECT_TRUE(there->has_v4());
  EXPECT_FALSE(there->has_v6());
  std::unique_ptr<UdpPort> b = OpenAny();
  Received dht;
  b->Handle(UdpPort::Kind::kDht, dht.Handler());
  ASSERT_TRUE(there->Send(V4Of(*b), kDhtMessage).ok());
  EXPECT_THAT(dht.WaitFor(1), ElementsAre(Pair(Endpoint{*Address::Parse("127.0.0.2"), there->port()}, kDhtMessage)));
  const absl::Status absent = there->Send(V6Of(*b), kDhtMessage);
  EXPECT_TRUE(absl::IsUnavailable(absent)) << absent;
}

TEST(UdpPortTest, WhatCannotBeSentIsUnavailable) {
  std::unique_ptr<UdpPort> a = OpenAny();
  EXPECT_TRUE(absl::IsUnavailable(a->Send(V4Of(*a), std::string(70'000, 'd'))));  // longer than any datagram
  EXPECT_TRUE(absl::IsUnavailable(a->Send({Address::V4Loopback(), 0}, kDhtMessage)));
}

// Nobody stands there any more: the system's news of it (ICMP) ends nothing.
TEST(UdpPortTest, GoesOnAfterDatagramsThatNobodyTook) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  std::unique_ptr<UdpPort> gone = OpenAny();
  const Endpoint nobody = V4Of(*gone);
  gone.reset();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(a->Send(nobody, kDhtMessage).ok());
  Received dht;
  a->Handle(UdpPort::Kind::kDht, dht.Handler());
  ASSERT_TRUE(b->Send(V4Of(*a), kDhtMessage).ok());
  EXPECT_EQ(dht.WaitFor(1).size(), 1u);
}

// hazard 88: the end and a change of handlers come through a storm.
TEST(UdpPortTest, AStormHoldsUpNeitherHandleNorTheEnd) {
  std::unique_ptr<UdpPort> a = OpenAny(), b = OpenAny();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> handled{0};
  const auto count = [&](const Endpoint&, absl::string_view) { ++handled; };
  b->Handle(UdpPort::Kind::kDht, count);
  Thread storm = *Thread::Start("storm", [&, to = V4Of(*b)] {
    while (!stop) static_cast<void>(a->Send(to, kDhtMessage));
  });
  for (int i = 0; i < 50; ++i) b->Handle(UdpPort::Kind::kDht, count);
  const TimePoint deadline = Now() + kPatience;
  while (handled <= kMaxDatagramsPerTurn && Now() < deadline) std::this_thread::yield();
  EXPECT_GT(handled, kMaxDatagramsPerTurn);
  const TimePoint begin = Now();
  b.reset();
  EXPECT_LT(Now() - begin, kPatience / 2);
  stop = true;
  storm.Join();
}

}  // namespace
}  // namespace torrent
