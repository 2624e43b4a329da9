// Stands between a search's callbacks, which run on the DHT's thread, and its handle, which another thread destroys:
// once closed, nobody is inside and nobody comes in. Thread-safe; no lock is held while a callback runs.
#ifndef TORRENT_DHT_SEARCH_GATE_H_
#define TORRENT_DHT_SEARCH_GATE_H_

#include "base/mutex.h"

namespace torrent {

class SearchGate {
 public:
  // Runs `callback` unless the gate is closed.
  template <typename Callback>
  void Pass(const Callback& callback) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      if (closed_) return;
      inside_ = true;
    }
    callback();
    MutexLock lock(&mutex_);
    inside_ = false;
    left_.SignalAll();
  }

  // Waits for a callback that runs. Not to be called by one.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    closed_ = true;
    while (inside_) left_.Wait(&mutex_);
  }

  bool closed() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return closed_;
  }

 private:
  mutable Mutex mutex_;
  CondVar left_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool inside_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace torrent

#endif  // TORRENT_DHT_SEARCH_GATE_H_
