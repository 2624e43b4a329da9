// Where a client's calls lead nowhere, and one tracker that answers: for tests of whole swarms. (The tracker's own
// tests have a fake that answers byte for byte.)
#ifndef TORRENT_TEST_SUPPORT_FAKE_TRACKERS_H_
#define TORRENT_TEST_SUPPORT_FAKE_TRACKERS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/listener.h"

namespace torrent::test {

// An HTTP tracker on 127.0.0.1. Thread: one of its own, which serves one connection after the other.
class FakeTracker {
 public:
  // Answers with these peers, and an interval of half an hour. With `silent` it takes every request and never answers.
  explicit FakeTracker(std::vector<Endpoint> peers, bool silent = false);
  // One that answers with this.
  static std::unique_ptr<FakeTracker> Answering(std::string body);
  ~FakeTracker();

  std::string url() const;
  // The request lines so far ("GET /announce?... HTTP/1.1").
  std::vector<std::string> requests() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until a request holds `text`; false after kPatience.
  bool WaitForRequest(const std::string& text) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  FakeTracker(bool silent, std::string body);
  void Run();
  void Serve(int fd);

  const std::string body_;
  const bool silent_;
  Listener listener_;
  const Wakeup stop_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

// An address that swallows everything: its queue is full, so the system drops every further SYN, and a connect hangs.
class BlackHole {
 public:
  BlackHole();
  const Endpoint& endpoint() const { return endpoint_; }
  // Whether a connect was seen to hang.
  bool is_full() const { return is_full_; }

 private:
  UniqueFd listener_;
  Endpoint endpoint_;
  std::vector<UniqueFd> queue_;
  bool is_full_ = false;
};

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_FAKE_TRACKERS_H_
