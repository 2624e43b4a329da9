#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

#include "base/memory_shortage.h"

namespace torrent {
namespace {

bool IsIgnored(int number) {
  struct sigaction action = {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StopSignals>> StopSignals::Start(Options options) {
  // A peer that hangs up, a reader that left, a file-size limit: the call that meets it returns the error.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (!IsIgnored(number)) sigaddset(&set, number);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  UniqueFd signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return absl::ErrnoToStatus(errno, "signalfd");
  absl::StatusOr<Wakeup> done = Wakeup::Create();
  if (!done.ok()) return done.status();
  std::unique_ptr<StopSignals> stop(new StopSignals(std::move(options), std::move(signals), *std::move(done)));
  absl::StatusOr<Thread> thread = Thread::Start("signals", [s = stop.get()] { s->Run(); });
  if (!thread.ok()) return thread.status();
  stop->thread_ = *std::move(thread);
  return stop;
}

StopSignals::~StopSignals() {
  done_.Notify();
  thread_.Join();
}

void StopSignals::OnStop(std::function<void()> request_stop) {
  MutexLock lock(&mutex_);
  request_stop_ = std::move(request_stop);
  // Held while it is called, so that who sets another, or none, knows that the old one does not run any more.
  if (received() != 0 && request_stop_) request_stop_();
}

int StopSignals::Wait(TimePoint deadline) {
  while (true) {
    struct pollfd fds[] = {{signals_.get(), POLLIN, 0}, {done_.fd(), POLLIN, 0}};
    const int ready = poll(fds, 2, PollTimeout(deadline, Now()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || fds[1].revents != 0) return 0;
    struct signalfd_siginfo info;
    if (read(signals_.get(), &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
  }
}

void StopSignals::Run() {
  const PatientForMemory patient;
  const int first = Wait(TimePoint::max());
  if (first == 0) return;
  {
    MutexLock lock(&mutex_);
    received_.store(first);
    if (request_stop_) request_stop_();
    if (!request_stop_) {
      options_.exit_now(128 + first);
      return;
    }
  }
  const TimePoint deadline = Now() + options_.grace;
  const int second = Wait(deadline);
  if (second == 0 && Now() < deadline) return;  // ended in good order
  options_.exit_now(128 + (second != 0 ? second : first));
}

}  // namespace torrent
