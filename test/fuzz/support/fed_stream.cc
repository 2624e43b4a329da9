#include "test/fuzz/support/fed_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/base/internal/endian.h"
#include "wire/handshake.h"

namespace torrent::fuzz {

FedStream::FedStream(const Endpoint& remote, std::vector<std::string> portions, std::function<void()> between,
                     bool takes)
    : Stream(remote), portions_(std::move(portions)), between_(std::move(between)), takes_(takes) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) abort();
  near_ = std::make_unique<TcpStream>(UniqueFd(fds[0]), remote);
  far_ = UniqueFd(fds[1]);
}

IoResult FedStream::ReadSome(absl::Span<const iovec> buffers) {
  IoResult result = near_->TryReadV(buffers);
  if (result.would_block()) {
    Feed();
  } else if (result.has_bytes()) {
    in_socket_ -= result.bytes();
  }
  return result;
}

void FedStream::Feed() {
  if (takes_) TakeAll();
  between_();
  while (next_ < portions_.size() && portions_[next_].empty()) next_++;
  if (next_ == portions_.size()) {
    shutdown(far_.get(), SHUT_WR);
    return;
  }
  const std::string& portion = portions_[next_++];
  const ssize_t n = send(far_.get(), portion.data(), portion.size(), MSG_NOSIGNAL);
  // A portion is far smaller than what an empty socket takes.
  if (n >= 0 && static_cast<size_t>(n) != portion.size()) abort();
  if (n > 0) in_socket_ = static_cast<size_t>(n);
}

void FedStream::TakeAll() {
  char buffer[16 * 1024];
  while (recv(far_.get(), buffer, sizeof buffer, 0) > 0) {
  }
}

std::vector<std::string> Portions(absl::string_view bytes, size_t how) {
  std::vector<std::string> portions;
  while (!bytes.empty()) {
    size_t count = how == 0 ? bytes.size() : how;
    if (how == 1) {
      count = portions.empty() ? wire::kHandshakeBytes : bytes.size();
      if (!portions.empty() && bytes.size() >= 4) {
        count = std::min<size_t>(count, size_t{4} + absl::big_endian::Load32(bytes.data()));
      }
    }
    portions.emplace_back(bytes.substr(0, count));
    bytes.remove_prefix(portions.back().size());
  }
  return portions;
}

}  // namespace torrent::fuzz
