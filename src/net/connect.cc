#include "net/connect.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/socket_error.h"
#include "net/wait.h"

namespace torrent {

absl::StatusOr<UniqueFd> Connect(const Endpoint& remote, const BindOptions& bind, TimePoint deadline, int cancel_fd) {
  const std::string doing = absl::StrCat("connect to ", remote.ToString());
  const bool v4 = remote.address.is_v4();
  UniqueFd fd(socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return SocketError(errno, doing);
  if (!bind.any()) RETURN_IF_ERROR(Annotate(bind.Bind(fd.get(), v4, 0), doing));

  sockaddr_storage storage;
  const socklen_t size = remote.ToSockaddr(&storage);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) return fd;
  // Interrupted, it goes on in the background like one in progress.
  if (errno != EINPROGRESS && errno != EINTR) return SocketError(errno, doing);
  RETURN_IF_ERROR(WaitFor(fd.get(), POLLOUT, deadline, cancel_fd, doing));
  int error = 0;
  socklen_t error_size = sizeof error;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) error = errno;
  if (error != 0) return SocketError(error, doing);
  return fd;
}

}  // namespace torrent
