// A listener that keeps every event and lets a test wait for one: tests see the core through its events and status,
// like every other reader. Thread-safe.
#ifndef TORRENT_TEST_SUPPORT_RECORDER_H_
#define TORRENT_TEST_SUPPORT_RECORDER_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "torrent/event.h"

namespace torrent::test {

// How long a test waits for what must come: much longer than it takes on a loaded machine under a sanitizer.
inline constexpr std::chrono::seconds kPatience{60};

class Recorder final : public EventListener {
 public:
  explicit Recorder(uint32_t wanted = kAllEvents & ~kMessageEvents) : EventListener(wanted) {}
  void OnEvent(const Event& event) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until an event was kept (also before this call) that `is_it`; false after `patience`.
  bool WaitFor(const std::function<bool(const Event&)>& is_it, Duration patience = kPatience) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The same for events of type T that `is_it`: the first of them.
  template <typename T>
  absl::optional<T> Wait(const std::function<bool(const T&)>& is_it = nullptr, Duration patience = kPatience) const {
    absl::optional<T> found;
    WaitFor(
        [&](const Event& event) {
          const T* what = absl::get_if<T>(&event.what);
          if (what == nullptr || (is_it && !is_it(*what))) return false;
          found = *what;
          return true;
        },
        patience);
    return found;
  }
  // Blocks until `count` of them were kept.
  template <typename T>
  bool WaitForMany(size_t count, const std::function<bool(const T&)>& is_it = nullptr) const {
    size_t seen = 0;
    return WaitFor([&](const Event& event) {
      const T* what = absl::get_if<T>(&event.what);
      if (what != nullptr && (!is_it || is_it(*what))) seen++;
      return seen >= count;
    });
  }

  // All of that type so far.
  template <typename T>
  std::vector<T> All() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    std::vector<T> all;
    for (const Event& event : events_) {
      if (const T* what = absl::get_if<T>(&event.what)) all.push_back(*what);
    }
    return all;
  }

  // --- What tests of swarms ask most -------------------------------------------------------------------------------
  absl::optional<PeerGoneEvent> WaitGone(const std::string& endpoint, Duration patience = kPatience) const;
  bool WaitConnected(const std::string& endpoint) const;
  // Whether any connection of `endpoint` ended by a ban.
  bool WasBanned(const std::string& endpoint) const;
  size_t Count(PieceEvent::What what) const;

 private:
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_RECORDER_H_
