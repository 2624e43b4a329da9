#include "base/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace torrent {

absl::StatusOr<Wakeup> Wakeup::Create() {
  UniqueFd fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd.valid()) return absl::ResourceExhaustedError(absl::StrCat("eventfd: ", strerror(errno)));
  return Wakeup(std::move(fd));
}

void Wakeup::Notify() const {
  uint64_t one = 1;
  // Fails only when the counter is full: then it is readable already.
  [[maybe_unused]] ssize_t n = write(fd_.get(), &one, sizeof one);
}

void Wakeup::Clear() const {
  uint64_t count;
  [[maybe_unused]] ssize_t n = read(fd_.get(), &count, sizeof count);
}

}  // namespace torrent
