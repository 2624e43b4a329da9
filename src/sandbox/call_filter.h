// A seccomp filter: system calls that this program never makes, and that somebody who got in would like to, fail with
// EPERM. It names what is refused. One that names what is allowed would be tighter, but it breaks the program with
// another C library, a sanitizer or a newer kernel, at a call that no test made; what such a list would add is refused
// for files by Landlock. It answers instead of killing, for the same reason: the caller goes on without.
// Thread: the one that is shut in, before it starts others, which inherit it.
#ifndef TORRENT_SANDBOX_CALL_FILTER_H_
#define TORRENT_SANDBOX_CALL_FILTER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace torrent {

struct CallFilterOptions {
  bool unix_sockets = false;  // local services may be spoken to
};

// From here on. no_new_privs must be set. Unavailable on a processor that it was not written for, and where the kernel
// has no filters.
absl::Status EnterCallFilter(const CallFilterOptions& options);

// The tighter way, for a process of which all calls are known: these, and no others. Fails as above.
absl::Status EnterCallList(absl::Span<const uint32_t> allowed);

}  // namespace torrent

#endif  // TORRENT_SANDBOX_CALL_FILTER_H_
