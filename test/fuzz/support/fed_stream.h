// A connection whose other end is an input: a socket pair into which the next portion is put when what was there has
// been read, so that whoever reads goes around its loop in between and nothing ever waits. After the last portion the
// other end stops sending.
// Thread: its reader's, alone.
#ifndef TORRENT_TEST_FUZZ_SUPPORT_FED_STREAM_H_
#define TORRENT_TEST_FUZZ_SUPPORT_FED_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "net/stream.h"
#include "net/tcp_stream.h"

namespace torrent::fuzz {

class FedStream final : public Stream {
 public:
  // `between` is called before each portion and before the end. `takes`: whether the other end reads what is sent to
  // it.
  FedStream(const Endpoint& remote, std::vector<std::string> portions, std::function<void()> between,
            bool takes = true);

  int fd() const override { return near_->fd(); }
  // There is more to come as soon as somebody asks.
  bool HasBuffered() const override { return Stream::HasBuffered() || in_socket_ == 0; }
  bool CanSendFile() const override { return true; }
  IoResult SendFile(int file_fd, uint64_t offset, size_t length) override {
    return near_->SendFile(file_fd, offset, length);
  }
  void Shutdown() override { near_->Shutdown(); }

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override;
  IoResult WriteSome(absl::Span<const iovec> buffers, bool more) override { return near_->TryWriteV(buffers, more); }

 private:
  void Feed();
  void TakeAll();

  std::unique_ptr<TcpStream> near_;
  UniqueFd far_;
  const std::vector<std::string> portions_;
  size_t next_ = 0;
  size_t in_socket_ = 0;
  const std::function<void()> between_;
  const bool takes_;
};

// The portions of a raw connection. 0: all at once; 1: the handshake, then a message each (as far as the lengths are
// plausible); others: so many bytes each.
std::vector<std::string> Portions(absl::string_view bytes, size_t how);

}  // namespace torrent::fuzz

#endif  // TORRENT_TEST_FUZZ_SUPPORT_FED_STREAM_H_
