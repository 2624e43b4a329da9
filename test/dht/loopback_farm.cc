#include "test/dht/loopback_farm.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

namespace torrent {

UniqueFd OpenUdp(const Address& address, Endpoint* at) {
  UniqueFd fd(socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage storage;
  const socklen_t size = Endpoint{address, 0}.ToSockaddr(&storage);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0) << address.ToString();
  const absl::optional<Endpoint> local = LocalEndpoint(fd.get());
  EXPECT_TRUE(local.has_value());
  *at = local.value_or(Endpoint());
  return fd;
}

LoopbackFarm::LoopbackFarm() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { EXPECT_TRUE(epoll_.valid()); }

Node* LoopbackFarm::Add(const Address& address) {
  auto place = std::make_unique<Place>();
  place->fd = OpenUdp(address, &place->at);
  Node::Options options;
  options.v4 = address.is_v4();
  options.answer_bytes_per_second = 0;
  options.send = [raw = place.get()](const Endpoint& to, const std::string& datagram) {
    sockaddr_storage storage;
    const socklen_t size = to.ToSockaddr(&storage);
    if (!raw->fd.valid()) return;
    sendto(raw->fd.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&storage), size);
  };
  place->node = std::make_unique<Node>(std::move(options), Now());
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = place.get();
  EXPECT_EQ(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, place->fd.get(), &event), 0);
  places_.push_back(std::move(place));
  return places_.back()->node.get();
}

void LoopbackFarm::Receive(Place* place, TimePoint now) {
  char bytes[2048];
  for (size_t i = 0; i < kMaxDhtDatagramsPerTurn && place->fd.valid(); ++i) {
    sockaddr_storage storage = {};
    socklen_t size = sizeof storage;
    const ssize_t n = recvfrom(place->fd.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&storage), &size);
    if (n < 0) break;
    place->node->Receive(*Endpoint::FromSockaddr(storage), {bytes, static_cast<size_t>(n)}, now);
  }
  place->due = now;
}

bool LoopbackFarm::RunUntil(const std::function<bool()>& condition, Duration limit) {
  const TimePoint end = Now() + limit;
  // What was asked of the nodes since is not in their deadlines yet.
  for (const auto& place : places_) place->due = TimePoint();
  while (true) {
    TimePoint now = Now();
    TimePoint next = end;
    for (const auto& place : places_) {
      if (place->due <= now) {
        place->node->Step(now);
        place->due = place->node->NextDeadline();
      }
      next = std::min(next, place->due);
    }
    if (condition()) return true;
    if (now >= end) return false;
    epoll_event events[64];
    const int ready = epoll_wait(epoll_.get(), events, 64, PollTimeout(next, Now()));
    now = Now();
    for (int i = 0; i < ready; ++i) Receive(static_cast<Place*>(events[i].data.ptr), now);
  }
}

}  // namespace torrent
