#include "net/resolver.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "test/net/patience.h"

namespace torrent {
namespace {

// A name service that answers nothing until it is released, and counts who hangs in it. Outlives the resolver.
class HangingLookup {
 public:
  ~HangingLookup() { Release(); }
  Resolver::Lookup Function() {
    return [state = state_](const std::string& host) -> absl::StatusOr<std::vector<Address>> {
      MutexLock lock(&state->mutex);
      ++state->asked;
      state->changed.SignalAll();
      while (host != "quick" && !state->released) state->changed.Wait(&state->mutex);
      ++state->answered;
      state->changed.SignalAll();
      return std::vector<Address>{Address::V4Loopback()};
    };
  }
  int WaitForAsked(int n) {
    MutexLock lock(&state_->mutex);
    const TimePoint deadline = Now() + kPatience;
    while (state_->asked < n && Now() < deadline) state_->changed.WaitUntil(&state_->mutex, deadline);
    return state_->asked;
  }
  // Lets all go, and waits until they have gone.
  void Release() {
    MutexLock lock(&state_->mutex);
    state_->released = true;
    state_->changed.SignalAll();
    const TimePoint deadline = Now() + kPatience;
    while (state_->answered < state_->asked && Now() < deadline) state_->changed.WaitUntil(&state_->mutex, deadline);
  }

 private:
  struct State {
    Mutex mutex;
    CondVar changed;
    int asked ABSL_GUARDED_BY(mutex) = 0;
    int answered ABSL_GUARDED_BY(mutex) = 0;
    bool released ABSL_GUARDED_BY(mutex) = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

TimePoint Soon() { return Now() + std::chrono::milliseconds(50); }

TEST(ResolverTest, AnswersAddressesWithoutAsking) {
  Resolver resolver(
      [](const std::string&) -> absl::StatusOr<std::vector<Address>> { return absl::InternalError("asked"); });
  EXPECT_EQ(*resolver.Resolve("1.2.3.4", Now(), -1), std::vector<Address>{*Address::Parse("1.2.3.4")});
  EXPECT_EQ(*resolver.Resolve("::1", Now(), -1), std::vector<Address>{Address::V6Loopback()});
}

TEST(ResolverTest, AsksTheSystem) {
  Resolver resolver;
  const absl::StatusOr<std::vector<Address>> addresses = resolver.Resolve("localhost", Now() + kPatience, -1);
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  for (const Address& address : *addresses) EXPECT_TRUE(address.is_loopback()) << address.ToString();
  EXPECT_FALSE(resolver.Resolve(absl::string_view("local\0host", 10), Now() + kPatience, -1).ok());
  EXPECT_FALSE(resolver.Resolve("", Now() + kPatience, -1).ok());
}

TEST(ResolverTest, KeepsTheOrderAndDropsRepetitions) {
  const Address a = *Address::Parse("2001:db8::1"), b = *Address::Parse("192.0.2.1");
  Resolver resolver([&](const std::string&) { return std::vector<Address>{a, b, a, b}; });
  EXPECT_EQ(*resolver.Resolve("host", Now() + kPatience, -1), (std::vector<Address>{a, b}));
}

TEST(ResolverTest, PassesOnWhyThereIsNoAnswer) {
  Resolver resolver([](const std::string& host) -> absl::StatusOr<std::vector<Address>> {
    if (host == "empty") return std::vector<Address>();
    return absl::NotFoundError(host + ": no such name");
  });
  const absl::Status missing = resolver.Resolve("nowhere", Now() + kPatience, -1).status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_NE(missing.message().find("nowhere"), absl::string_view::npos);
  EXPECT_TRUE(absl::IsNotFound(resolver.Resolve("empty", Now() + kPatience, -1).status()));
}

// getaddrinfo can hang for minutes (hazard 123).
TEST(ResolverTest, StopsWaitingAtTheDeadlineAndWhenCancelled) {
  HangingLookup lookup;
  Resolver resolver(lookup.Function());
  EXPECT_TRUE(absl::IsDeadlineExceeded(resolver.Resolve("a", Soon(), -1).status()));
  EXPECT_EQ(lookup.WaitForAsked(1), 1);
  const Wakeup cancel = *Wakeup::Create();
  cancel.Notify();
  EXPECT_TRUE(absl::IsCancelled(resolver.Resolve("b", Now() + kPatience, cancel.fd()).status()));
  EXPECT_TRUE(resolver.Resolve("quick", Now() + kPatience, -1).ok());
  lookup.Release();
}

TEST(ResolverTest, HangsInFourLookupsAtMost) {
  HangingLookup lookup;
  Resolver resolver(lookup.Function());
  for (const char* host : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(resolver.Resolve(host, Soon(), -1).status()));
  }
  EXPECT_EQ(lookup.WaitForAsked(4), 4);
  EXPECT_TRUE(absl::IsDeadlineExceeded(resolver.Resolve("quick", Soon(), -1).status()));  // nobody left to ask
  lookup.Release();
  EXPECT_TRUE(resolver.Resolve("quick", Now() + kPatience, -1).ok());
  EXPECT_EQ(lookup.WaitForAsked(5), 5);  // the one that was given up is not asked later
}

TEST(ResolverTest, AnswersManyAtOnce) {
  Resolver resolver([](const std::string&) { return std::vector<Address>{Address::V4Loopback()}; });
  std::vector<Thread> threads;
  std::vector<int> good(8);
  for (size_t t = 0; t < good.size(); ++t) {
    threads.push_back(*Thread::Start("asker", [&resolver, &good, t] {
      for (int i = 0; i < 50; ++i) good[t] += resolver.Resolve("host", Now() + kPatience, -1).ok();
    }));
  }
  for (Thread& thread : threads) thread.Join();
  for (int n : good) EXPECT_EQ(n, 50);
}

TEST(ResolverTest, EndsWhileALookupHangs) {
  HangingLookup lookup;
  const TimePoint begin = Now();
  {
    Resolver resolver(lookup.Function());
    EXPECT_TRUE(absl::IsDeadlineExceeded(resolver.Resolve("a", Soon(), -1).status()));
    ASSERT_EQ(lookup.WaitForAsked(1), 1);
  }
  EXPECT_LT(Now() - begin, std::chrono::seconds(5));  // half a second of grace
  lookup.Release();  // the thread that was left behind returns, and touches nothing that is gone
}

}  // namespace
}  // namespace torrent
