#include "net/socket_error.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace torrent {

namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
      return absl::StatusCode::kResourceExhausted;
    case EADDRINUSE:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case ETIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status SocketError(int error, absl::string_view doing) {
  char buffer[128];
  // The GNU form: the answer need not be `buffer`.
  return absl::Status(CodeOf(error), absl::StrCat(doing, ": ", strerror_r(error, buffer, sizeof buffer)));
}

}  // namespace torrent
