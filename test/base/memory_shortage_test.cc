// Row 119: allocations that fail cost a peer, never the process.
#include "base/memory_shortage.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <new>
#include <stdexcept>

#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"

namespace torrent {
namespace {

// Calls it as `new` does while there is no memory, and answers how long until it failed.
Duration WaitForFailure() {
  const TimePoint begin = Now();
  try {
    while (Now() - begin < std::chrono::seconds(60)) AwaitMemory();
  } catch (const std::bad_alloc&) {
  }
  return Now() - begin;
}

TEST(MemoryShortage, FailsAfterItsPatience) {
  const Duration waited = WaitForFailure();
  EXPECT_GE(waited, kMemoryPatience);
  EXPECT_LT(waited, std::chrono::seconds(30));
}

TEST(MemoryShortage, EachShortageHasItsOwnPatience) {
  WaitForFailure();
  // Nothing failed for a while: what fails now is another shortage, and is waited for again.
  Thread::Start("pause", [] {})->Join();
  const TimePoint quiet_until = Now() + std::chrono::milliseconds(200);
  while (Now() < quiet_until) {
  }
  EXPECT_GE(WaitForFailure(), kMemoryPatience);
}

TEST(MemoryShortage, ThePatientWaitForAsLongAsItTakes) {
  const PatientForMemory outer;
  { const PatientForMemory inner; }
  const TimePoint begin = Now();
  while (Now() - begin < 2 * kMemoryPatience) EXPECT_NO_THROW(AwaitMemory());
}

TEST(MemoryShortage, AMortalOneAmongThePatientFails) {
  const PatientForMemory patient;
  const absl::Status reason = RunMortal([]() -> absl::Status {
    while (true) AwaitMemory();
  });
  EXPECT_TRUE(absl::IsResourceExhausted(reason)) << reason;
  // And its thread is patient again.
  const TimePoint begin = Now();
  while (Now() - begin < 2 * kMemoryPatience) EXPECT_NO_THROW(AwaitMemory());
}

TEST(MemoryShortage, AMortalOneTellsHowItEnded) {
  EXPECT_EQ(RunMortal([] { return absl::OkStatus(); }), absl::OkStatus());
  EXPECT_EQ(RunMortal([] { return absl::CancelledError("stopping"); }), absl::CancelledError("stopping"));
  EXPECT_EQ(RunMortal([]() -> absl::Status { throw std::runtime_error("of a library"); }).message(), "of a library");
}

// How often AwaitMemory made its thread sleep: the times that it gave the processor up by itself. How long that took
// tells less, because whoever is given memory at once may still lose the processor to others.
long SleepsInAwaitMemory() {
  rusage before, after;
  getrusage(RUSAGE_THREAD, &before);
  AwaitMemory();
  getrusage(RUSAGE_THREAD, &after);
  return after.ru_nvcsw - before.ru_nvcsw;
}

TEST(MemoryShortage, TheReserveIsGivenAtOnceAndOnce) {
  const std::new_handler before = std::get_new_handler();
  WaitWhenMemoryIsShort();
  EXPECT_EQ(std::get_new_handler(), &AwaitMemory);
  std::set_new_handler(before);
  const PatientForMemory patient;
  SleepsInAwaitMemory();  // its code is in memory from here on
  for (int i = 0; i < 3; i++) {
    RefillMemoryReserve();
    EXPECT_EQ(SleepsInAwaitMemory(), 0);
    const TimePoint begin = Now();
    EXPECT_GE(SleepsInAwaitMemory(), 1);
    EXPECT_GE(Now() - begin, std::chrono::milliseconds(10));
  }
  // A thread that ended has given memory back: it is laid by again.
  Thread::Start("ends", [] {})->Join();
  EXPECT_EQ(SleepsInAwaitMemory(), 0);
}

}  // namespace
}  // namespace torrent
