#include "test/dht/loopback_port.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "test/dht/loopback_farm.h"

namespace torrent {

LoopbackPort::LoopbackPort(const Address& v4, bool with_v6) : v4_(OpenUdp(v4, &at_v4_)) {
  if (with_v6) v6_ = OpenUdp(Address::V6Loopback(), &at_v6_);
  absl::StatusOr<Wakeup> stop = Wakeup::Create();
  EXPECT_TRUE(stop.ok());
  stop_.emplace(*std::move(stop));
  absl::StatusOr<Thread> thread = Thread::Start("test-udp", [this] { Run(); });
  EXPECT_TRUE(thread.ok());
  thread_ = *std::move(thread);
}

LoopbackPort::~LoopbackPort() {
  stop_->Notify();
  thread_.Join();
}

void LoopbackPort::Run() {
  pollfd waits[3] = {{stop_->fd(), POLLIN, 0}, {v4_.get(), POLLIN, 0}, {v6_.valid() ? v6_.get() : -1, POLLIN, 0}};
  while (poll(waits, 3, -1) > 0 && waits[0].revents == 0) {
    for (const pollfd& wait : {waits[1], waits[2]}) {
      if (wait.fd < 0 || wait.revents == 0) continue;
      char bytes[2048];
      sockaddr_storage storage = {};
      socklen_t size = sizeof storage;
      const ssize_t n = recvfrom(wait.fd, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&storage), &size);
      if (n <= 0) continue;
      MutexLock lock(&mutex_);
      if (handler_) handler_(*Endpoint::FromSockaddr(storage), {bytes, static_cast<size_t>(n)});
    }
  }
}

absl::Status LoopbackPort::Send(const Endpoint& to, absl::string_view datagram) {
  const int fd = to.address.is_v4() ? v4_.get() : v6_.get();
  if (fd < 0) return absl::UnavailableError("no such family");
  sockaddr_storage storage;
  const socklen_t size = to.ToSockaddr(&storage);
  sendto(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&storage), size);
  return absl::OkStatus();
}

void LoopbackPort::Handle(Kind kind, Handler handler) {
  ASSERT_EQ(kind, Kind::kDht);
  MutexLock lock(&mutex_);
  handler_ = std::move(handler);
}

}  // namespace torrent
