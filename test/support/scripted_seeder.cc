#include "test/support/scripted_seeder.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>

#include "base/bytes.h"
#include "wire/bitfield.h"

namespace torrent::test {

namespace {
constexpr Duration kCatchUp = std::chrono::milliseconds(200);
}  // namespace

struct ScriptedSeeder::Live {
  explicit Live(std::unique_ptr<PeerConnection> p) : peer(std::move(p)) {}
  const std::unique_ptr<PeerConnection> peer;
  std::atomic<bool> ready{false};  // for an unchoke: it has said what it has
  bool unchoked = false;           // under the fake's lock
  bool ended = false;              // the same
  Thread thread;
};

ScriptedSeeder::ScriptedSeeder(const Payload* payload, Manner manner, const std::string& address, uint16_t port)
    : payload_(payload), manner_(std::move(manner)), stop_(*Wakeup::Create()) {
  const Endpoint wanted{*Address::Parse(address), port};
  listener_ = UniqueFd(socket(wanted.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  const socklen_t size = wanted.ToSockaddr(&storage);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 || listen(listener_.get(), 128) != 0) {
    perror(address.c_str());
    abort();
  }
  endpoint_ = *LocalEndpoint(listener_.get());
  thread_ = *Thread::Start("fake seeder", [this] { Listen(); });
}

ScriptedSeeder::~ScriptedSeeder() {
  stop_.Notify();
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
    for (auto& live : lives_) live->peer->HangUp();
  }
  thread_.Join();
  std::list<std::unique_ptr<Live>> lives;
  {
    MutexLock lock(&mutex_);
    lives.swap(lives_);
  }
  for (auto& live : lives) live->thread.Join();
}

void ScriptedSeeder::Listen() {
  while (true) {
    pollfd polled[2] = {{listener_.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[1].revents != 0) return;
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.valid()) Begin(std::make_unique<PeerConnection>(std::move(fd)));
  }
}

bool ScriptedSeeder::Dial(const Endpoint& to) {
  std::unique_ptr<PeerConnection> peer = PeerConnection::Dial(to, endpoint_.address.ToString());
  if (peer == nullptr) return false;
  Begin(std::move(peer));
  return true;
}

void ScriptedSeeder::Begin(std::unique_ptr<PeerConnection> peer) {
  std::list<std::unique_ptr<Live>> ended;
  MutexLock lock(&mutex_);
  if (stopping_) return;
  for (auto it = lives_.begin(); it != lives_.end();) {
    const auto next = std::next(it);
    if ((*it)->ended) ended.splice(ended.end(), lives_, it);
    it = next;
  }
  for (auto& live : ended) live->thread.Join();  // its last act is behind it
  lives_.push_back(std::make_unique<Live>(std::move(peer)));
  Live* live = lives_.back().get();
  connections_++;
  live_connections_++;
  most_at_once_ = std::max(most_at_once_, live_connections_);
  changed_.SignalAll();
  live->thread = *Thread::Start("fake peer", [this, live] {
    Serve(live);
    live->peer->HangUp();
    MutexLock end_lock(&mutex_);
    live->ready.store(false);
    live_connections_--;
    if (live->peer->closed() && !stopping_) hung_up_on_++;
    live->ended = true;
    changed_.SignalAll();
  });
}

bool ScriptedSeeder::ShakeHands(Line* line) {
  wire::Handshake theirs;
  const auto ours = [&] {
    wire::Handshake handshake =
        HandshakeOf(payload_->metainfo()->infohash, manner_.name, manner_.fast, manner_.extended);
    return manner_.handshake ? manner_.handshake(theirs, handshake) : handshake;
  };
  // Who dials says first who it wants, and who it is when it has heard whom it met.
  const size_t first = line->dialled() ? wire::kHandshakeHeadBytes : 0;
  std::string bytes;
  if (!line->Send(wire::EncodeHandshake(ours()).substr(0, first))) return false;
  if (!line->peer().ReadRaw(wire::kHandshakeBytes, &bytes)) {
    if (manner_.handshake) line->Delivered();  // it was not to somebody's liking
    return false;
  }
  absl::StatusOr<wire::Handshake> parsed = wire::ParseHandshake(AsBytes(bytes));
  if (!parsed.ok()) return false;
  theirs = *parsed;
  if (!line->Send(wire::EncodeHandshake(ours()).substr(first))) return false;
  line->peer().Agree(ours(), theirs);
  line->fast_ = manner_.fast && theirs.fast;
  return true;
}

void ScriptedSeeder::Serve(Live* live) {
  Line line(this, live->peer.get());
  if (manner_.instead) return manner_.instead(line);

  if (!ShakeHands(&line)) return;
  if (!(manner_.introduce ? manner_.introduce(line) : line.SayPieces())) return;
  bool unchoke;
  {
    MutexLock lock(&mutex_);
    live->ready.store(true);
    unchoke = open_ && !std::exchange(live->unchoked, open_);
  }
  if (unchoke && !(manner_.unchoke ? manner_.unchoke(line) : line.Send(Bytes(wire::EncodeUnchoke)))) return;

  const auto answer = [&](const wire::Message& request) {
    line.requests_++;
    return manner_.answer ? manner_.answer(line, request) : line.SendBlock(request);
  };
  // With a rate requests wait for their turn, and until then they can be cancelled.
  std::deque<wire::Message> waiting;
  while (true) {
    // For ever: who is silent for so long is the test's business.
    const TimePoint until = waiting.empty() ? Now() + std::chrono::hours(1) : line.next_block_;
    const absl::optional<Received> received = live->peer->Read(std::max<Duration>(Duration{}, until - Now()));
    if (!received) {
      if (live->peer->closed() || Now() < until || waiting.empty()) return;
      const wire::Message request = waiting.front();
      waiting.pop_front();
      if (!answer(request)) return;
      continue;
    }
    const wire::Message& head = received->head;
    if (head.form != wire::MessageForm::kMessage) continue;
    const bool is_request = head.id == wire::MessageId::kRequest;
    {
      MutexLock lock(&mutex_);
      received_[static_cast<uint8_t>(head.id)]++;
      if (is_request) requested_pieces_.push_back(head.piece_index);
      changed_.SignalAll();
    }
    if (is_request && manner_.rate > 0) {
      waiting.push_back(head);
    } else if (is_request && !answer(head)) {
      return;
    } else if (head.id == wire::MessageId::kCancel) {
      waiting.erase(std::remove_if(waiting.begin(), waiting.end(),
                                   [&head](const wire::Message& request) {
                                     return request.piece_index == head.piece_index && request.begin == head.begin;
                                   }),
                    waiting.end());
    }
  }
}

void ScriptedSeeder::Open() {
  MutexLock lock(&mutex_);
  open_ = true;
  for (auto& live : lives_) {
    // Few bytes: they fit into any socket's buffer. Manners with an unchoke of their own belong to open fakes.
    if (live->ready.load() && !std::exchange(live->unchoked, true)) live->peer->TrySend(Bytes(wire::EncodeUnchoke));
  }
}

// --- Observations ----------------------------------------------------------------------------------------------------

bool ScriptedSeeder::WaitUntil(const std::function<bool()>& condition) const {
  const TimePoint deadline = Now() + kPatience;
  while (!condition()) {
    if (Now() >= deadline) return false;
    changed_.WaitUntil(&mutex_, deadline);
  }
  return true;
}

bool ScriptedSeeder::WaitDelivered(int times) const {
  MutexLock lock(&mutex_);
  return WaitUntil([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return delivered_ >= times; });
}

bool ScriptedSeeder::WaitForConnections(int count) const {
  MutexLock lock(&mutex_);
  return WaitUntil([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return connections_ >= count; });
}

bool ScriptedSeeder::WaitForRequests(size_t count) const {
  MutexLock lock(&mutex_);
  return WaitUntil([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return requested_pieces_.size() >= count; });
}

bool ScriptedSeeder::WaitHungUpOn(int count) const {
  MutexLock lock(&mutex_);
  return WaitUntil([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return hung_up_on_ >= count; });
}

int ScriptedSeeder::delivered() const {
  MutexLock lock(&mutex_);
  return delivered_;
}

int ScriptedSeeder::connections() const {
  MutexLock lock(&mutex_);
  return connections_;
}

int ScriptedSeeder::most_at_once() const {
  MutexLock lock(&mutex_);
  return most_at_once_;
}

int ScriptedSeeder::live_connections() const {
  MutexLock lock(&mutex_);
  return live_connections_;
}

size_t ScriptedSeeder::requests() const {
  MutexLock lock(&mutex_);
  return requested_pieces_.size();
}

size_t ScriptedSeeder::RequestsOf(uint32_t piece_index) const {
  MutexLock lock(&mutex_);
  return static_cast<size_t>(std::count(requested_pieces_.begin(), requested_pieces_.end(), piece_index));
}

int ScriptedSeeder::received(wire::MessageId id) const {
  MutexLock lock(&mutex_);
  return received_[static_cast<uint8_t>(id)];
}

uint64_t ScriptedSeeder::block_bytes_sent() const {
  MutexLock lock(&mutex_);
  return block_bytes_sent_;
}

// --- One connection --------------------------------------------------------------------------------------------------

void ScriptedSeeder::Line::Delivered() {
  MutexLock lock(&owner_->mutex_);
  owner_->delivered_++;
  owner_->changed_.SignalAll();
}

bool ScriptedSeeder::Line::SayPieces() {
  if (dialled()) return !fast_ || Send(Bytes(wire::EncodeHaveNone));
  if (fast_) return Send(Bytes(wire::EncodeHaveAll));
  std::string bytes;
  wire::EncodeBitfield(wire::Bitfield::AllSet(payload().piece_count()), &bytes);
  return Send(bytes);
}

bool ScriptedSeeder::Line::SendBlock(const wire::Message& request) {
  const absl::string_view block = payload().Block(request.piece_index, request.begin, request.length);
  // A fake that is asked for what does not exist says so by going away.
  if (block.empty()) return false;
  if (owner_->manner_.rate > 0) {
    // Late by a little it catches up, as a line with a buffer does; what nobody asked for in time is lost.
    next_block_ = std::max(next_block_, Now() - kCatchUp);
    if (!Pause(next_block_ - Now())) return false;
    next_block_ += FromSeconds(static_cast<double>(block.size()) / owner_->manner_.rate);
  }
  return SendBlock(request.piece_index, request.begin, block);
}

bool ScriptedSeeder::Line::SendBlock(uint32_t piece_index, uint32_t begin, absl::string_view bytes) {
  std::string message;
  wire::EncodePieceHeader(piece_index, begin, static_cast<uint32_t>(bytes.size()), &message);
  message.append(bytes.data(), bytes.size());
  // Counted before it leaves: who has it and asks for the count must not be ahead of it.
  {
    MutexLock lock(&owner_->mutex_);
    owner_->block_bytes_sent_ += bytes.size();
  }
  if (Send(message)) return true;
  MutexLock lock(&owner_->mutex_);
  owner_->block_bytes_sent_ -= bytes.size();
  return false;
}

void ScriptedSeeder::Line::ReadUntilClosed() { peer_->WaitClosed(std::chrono::hours(1)); }

bool ScriptedSeeder::Line::Pause(Duration duration) {
  const TimePoint deadline = Now() + duration;
  MutexLock lock(&owner_->mutex_);
  while (!owner_->stopping_ && Now() < deadline) owner_->changed_.WaitUntil(&owner_->mutex_, deadline);
  return !owner_->stopping_;
}

}  // namespace torrent::test
