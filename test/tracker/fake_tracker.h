// A tracker on 127.0.0.1 and ::1 that answers byte for byte what a test tells it to, and remembers what it was asked
// and what became of its answers, so that a test can prove that a fault was delivered. Thread: one of its own, which
// serves one connection after the other; the observers are thread-safe.
#ifndef TORRENT_TEST_TRACKER_FAKE_TRACKER_H_
#define TORRENT_TEST_TRACKER_FAKE_TRACKER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/listener.h"

namespace torrent {

class FakeTracker {
 public:
  struct Request {
    std::string target;
    std::string head;  // all of it
    bool v6 = false;
  };
  // The bytes to answer the request with; kHang: none, until the client goes away. Called on the fake's thread.
  using Script = std::function<std::string(const Request&)>;
  static const char kHang[];

  explicit FakeTracker(Script script);
  ~FakeTracker();

  // A whole answer with status 200.
  static std::string Ok(absl::string_view body);
  static std::string Status(int status, absl::string_view body, absl::string_view more_fields = "");

  uint16_t port() const { return listener_.port(); }
  bool has_v6() const { return listener_.has_v6(); }
  std::vector<Request> requests() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until `n` requests have come, or 20 s have passed: then false.
  bool WaitForRequests(size_t n) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Hung connections that the client ended. WaitForHangUps: as WaitForRequests.
  bool WaitForHangUps(size_t n) const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t bytes_sent() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  void Serve(Listener::Accepted connection);

  const Script script_;
  Listener listener_;
  Wakeup stop_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  size_t hang_ups_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  Thread thread_;
};

}  // namespace torrent

#endif  // TORRENT_TEST_TRACKER_FAKE_TRACKER_H_
