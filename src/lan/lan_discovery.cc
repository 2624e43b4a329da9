#include "lan/lan_discovery.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/random.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "lan/lan_socket.h"
#include "lan/lan_torrents.h"
#include "lan/lsd_message.h"

namespace torrent {

namespace {

// A socket that answers with errors only is looked at ten times a second.
constexpr std::chrono::milliseconds kErrorPause{100};

class Handle final : public LanDiscovery::Torrent {
 public:
  Handle(std::shared_ptr<LanTorrents> torrents, uint64_t id) : torrents_(std::move(torrents)), id_(id) {}
  ~Handle() override { torrents_->Remove(id_); }

 private:
  const std::shared_ptr<LanTorrents> torrents_;
  const uint64_t id_;
};

class LanDiscoveryImpl final : public LanDiscovery {
 public:
  LanDiscoveryImpl(uint16_t tcp_port, const BindOptions& bind, Wakeup wake)
      : tcp_port_(tcp_port),
        bind_(bind),
        cookie_(absl::StrFormat("%016x", SecureRandom64())),
        torrents_(std::make_shared<LanTorrents>(SecureRandom64())),
        wake_(std::move(wake)) {}

  ~LanDiscoveryImpl() override {
    stopping_ = true;
    wake_.Notify();
    thread_.Join();
  }

  absl::Status Open(const LanGroups& groups) {
    interfaces_ = LanInterfaces(bind_);
    absl::Status failed = absl::UnavailableError("local discovery: no interface that takes multicast");
    for (const Endpoint& group : {groups.v4, groups.v6}) {
      const bool usable = std::any_of(interfaces_.begin(), interfaces_.end(), [&group](const LanInterface& interface) {
        return interface.address.is_v4() == group.address.is_v4();
      });
      if (!usable) continue;
      absl::StatusOr<LanSocket> socket = LanSocket::Open(group);
      absl::Status status = socket.ok() ? socket->Join(interfaces_) : socket.status();
      if (absl::IsResourceExhausted(status)) return status;
      if (status.ok()) {
        sockets_.push_back(*std::move(socket));
      } else {
        failed = status;
      }
    }
    if (sockets_.empty()) return failed;
    ASSIGN_OR_RETURN(thread_, Thread::Start("lan", [this] { Run(); }));
    return absl::OkStatus();
  }

  std::unique_ptr<Torrent> Add(const Infohash& infohash, std::function<void(const Endpoint& peer)> on_peer) override {
    auto handle = std::make_unique<Handle>(torrents_, torrents_->Add(infohash, std::move(on_peer)));
    wake_.Notify();
    return handle;
  }

 private:
  void Run() {
    const PatientForMemory patient;
    while (true) {
      const TimePoint due = tcp_port_ == 0 ? TimePoint::max() : torrents_->NextDue();
      std::array<pollfd, 3> polled = {{{wake_.fd(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}}};
      for (size_t i = 0; i < sockets_.size(); ++i) polled[i + 1].fd = sockets_[i].fd();
      poll(polled.data(), polled.size(), PollTimeout(due, Now()));
      if (polled[0].revents != 0) wake_.Clear();
      if (stopping_) return;
      bool ready = false, heard = false;
      for (size_t i = 0; i < sockets_.size(); ++i) {
        if (polled[i + 1].revents == 0) continue;
        ready = true;
        heard |= Hear(sockets_[i]);
      }
      if (tcp_port_ != 0) Announce(torrents_->TakeDue(Now()));
      if (ready && !heard) poll(polled.data(), 1, static_cast<int>(kErrorPause.count()));
    }
  }

  // One socket's share of a turn. False: there was nothing but an error.
  bool Hear(const LanSocket& socket) {
    bool heard = false;
    for (size_t i = 0; i < kMaxDatagramsPerTurn / 2; ++i) {
      const absl::optional<LanSocket::Received> received = socket.Receive(absl::MakeSpan(buffer_));
      if (!received) break;
      heard = true;
      if (received->size > buffer_.size() || !IsNeighbour(received->from, interfaces_)) continue;
      const absl::optional<LsdMessage> message = ReadLsdMessage(absl::string_view(buffer_.data(), received->size));
      if (!message || message->cookie == cookie_) continue;
      torrents_->Hear(received->from, *message, Now());
    }
    return heard;
  }

  void Announce(absl::Span<const Infohash> due) {
    if (due.empty()) return;
    // Networks come and go.
    interfaces_ = LanInterfaces(bind_);
    for (LanSocket& socket : sockets_) {
      if (!socket.Join(interfaces_).ok()) continue;
      std::vector<unsigned> done;  // an interface with several addresses is one network
      for (const LanInterface& interface : interfaces_) {
        if (!socket.Speaks(interface) || std::count(done.begin(), done.end(), interface.index) > 0) continue;
        done.push_back(interface.index);
        for (size_t i = 0; i < due.size(); i += kMaxLsdInfohashes) {
          const absl::Span<const Infohash> some = due.subspan(i, kMaxLsdInfohashes);
          const LsdMessage message{tcp_port_, std::vector<Infohash>(some.begin(), some.end()), cookie_};
          // What cannot be sent now is said again in five minutes.
          static_cast<void>(socket.Send(interface, !bind_.any(), WriteLsdMessage(socket.group().ToString(), message)));
        }
      }
    }
  }

  const uint16_t tcp_port_;
  const BindOptions bind_;
  const std::string cookie_;
  const std::shared_ptr<LanTorrents> torrents_;
  const Wakeup wake_;
  std::atomic<bool> stopping_{false};
  // From the start of the thread on its alone.
  std::vector<LanInterface> interfaces_;
  std::vector<LanSocket> sockets_;
  std::array<char, kMaxLsdBytes> buffer_;
  Thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LanDiscovery>> LanDiscovery::Start(uint16_t tcp_port, const BindOptions& bind,
                                                                  const LanGroups& groups) {
  ASSIGN_OR_RETURN(Wakeup wake, Wakeup::Create());
  auto discovery = std::make_unique<LanDiscoveryImpl>(tcp_port, bind, std::move(wake));
  RETURN_IF_ERROR(discovery->Open(groups));
  return std::unique_ptr<LanDiscovery>(std::move(discovery));
}

}  // namespace torrent
