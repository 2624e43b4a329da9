#include "base/memory_shortage.h"

#include <time.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"

namespace torrent {

namespace {

constexpr Duration kPause = std::chrono::milliseconds(10);
// Set free at the first failure, so that who holds a lock that others want gets through.
std::atomic<void*> reserve{nullptr};
std::atomic<bool> has_reserve{false};

struct Shortage {
  int patient = 0;
  TimePoint began, last;
};
thread_local Shortage shortage;

}  // namespace

void AwaitMemory() {
  if (void* given = reserve.exchange(nullptr)) return free(given);
  const TimePoint now = Now();
  // Failures one after the other are one shortage.
  if (now - shortage.last > 5 * kPause) shortage.began = now;
  shortage.last = now + kPause;
  if (shortage.patient == 0 && now - shortage.began >= kMemoryPatience) throw std::bad_alloc();
  timespec pause = {0, std::chrono::nanoseconds(kPause).count()};
  nanosleep(&pause, nullptr);
}

void WaitWhenMemoryIsShort() {
  has_reserve = true;
  RefillMemoryReserve();
  std::set_new_handler(AwaitMemory);
}

void RefillMemoryReserve() {
  if (!has_reserve.load(std::memory_order_relaxed) || reserve.load(std::memory_order_relaxed) != nullptr) return;
  void* memory = malloc(kMemoryReserveBytes);
  void* none = nullptr;
  if (memory != nullptr && !reserve.compare_exchange_strong(none, memory)) free(memory);
}

PatientForMemory::PatientForMemory() { shortage.patient++; }
PatientForMemory::~PatientForMemory() { shortage.patient--; }

absl::Status RunMortal(absl::FunctionRef<absl::Status()> life) {
  const int patient = std::exchange(shortage.patient, 0);
  absl::Status reason;
  try {
    reason = life();
    shortage.patient = patient;
  } catch (const std::exception& e) {
    shortage.patient = patient;
    const PatientForMemory words;
    reason = absl::ResourceExhaustedError(e.what());
  }
  return reason;
}

}  // namespace torrent
