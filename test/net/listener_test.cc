#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>

#include "base/wakeup.h"
#include "net/connect.h"
#include "test/net/patience.h"

namespace torrent {
namespace {

// Listens on `port` of one family alone.
UniqueFd Occupy(bool v4, uint16_t port) {
  UniqueFd fd(socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!v4) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  sockaddr_storage storage;
  const socklen_t size = Endpoint{v4 ? Address::V4Any() : Address::V6Any(), port}.ToSockaddr(&storage);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 || listen(fd.get(), 1) != 0) fd.Reset();
  return fd;
}

TEST(ListenerTest, TakesTheNextPortWhenOneFamilyIsTaken) {
  for (bool v4 : {true, false}) {
    const absl::StatusOr<Listener> probe = Listener::Open(0, BindOptions(), 10);
    ASSERT_TRUE(probe.ok()) << probe.status();
    if (!v4 && !probe->has_v6()) continue;
    // The lowest port of a range that nobody uses, then the same number on one family only.
    const absl::StatusOr<Listener> first = Listener::Open(20000, BindOptions(), 5000);
    ASSERT_TRUE(first.ok()) << first.status();
    const uint16_t port = first->port();
    const absl::StatusOr<Listener> second = Listener::Open(port, BindOptions(), 100);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_GT(second->port(), port);

    UniqueFd occupied;
    uint16_t taken = second->port();
    while (!occupied.valid() && taken < 30000) occupied = Occupy(v4, ++taken);
    ASSERT_TRUE(occupied.valid());
    const absl::StatusOr<Listener> third = Listener::Open(taken, BindOptions(), 100);
    ASSERT_TRUE(third.ok()) << third.status();
    EXPECT_GT(third->port(), taken) << (v4 ? "IPv4" : "IPv6");
    EXPECT_EQ(third->has_v4(), probe->has_v4());
    EXPECT_EQ(third->has_v6(), probe->has_v6());

    const absl::StatusOr<Listener> only_try = Listener::Open(taken, BindOptions(), 1);
    EXPECT_TRUE(absl::IsUnavailable(only_try.status())) << only_try.status();
    EXPECT_NE(only_try.status().message().find(std::to_string(taken)), absl::string_view::npos) << only_try.status();
  }
}

TEST(ListenerTest, StopsAtTheLastPort) {
  const absl::StatusOr<Listener> first = Listener::Open(65535, BindOptions(), 1);
  const absl::StatusOr<Listener> second = Listener::Open(65535, BindOptions(), 100);
  EXPECT_FALSE(second.ok());
}

TEST(ListenerTest, AcceptsFromBothFamiliesOnOnePort) {
  absl::StatusOr<Listener> listener = Listener::Open(0, BindOptions(), 10);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_NE(listener->port(), 0);
  std::vector<UniqueFd> clients;
  int wanted_v6 = 0;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(*Connect({Address::V4Loopback(), listener->port()}, BindOptions(), Now() + kPatience, -1));
    if (!listener->has_v6()) continue;
    clients.push_back(*Connect({Address::V6Loopback(), listener->port()}, BindOptions(), Now() + kPatience, -1));
    ++wanted_v6;
  }
  int v4 = 0, v6 = 0;
  for (size_t i = 0; i < clients.size(); ++i) {
    const absl::StatusOr<Listener::Accepted> accepted = listener->Accept(Now() + kPatience, -1);
    ASSERT_TRUE(accepted.ok()) << accepted.status();
    ++(accepted->remote.address.is_v4() ? v4 : v6);
    EXPECT_NE(fcntl(accepted->fd.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(accepted->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(v4, 2);
  EXPECT_EQ(v6, wanted_v6);
}

TEST(ListenerTest, ListensOnlyWhereItIsBound) {
  absl::StatusOr<Listener> listener = Listener::Open(0, *BindOptions::Parse("127.0.0.2"), 10);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_TRUE(listener->has_v4());
  EXPECT_FALSE(listener->has_v6());
  const Endpoint elsewhere{Address::V4Loopback(), listener->port()};
  EXPECT_TRUE(absl::IsUnavailable(Connect(elsewhere, BindOptions(), Now() + kPatience, -1).status()));
  const Endpoint here{*Address::Parse("127.0.0.2"), listener->port()};
  EXPECT_TRUE(Connect(here, BindOptions(), Now() + kPatience, -1).ok());
}

TEST(ListenerTest, EndsItsWaitAtTheDeadlineOrWhenStopped) {
  Listener listener = *Listener::Open(0, BindOptions(), 10);
  EXPECT_TRUE(absl::IsDeadlineExceeded(listener.Accept(Now() + std::chrono::milliseconds(10), -1).status()));
  const Wakeup stop = *Wakeup::Create();
  stop.Notify();
  EXPECT_TRUE(absl::IsCancelled(listener.Accept(Now() + kPatience, stop.fd()).status()));
}

// Transmission#1061, "Too many open files" (hazard 120): the caller must know, or it spins on a queue that it cannot
// empty.
TEST(ListenerTest, SaysWhenNoDescriptorIsLeftAndRecovers) {
  Listener listener = *Listener::Open(0, BindOptions(), 10);
  const UniqueFd client = *Connect({Address::V4Loopback(), listener.port()}, BindOptions(), Now() + kPatience, -1);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // Exactly as many as are open: the lowest free number is the limit.
  const int next_free = fcntl(0, F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(next_free, 0);
  close(next_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::StatusOr<Listener::Accepted> refused = listener.Accept(Now() + kPatience, -1);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
  EXPECT_TRUE(listener.Accept(Now() + kPatience, -1).ok());
}

}  // namespace
}  // namespace torrent
