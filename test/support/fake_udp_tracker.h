// A UDP tracker (BEP 15) on 127.0.0.1 and ::1 that answers datagram for datagram what a test tells it to, and remembers
// what it was asked. Header only, so that the tests of one room may use it, too. Thread: one of its own; the observers
// are thread-safe.
#ifndef TORRENT_TEST_SUPPORT_FAKE_UDP_TRACKER_H_
#define TORRENT_TEST_SUPPORT_FAKE_UDP_TRACKER_H_

#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/port_sockets.h"

namespace torrent::test {

class FakeUdpTracker {
 public:
  static constexpr uint64_t kConnectionId = 0x0102030405060708;

  struct Request {
    std::string bytes;
    Endpoint from;
    bool v6 = false;

    uint32_t action() const { return LoadBE32(&bytes[8]); }
    uint64_t connection_id() const { return LoadBE64(bytes.data()); }
    std::string transaction_id() const { return bytes.substr(12, 4); }
    // The head of a reply to it.
    std::string Head(uint32_t action) const {
      std::string head;
      AppendBE32(&head, action);
      return head + transaction_id();
    }
    std::string Connected(uint64_t id = kConnectionId) const {
      std::string reply = Head(0);
      AppendBE32(&reply, static_cast<uint32_t>(id >> 32));
      AppendBE32(&reply, static_cast<uint32_t>(id));
      return reply;
    }
    std::string Announced(const std::vector<Endpoint>& peers, uint32_t interval = 1800, uint32_t leechers = 3,
                          uint32_t seeders = 5) const {
      std::string reply = Head(1);
      for (uint32_t number : {interval, leechers, seeders}) AppendBE32(&reply, number);
      for (const Endpoint& peer : peers) peer.AppendCompact(&reply);
      return reply;
    }
    std::string Refused(absl::string_view message) const { return absl::StrCat(Head(3), message); }
  };
  // The datagrams to answer with, each sent back from where the request came to. Called on the fake's thread with
  // requests of at least 16 bytes; `n` counts them from 0.
  using Script = std::function<std::vector<std::string>(const Request& request, size_t n)>;

  explicit FakeUdpTracker(Script script)
      : script_(std::move(script)),
        sockets_(*PortSockets::Open(Transport::kUdp, 0, BindOptions())),
        stop_(*Wakeup::Create()) {
    thread_ = *Thread::Start("fake udp", [this] { Run(); });
  }
  ~FakeUdpTracker() {
    stop_.Notify();
    thread_.Join();
  }

  // Connects everybody and names these peers.
  static Script Naming(std::vector<Endpoint> peers) {
    return [peers = std::move(peers)](const Request& request, size_t) -> std::vector<std::string> {
      return {request.action() == 0 ? request.Connected() : request.Announced(peers)};
    };
  }

  uint16_t port() const { return sockets_.port; }
  bool has_v6() const { return sockets_.v6.valid(); }
  std::string url(absl::string_view path = "/announce", absl::string_view host = "127.0.0.1") const {
    return absl::StrCat("udp://", host, ":", port(), path);
  }
  std::vector<Request> requests() const {
    MutexLock lock(&mutex_);
    return requests_;
  }
  // Blocks until `n` requests have come, or 20 s have passed: then false.
  bool WaitForRequests(size_t n) const {
    const TimePoint deadline = Now() + std::chrono::seconds(20);
    MutexLock lock(&mutex_);
    while (requests_.size() < n && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return requests_.size() >= n;
  }

 private:
  void Run() {
    while (true) {
      pollfd polled[3] = {{stop_.fd(), POLLIN, 0}, {sockets_.v4.get(), POLLIN, 0}, {sockets_.v6.get(), POLLIN, 0}};
      if (poll(polled, 3, -1) < 0) continue;
      if (polled[0].revents != 0) return;
      if (polled[1].revents != 0) Serve(polled[1].fd, false);
      if (polled[2].revents != 0) Serve(polled[2].fd, true);
    }
  }

  void Serve(int fd, bool v6) {
    std::string bytes(65'536, '\0');
    sockaddr_storage storage = {};
    socklen_t size = sizeof storage;
    const ssize_t n = recvfrom(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&storage), &size);
    if (n < 16) return;
    bytes.resize(static_cast<size_t>(n));
    const Request request{std::move(bytes), Endpoint::FromSockaddr(storage).value_or(Endpoint()), v6};
    size_t count;
    {
      MutexLock lock(&mutex_);
      count = requests_.size();
      requests_.push_back(request);
      changed_.SignalAll();
    }
    for (const std::string& reply : script_(request, count)) {
      sendto(fd, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&storage), size);
    }
  }

  const Script script_;
  const PortSockets sockets_;
  const Wakeup stop_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_FAKE_UDP_TRACKER_H_
