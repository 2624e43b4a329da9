#include "test/swarm/streams.h"

#include <stdlib.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace torrent {

namespace {

// What a TLS or an encrypted stream is to the sender: bytes only.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(UniqueFd fd) : Stream(Endpoint()), inner_(std::move(fd), Endpoint()) {}
  int fd() const override { return inner_.fd(); }
  void Shutdown() override { inner_.Shutdown(); }

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override { return inner_.TryReadV(buffers); }
  IoResult WriteSome(absl::Span<const iovec> buffers, bool) override { return inner_.TryWriteV(buffers); }

 private:
  TcpStream inner_;
};

// Sends files with the real call, 4 KiB at a time and only every other time: what a socket pair takes of a file in one
// go differs between kernels, and some take all of it.
class NarrowFileStream final : public Stream {
 public:
  explicit NarrowFileStream(UniqueFd fd) : Stream(Endpoint()), inner_(std::move(fd), Endpoint()) {}
  int fd() const override { return inner_.fd(); }
  void Shutdown() override { inner_.Shutdown(); }
  bool CanSendFile() const override { return true; }
  IoResult SendFile(int file_fd, uint64_t offset, size_t length) override {
    full_ = !full_;
    return full_ ? inner_.SendFile(file_fd, offset, std::min<size_t>(length, 4096)) : IoResult::WouldBlock();
  }

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override { return inner_.TryReadV(buffers); }
  IoResult WriteSome(absl::Span<const iovec> buffers, bool) override { return inner_.TryWriteV(buffers); }

 private:
  TcpStream inner_;
  bool full_ = false;
};

}  // namespace

IoResult MemoryStream::ReadSome(absl::Span<const iovec> buffers) {
  size_t read = 0;
  for (const iovec& buffer : buffers) {
    const size_t n = std::min(buffer.iov_len, left());
    memcpy(buffer.iov_base, bytes_.data() + begin_, n);
    begin_ += n;
    read += n;
  }
  if (read > 0) return IoResult::Bytes(read);
  return ended_ ? IoResult::Closed() : IoResult::WouldBlock();
}

NarrowPair::NarrowPair(bool sendfile) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) abort();
  const int small = 1;  // the system makes it some KiB
  setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  if (sendfile) {
    near = std::make_unique<NarrowFileStream>(UniqueFd(fds[0]));
  } else {
    near = std::make_unique<PlainStream>(UniqueFd(fds[0]));
  }
  far = UniqueFd(fds[1]);
}

std::string NarrowPair::Read(size_t limit) {
  std::string bytes;
  char buffer[4096];
  while (bytes.size() < limit) {
    const ssize_t n = recv(far.get(), buffer, std::min(sizeof buffer, limit - bytes.size()), 0);
    if (n <= 0) break;
    bytes.append(buffer, static_cast<size_t>(n));
  }
  return bytes;
}

}  // namespace torrent
