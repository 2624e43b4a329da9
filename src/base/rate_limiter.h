// A bound on bytes a second that many threads share: a bucket that fills at the rate and starts empty, so that what was
// let through is never more than rate × time, and what was taken on credit.
// Thread-safe; never blocks: who gets nothing waits in its own poll until Ready.
#ifndef TORRENT_BASE_RATE_LIMITER_H_
#define TORRENT_BASE_RATE_LIMITER_H_

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace torrent {

class RateLimiter {
 public:
  // `bytes_per_second` 0: no bound, and no cost.
  RateLimiter(int64_t bytes_per_second, TimePoint now);

  bool unlimited() const { return rate_ == 0; }
  int64_t rate() const { return rate_; }
  // How many of `want` bytes may pass now: all, some, or none. They are taken.
  size_t Take(size_t want, TimePoint now);
  // All of `bytes` if any may pass now, on credit: for who cannot stop midway. False, and nothing taken, while the
  // credit of somebody is not paid.
  bool TakeWhole(size_t bytes, TimePoint now);
  // Gives back what was taken and not used.
  void Return(size_t bytes);
  // When it is worth asking again after Take gave nothing.
  TimePoint Ready(TimePoint now) const;

 private:
  void FillLocked(TimePoint now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t rate_;
  const double capacity_;
  mutable Mutex mutex_;
  mutable double tokens_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable TimePoint filled_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_BASE_RATE_LIMITER_H_
