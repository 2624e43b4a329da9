#include "base/rate_limiter.h"

#include <algorithm>

namespace torrent {

namespace {
// What the bucket holds at most, in seconds of the rate: threads that come late to it lose nothing within this.
constexpr double kCapacitySeconds = 0.5;
// Less than this is not worth a system call.
constexpr double kQuantumBytes = 4096;
}  // namespace

RateLimiter::RateLimiter(int64_t bytes_per_second, TimePoint now)
    : rate_(bytes_per_second),
      capacity_(std::max(static_cast<double>(bytes_per_second) * kCapacitySeconds, kQuantumBytes)),
      filled_(now) {}

void RateLimiter::FillLocked(TimePoint now) const {
  if (now <= filled_) return;
  tokens_ = std::min(capacity_, tokens_ + ToSeconds(now - filled_) * static_cast<double>(rate_));
  filled_ = now;
}

size_t RateLimiter::Take(size_t want, TimePoint now) {
  if (rate_ == 0) return want;
  MutexLock lock(&mutex_);
  FillLocked(now);
  if (tokens_ < std::min(kQuantumBytes, static_cast<double>(want))) return 0;
  const size_t granted = std::min(want, static_cast<size_t>(tokens_));
  tokens_ -= static_cast<double>(granted);
  return granted;
}

bool RateLimiter::TakeWhole(size_t bytes, TimePoint now) {
  if (rate_ == 0) return true;
  MutexLock lock(&mutex_);
  FillLocked(now);
  if (tokens_ < std::min(kQuantumBytes, static_cast<double>(bytes))) return false;
  tokens_ -= static_cast<double>(bytes);
  return true;
}

void RateLimiter::Return(size_t bytes) {
  if (rate_ == 0 || bytes == 0) return;
  MutexLock lock(&mutex_);
  tokens_ = std::min(capacity_, tokens_ + static_cast<double>(bytes));
}

TimePoint RateLimiter::Ready(TimePoint now) const {
  if (rate_ == 0) return now;
  MutexLock lock(&mutex_);
  FillLocked(now);
  const double missing = kQuantumBytes - tokens_;
  if (missing <= 0) return now;
  // A little later than exactly then, so that one wake-up finds enough.
  return now + FromSeconds(missing / static_cast<double>(rate_)) + std::chrono::milliseconds(1);
}

}  // namespace torrent
