#include "net/wait.h"

#include <poll.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "net/socket_error.h"

namespace torrent {

absl::Status WaitFor(int fd, short events, TimePoint deadline, int cancel_fd, absl::string_view doing) {
  pollfd polled[2] = {{cancel_fd, POLLIN, 0}, {fd, events, 0}};  // poll skips a negative descriptor
  while (true) {
    const int ready = poll(polled, 2, PollTimeout(deadline, Now()));
    if (ready < 0) {
      if (errno == EINTR) continue;
      return SocketError(errno, absl::StrCat(doing, ": poll"));
    }
    if (polled[0].revents != 0) return absl::CancelledError(absl::StrCat(doing, ": stopped"));
    if (polled[1].revents != 0) return absl::OkStatus();
    // A timeout is cut to what poll takes: it may end before the deadline.
    if (ready == 0 && Now() >= deadline) return absl::DeadlineExceededError(absl::StrCat(doing, ": no answer in time"));
  }
}

}  // namespace torrent
