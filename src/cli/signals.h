// Stopping by signal: SIGINT, SIGTERM and SIGHUP are blocked in every thread and taken by one that waits for them. The
// first one asks for an orderly stop; a second one, or 5 seconds, ends the process at once. So no handler ever runs in
// the middle of other code. SIGPIPE and SIGXFSZ are ignored: a write says so by its error.
#ifndef TORRENT_CLI_SIGNALS_H_
#define TORRENT_CLI_SIGNALS_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/unique_fd.h"
#include "base/wakeup.h"

namespace torrent {

class StopSignals {
 public:
  struct Options {
    std::chrono::milliseconds grace{5000};
    // Ends the process; called on the signal thread with 128 and the signal's number. Tests put another in its place.
    std::function<void(int exit_code)> exit_now;
  };

  // Blocks the signals in this thread and all that it starts from here on. A signal that was ignored when the program
  // was started (nohup) stays so. ResourceExhausted when there is no descriptor or thread for it.
  static absl::StatusOr<std::unique_ptr<StopSignals>> Start(Options options);
  ~StopSignals();

  // Sets what the first signal calls, once, on the signal thread: it must return at once. With none, which is how it
  // begins, the first signal ends the process at once. When one came already, it is called here. Once this returns, the
  // function that was set before is not running and will not be called.
  void OnStop(std::function<void()> request_stop) ABSL_LOCKS_EXCLUDED(mutex_);

  // The first signal that came; 0 while none has.
  int received() const { return received_.load(); }

 private:
  StopSignals(Options options, UniqueFd signals, Wakeup done)
      : options_(std::move(options)), signals_(std::move(signals)), done_(std::move(done)) {}
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for a signal; its number, or 0 at `deadline` or when this object ends.
  int Wait(TimePoint deadline);

  const Options options_;
  const UniqueFd signals_;  // signalfd
  const Wakeup done_;
  std::atomic<int> received_{0};
  Mutex mutex_;
  std::function<void()> request_stop_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;  // last: it uses the others
};

}  // namespace torrent

#endif  // TORRENT_CLI_SIGNALS_H_
