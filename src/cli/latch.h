// What the signal thread tells the waiting one. Thread-safe.
#ifndef TORRENT_CLI_LATCH_H_
#define TORRENT_CLI_LATCH_H_

#include "base/clock.h"
#include "base/mutex.h"

namespace torrent {

class Latch {
 public:
  void Set() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    set_ = true;
    changed_.SignalAll();
  }
  // Until it is set, or `deadline`; whether it is set.
  bool WaitUntil(TimePoint deadline) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (!set_ && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return set_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace torrent

#endif  // TORRENT_CLI_LATCH_H_
