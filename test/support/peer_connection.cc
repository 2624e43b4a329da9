#include "test/support/peer_connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace torrent::test {

PeerConnection::PeerConnection(UniqueFd fd) : PeerConnection(std::move(fd), /*dialled=*/false) {}

PeerConnection::PeerConnection(UniqueFd fd, bool dialled)
    : fd_(std::move(fd)),
      local_(LocalEndpoint(fd_.get()).value_or(Endpoint())),
      remote_(RemoteEndpoint(fd_.get()).value_or(Endpoint())),
      dialled_(dialled) {
  rules_.max_block_bytes = kMaxServedRequestBytes;
}

std::unique_ptr<PeerConnection> PeerConnection::Dial(const Endpoint& to, const std::string& from, int receive_buffer) {
  UniqueFd fd(socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  if (receive_buffer > 0) setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (!from.empty()) {
    const socklen_t size = Endpoint{*Address::Parse(from), 0}.ToSockaddr(&storage);
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return nullptr;
  }
  const socklen_t size = to.ToSockaddr(&storage);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return nullptr;
  return std::unique_ptr<PeerConnection>(new PeerConnection(std::move(fd), /*dialled=*/true));
}

bool PeerConnection::Wait(short events, TimePoint deadline) {
  pollfd polled = {fd_.get(), events, 0};
  const int n = poll(&polled, 1, PollTimeout(deadline, Now()));
  return n > 0 || (n < 0 && errno == EINTR);
}

ssize_t PeerConnection::TrySend(absl::string_view bytes) {
  MutexLock lock(&send_mutex_);
  const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) return n;
  if (errno == EAGAIN || errno == EINTR) return 0;
  closed_.store(true);
  return -1;
}

bool PeerConnection::Send(absl::string_view bytes, Duration patience) {
  MutexLock lock(&send_mutex_);
  while (!bytes.empty()) {
    const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      if (!Wait(POLLOUT, Now() + patience)) return false;
    } else if (errno != EINTR) {
      closed_.store(true);
      return false;
    }
  }
  return true;
}

bool PeerConnection::Fill(TimePoint deadline) {
  while (!closed_.load()) {
    char buffer[65536];
    const ssize_t n = recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) {
      pending_.append(buffer, static_cast<size_t>(n));
      return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!Wait(POLLIN, deadline)) return false;
      continue;
    }
    closed_.store(true);
  }
  return false;
}

bool PeerConnection::ReadRaw(size_t size, std::string* bytes, Duration patience) {
  const TimePoint deadline = Now() + patience;
  while (pending_.size() < size) {
    if (!Fill(deadline)) return false;
  }
  *bytes = pending_.substr(0, size);
  pending_.erase(0, size);
  return true;
}

bool PeerConnection::ShakeHands(const wire::Handshake& ours, wire::Handshake* theirs) {
  std::string bytes;
  if (dialled_ && !Send(wire::EncodeHandshake(ours))) return false;
  if (!ReadRaw(wire::kHandshakeBytes, &bytes)) return false;
  absl::StatusOr<wire::Handshake> parsed = wire::ParseHandshake(AsBytes(bytes));
  if (!parsed.ok()) return false;
  *theirs = *parsed;
  if (!dialled_ && !Send(wire::EncodeHandshake(ours))) return false;
  Agree(ours, *theirs);
  return true;
}

void PeerConnection::Agree(const wire::Handshake& ours, const wire::Handshake& theirs) {
  rules_.fast = ours.fast && theirs.fast;
  rules_.extended = ours.extended && theirs.extended;
}

absl::optional<Received> PeerConnection::Read(Duration patience) {
  const TimePoint deadline = Now() + patience;
  while (true) {
    const wire::Message head = wire::PeekMessage(AsBytes(pending_), rules_);
    if (head.form == wire::MessageForm::kError) return absl::nullopt;
    const size_t size = size_t{head.head_bytes} + head.payload_bytes;
    if (head.form != wire::MessageForm::kIncomplete && pending_.size() >= size) {
      Received received{head, pending_.substr(head.head_bytes, head.payload_bytes)};
      pending_.erase(0, size);
      return received;
    }
    if (!Fill(deadline)) return absl::nullopt;
  }
}

absl::optional<Received> PeerConnection::Expect(wire::MessageId id, Duration patience) {
  const TimePoint deadline = Now() + patience;
  while (absl::optional<Received> received = Read(std::max<Duration>(Duration{}, deadline - Now()))) {
    if (received->head.form == wire::MessageForm::kMessage && received->head.id == id) return received;
  }
  return absl::nullopt;
}

bool PeerConnection::WaitClosed(Duration patience) {
  const TimePoint deadline = Now() + patience;
  while (Fill(deadline)) pending_.clear();
  return closed_.load();
}

void PeerConnection::HangUp() { shutdown(fd_.get(), SHUT_RDWR); }

wire::Handshake HandshakeOf(const Infohash& infohash, absl::string_view name, bool fast, bool extended) {
  wire::Handshake handshake;
  handshake.infohash = infohash;
  handshake.fast = fast;
  handshake.extended = extended;
  handshake.peer_id.fill('.');
  std::copy_n(name.begin(), std::min(name.size(), handshake.peer_id.size()), handshake.peer_id.begin());
  return handshake;
}

}  // namespace torrent::test
