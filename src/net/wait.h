// The one place where this room waits for a descriptor.
#ifndef TORRENT_NET_WAIT_H_
#define TORRENT_NET_WAIT_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/clock.h"

namespace torrent {

// Blocks until `fd` is ready for `events` (or has an error or hang-up to tell of): OK. DeadlineExceeded at `deadline`;
// Cancelled when `cancel_fd` (-1: none) is readable, also if `fd` is ready too. `cancel_fd` is left as it is, so that
// one wake-up ends all waits. `doing` is the message's subject: "connect to 1.2.3.4:80".
absl::Status WaitFor(int fd, short events, TimePoint deadline, int cancel_fd, absl::string_view doing);

}  // namespace torrent

#endif  // TORRENT_NET_WAIT_H_
