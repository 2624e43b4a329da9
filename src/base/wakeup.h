// A flag that wakes a thread out of poll(2): the second descriptor that a peer worker waits on.
// Thread-safe: anyone may Notify; the waiting thread alone polls fd() and calls Clear.
#ifndef TORRENT_BASE_WAKEUP_H_
#define TORRENT_BASE_WAKEUP_H_

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace torrent {

class Wakeup {
 public:
  // ResourceExhausted when there is no descriptor left.
  static absl::StatusOr<Wakeup> Create();

  // Readable from Notify until Clear.
  int fd() const { return fd_.get(); }
  void Notify() const;
  void Clear() const;

 private:
  explicit Wakeup(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace torrent

#endif  // TORRENT_BASE_WAKEUP_H_
