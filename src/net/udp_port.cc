#include "net/udp_port.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/port_sockets.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

// IPv6 without jumbograms carries 65,527 bytes: nothing that arrives is ever cut.
constexpr size_t kMaxDatagramBytes = 65'536;
// Numbers tried where any will do: one that is free over IPv4 is hardly ever taken over IPv6.
constexpr int kAnyPortTries = 20;
// A socket that answers with errors only (no memory, an interface that went away) is looked at ten times a second.
constexpr std::chrono::milliseconds kErrorPause{100};

absl::optional<UdpPort::Kind> KindOf(absl::string_view datagram) {
  if (datagram.empty()) return absl::nullopt;
  if (datagram[0] == 'd') return UdpPort::Kind::kDht;
  // Action and transaction id: what every reply of a tracker begins with.
  if (datagram.size() >= 8 && LoadBE32(datagram.data()) <= 3) return UdpPort::Kind::kTracker;
  return absl::nullopt;
}

class UdpPortImpl final : public UdpPort {
 public:
  UdpPortImpl(PortSockets sockets, Wakeup stop) : sockets_(std::move(sockets)), stop_(std::move(stop)) {}

  ~UdpPortImpl() override {
    stop_.Notify();
    thread_.Join();
  }

  absl::Status Start() {
    for (const UniqueFd* fd : {&sockets_.v4, &sockets_.v6}) {
      if (!fd->valid()) continue;
      const int bytes = kUdpSocketBufferBytes;
      setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
      setsockopt(fd->get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    ASSIGN_OR_RETURN(thread_, Thread::Start("udp", [this] { Run(); }));
    return absl::OkStatus();
  }

  uint16_t port() const override { return sockets_.port; }
  bool has_v4() const override { return sockets_.v4.valid(); }
  bool has_v6() const override { return sockets_.v6.valid(); }

  absl::Status Send(const Endpoint& to, absl::string_view datagram) override {
    const UniqueFd& fd = to.address.is_v4() ? sockets_.v4 : sockets_.v6;
    if (!fd.valid()) {
      return absl::UnavailableError(
          absl::StrCat("send to ", to.ToString(), ": no ", to.address.is_v4() ? "IPv4" : "IPv6", " here"));
    }
    sockaddr_storage storage;
    const socklen_t size = to.ToSockaddr(&storage);
    while (sendto(fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&storage), size) < 0) {
      if (errno == EINTR) continue;
      return absl::UnavailableError(SocketError(errno, absl::StrCat("send to ", to.ToString())).message());
    }
    return absl::OkStatus();
  }

  void Handle(Kind kind, Handler handler) override {
    auto shared = handler ? std::make_shared<const Handler>(std::move(handler)) : nullptr;
    MutexLock lock(&mutex_);
    handlers_[static_cast<size_t>(kind)].swap(shared);
    // The call that runs now, if it is of this kind; not those of the new handler that may follow it.
    const uint64_t call = calls_;
    while (running_ == kind && calls_ == call) call_ended_.Wait(&mutex_);
  }

 private:
  void Run() {
    const PatientForMemory patient;
    std::vector<char> buffer(kMaxDatagramBytes);
    while (true) {
      pollfd polled[3] = {
          {stop_.fd(), POLLIN, 0}, {sockets_.v4.get(), POLLIN, 0}, {sockets_.v6.get(), POLLIN, 0}};  // skips a -1
      if (poll(polled, 3, -1) < 0) continue;  // EINTR; ENOMEM passes
      if (polled[0].revents != 0) return;
      bool received = false;
      for (int i = 1; i <= 2; ++i) {
        if (polled[i].revents != 0) received |= Drain(polled[i].fd, &buffer);
      }
      if (!received) poll(polled, 1, static_cast<int>(kErrorPause.count()));
    }
  }

  // One family's share of a turn. False: there was nothing but errors.
  bool Drain(int fd, std::vector<char>* buffer) {
    bool received = false;
    for (size_t i = 0; i < kMaxDatagramsPerTurn / 2; ++i) {
      sockaddr_storage storage = {};
      socklen_t size = sizeof storage;
      const ssize_t n =
          recvfrom(fd, buffer->data(), buffer->size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&storage), &size);
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      // The news of an earlier datagram (ICMP) or of this machine: the next one is no worse.
      if (n < 0) continue;
      received = true;
      const absl::optional<Endpoint> from = Endpoint::FromSockaddr(storage);
      if (from) Deliver(*from, absl::string_view(buffer->data(), static_cast<size_t>(n)));
    }
    return received;
  }

  void Deliver(const Endpoint& from, absl::string_view datagram) {
    const absl::optional<Kind> kind = KindOf(datagram);
    if (!kind) return;
    std::shared_ptr<const Handler> handler;
    {
      MutexLock lock(&mutex_);
      handler = handlers_[static_cast<size_t>(*kind)];
      if (handler == nullptr) return;
      running_ = kind;
      ++calls_;
    }
    try {
      (*handler)(from, datagram);
    } catch (...) {
      // What a library throws (bad_alloc, mostly): this datagram is lost, as any may be.
    }
    // What it holds may be gone as soon as its owner is told that it no longer runs.
    handler.reset();
    MutexLock lock(&mutex_);
    running_ = absl::nullopt;
    call_ended_.SignalAll();
  }

  const PortSockets sockets_;
  const Wakeup stop_;
  Mutex mutex_;
  CondVar call_ended_;
  std::array<std::shared_ptr<const Handler>, 2> handlers_ ABSL_GUARDED_BY(mutex_);  // by kind
  absl::optional<Kind> running_ ABSL_GUARDED_BY(mutex_);                            // the kind whose handler runs now
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;                                      // begun so far
  Thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<UdpPort>> UdpPort::Open(uint16_t port, const BindOptions& bind) {
  absl::StatusOr<PortSockets> sockets = PortSockets::Open(Transport::kUdp, port, bind);
  for (int tries = 1; port == 0 && tries < kAnyPortTries && absl::IsAlreadyExists(sockets.status()); ++tries) {
    sockets = PortSockets::Open(Transport::kUdp, port, bind);
  }
  if (!sockets.ok()) return sockets.status();
  ASSIGN_OR_RETURN(Wakeup stop, Wakeup::Create());
  auto opened = std::make_unique<UdpPortImpl>(*std::move(sockets), std::move(stop));
  RETURN_IF_ERROR(opened->Start());
  return std::unique_ptr<UdpPort>(std::move(opened));
}

}  // namespace torrent
