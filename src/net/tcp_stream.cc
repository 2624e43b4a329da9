#include "net/tcp_stream.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

bool IsWouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

size_t TotalBytes(absl::Span<const iovec> buffers) {
  size_t total = 0;
  for (const iovec& buffer : buffers) total += buffer.iov_len;
  return total;
}

msghdr MessageOf(absl::Span<const iovec> buffers) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = std::min<size_t>(buffers.size(), IOV_MAX);
  return message;
}

}  // namespace

TcpStream::TcpStream(UniqueFd fd, const Endpoint& remote) : Stream(remote), fd_(std::move(fd)) {
  const int flags = fcntl(fd_.get(), F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  const int on = 1;
  // Fails on sockets that are not TCP, which have nothing to delay.
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

IoResult TcpStream::ReadSome(absl::Span<const iovec> buffers) {
  msghdr message = MessageOf(buffers);
  ssize_t n;
  do {
    n = recvmsg(fd_.get(), &message, 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return IoResult::Bytes(static_cast<size_t>(n));
  if (n == 0) return TotalBytes(buffers) == 0 ? IoResult::Bytes(0) : IoResult::Closed();
  const int error = errno;
  if (IsWouldBlock(error)) return IoResult::WouldBlock();
  return IoResult::Error(SocketError(error, absl::StrCat("read from ", remote().ToString())));
}

IoResult TcpStream::WriteSome(absl::Span<const iovec> buffers, bool more) {
  const msghdr message = MessageOf(buffers);
  ssize_t n;
  do {
    n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return IoResult::Bytes(static_cast<size_t>(n));
  const int error = errno;
  if (IsWouldBlock(error)) return IoResult::WouldBlock();
  return IoResult::Error(SocketError(error, absl::StrCat("write to ", remote().ToString())));
}

IoResult TcpStream::SendFile(int file_fd, uint64_t offset, size_t length) {
  if (length == 0) return IoResult::Bytes(0);
  ssize_t n;
  do {
    off_t from = static_cast<off_t>(offset);
    n = sendfile(fd_.get(), file_fd, &from, length);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return IoResult::Bytes(static_cast<size_t>(n));
  if (n == 0) return IoResult::FileEnded();
  const int error = errno;
  if (IsWouldBlock(error)) return IoResult::WouldBlock();
  const std::string doing = absl::StrCat("send from a file to ", remote().ToString());
  // These speak of the file, not of the connection.
  if (error == EIO || error == EINVAL || error == EOVERFLOW) {
    return IoResult::Error(absl::DataLossError(SocketError(error, doing).message()));
  }
  return IoResult::Error(SocketError(error, doing));
}

void TcpStream::Shutdown() { shutdown(fd_.get(), SHUT_RDWR); }

}  // namespace torrent
