// Names to addresses, with a bound on the wait: getaddrinfo(3) may hang for minutes and cannot be stopped, so it runs
// on threads of its own, four at most, and whoever asked stops waiting at the deadline. Thread-safe. Invariant: a
// lookup that hangs holds one of the four threads and nothing else; with all four hanging, later names fail at their
// deadline.
#ifndef TORRENT_NET_RESOLVER_H_
#define TORRENT_NET_RESOLVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "net/address.h"

namespace torrent {

class Resolver {
 public:
  // Blocks as long as it likes.
  using Lookup = std::function<absl::StatusOr<std::vector<Address>>(const std::string& host)>;

  // Asks the system (getaddrinfo).
  Resolver();
  // Asks `lookup`, which must be callable from four threads at once and as long as it runs, even after this object is
  // gone.
  explicit Resolver(Lookup lookup);
  // Nobody may be in Resolve. Threads whose lookup still hangs after half a second are left behind; they touch nothing
  // of ours when they return.
  ~Resolver();

  // The addresses of `host` in the system's order of preference, at least one, each once. An address as text is
  // answered at once. Blocks until `deadline` at most, or until `cancel_fd` (-1: none) becomes readable. NotFound: no
  // such name. Unavailable: could not be asked now. DeadlineExceeded, Cancelled.
  absl::StatusOr<std::vector<Address>> Resolve(absl::string_view host, TimePoint deadline, int cancel_fd);

 private:
  struct Shared;
  // Shared with the threads, which may outlive this object.
  const std::shared_ptr<Shared> shared_;
};

}  // namespace torrent

#endif  // TORRENT_NET_RESOLVER_H_
