#include "session/incoming.h"

#include <algorithm>

#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/status.h"
#include "net/tcp_stream.h"
#include "net/wait.h"
#include "swarm/peer_handshake.h"

namespace torrent {

namespace {
// After the system had no descriptor or memory for a connection that waits.
constexpr Duration kPauseWithoutDescriptors = std::chrono::seconds(1);
// Of one /24 while they shake hands, where addresses are global.
constexpr int kMaxShakingPerNetwork = 3;

bool SameNetwork(const Address& a, const Address& b) {
  if (a.is_v4() != b.is_v4()) return false;
  const size_t bytes = a.is_v4() ? 3 : 6;  // a /24, or a /48
  return std::equal(a.bytes().begin(), a.bytes().begin() + static_cast<ptrdiff_t>(bytes), b.bytes().begin());
}
}  // namespace

absl::StatusOr<std::unique_ptr<Incoming>> Incoming::Start(Listener listener, Budget* connections, Serve serve) {
  ASSIGN_OR_RETURN(Wakeup stop, Wakeup::Create());
  std::unique_ptr<Incoming> incoming(new Incoming(std::move(listener), connections, std::move(serve), std::move(stop)));
  ASSIGN_OR_RETURN(incoming->thread_, Thread::Start("listener", [raw = incoming.get()] { raw->Listen(); }));
  return incoming;
}

Incoming::Incoming(Listener listener, Budget* connections, Serve serve, Wakeup stop)
    : listener_(std::move(listener)), connections_(connections), serve_(std::move(serve)), stop_(std::move(stop)) {}

Incoming::~Incoming() {
  StopAccepting();
  thread_.Join();
  Connections ended;
  {
    MutexLock lock(&mutex_);
    while (!live_.empty()) none_live_.Wait(&mutex_);
    ended.swap(ended_);
  }
  for (auto& connection : ended) connection->thread.Join();
}

void Incoming::StopAccepting() {
  stop_.Notify();
  MutexLock lock(&mutex_);
  for (auto& connection : live_) connection->cancel.Notify();
}

void Incoming::Listen() {
  const PatientForMemory patient;
  while (true) {
    absl::StatusOr<Listener::Accepted> accepted = listener_.Accept(TimePoint::max(), stop_.fd());
    if (accepted.ok()) {
      Take(*std::move(accepted));
    } else if (absl::IsCancelled(accepted.status())) {
      return;
    } else {
      // Most likely no descriptor is left; the connection stays in the queue of the system.
      WaitFor(-1, 0, Now() + kPauseWithoutDescriptors, stop_.fd(), "pause").IgnoreError();
    }
  }
}

bool Incoming::MakeRoomFor(const Address& address) {
  int of_address = 0, of_network = 0, shaking = 0;
  {
    MutexLock lock(&mutex_);
    Connection* oldest = nullptr;
    for (auto& connection : live_) {
      of_address += connection->remote.address == address;
      if (!connection->shaking_hands.load(std::memory_order_relaxed)) continue;
      if (oldest == nullptr) oldest = connection.get();
      shaking++;
      of_network += SameNetwork(connection->remote.address, address);
    }
    if (shaking >= kMaxPendingIncoming && oldest != nullptr) {
      // It counts no more from here on: the next one to come must not ask the same one to give way.
      oldest->shaking_hands.store(false, std::memory_order_relaxed);
      oldest->cancel.Notify();
    }
  }
  if (address.is_global() && of_network >= kMaxShakingPerNetwork) return false;
  return of_address < kMaxIncomingPerAddress;
}

void Incoming::Take(Listener::Accepted accepted) {
  if (!MakeRoomFor(accepted.remote.address)) return;
  Budget::Slot slot = connections_->TryTake();
  absl::StatusOr<Wakeup> cancel = Wakeup::Create();
  if (!slot || !cancel.ok()) return;
  auto stream =
      std::make_shared<std::unique_ptr<Stream>>(std::make_unique<TcpStream>(std::move(accepted.fd), accepted.remote));
  auto connection = std::make_unique<Connection>(accepted.remote, *std::move(cancel));
  connection->slot = std::move(slot);
  // In the list before its thread runs, so that whoever stops sees it.
  MutexLock lock(&mutex_);
  live_.push_back(std::move(connection));
  const Connections::iterator place = std::prev(live_.end());
  absl::StatusOr<Thread> thread =
      Thread::Start("peer-in", [this, place, stream] { RunConnection(place, std::move(*stream)); });
  if (!thread.ok()) {
    live_.pop_back();
    return;
  }
  (*place)->thread = *std::move(thread);
}

void Incoming::RunConnection(Connections::iterator place, std::unique_ptr<Stream> stream) {
  Connection* const connection = place->get();
  RunMortal([&]() -> absl::Status {
    const TimePoint deadline = Now() + kHandshakeTimeout;
    ASSIGN_OR_RETURN(wire::Handshake theirs, ReadHandshakeHead(stream.get(), deadline, connection->cancel.fd()));
    connection->shaking_hands.store(false, std::memory_order_relaxed);
    serve_(std::move(stream), theirs, deadline);
    return absl::OkStatus();
  }).IgnoreError();
  stream.reset();
  connection->slot.Release();
  Connections before;
  {
    MutexLock lock(&mutex_);
    before.swap(ended_);
    ended_.splice(ended_.end(), live_, place);
    if (live_.empty()) none_live_.SignalAll();
  }
  for (auto& ended : before) ended->thread.Join();
}

}  // namespace torrent
