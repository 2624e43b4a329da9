#include "test/net/full_listener.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace torrent {

FullListener::FullListener(const Address& address, uint16_t port) {
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  listener_ = UniqueFd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  const socklen_t size = Endpoint{address, port}.ToSockaddr(&storage);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return;
  if (listen(listener_.get(), 0) != 0) return;
  endpoint_ = *LocalEndpoint(listener_.get());
  const socklen_t there = endpoint_.ToSockaddr(&storage);
  for (int i = 0; i < 8 && !is_full_; ++i) {
    UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    static_cast<void>(connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), there));
    pollfd polled = {fd.get(), POLLOUT, 0};
    // On loopback a connection that is taken is taken at once.
    is_full_ = poll(&polled, 1, 100) == 0;
    queue_.push_back(std::move(fd));
  }
}

}  // namespace torrent
