// A stream over one connected TCP (or local) socket: the plain case, where files go out by sendfile(2).
// Thread: as net/stream.h.
#ifndef TORRENT_NET_TCP_STREAM_H_
#define TORRENT_NET_TCP_STREAM_H_

#include "base/unique_fd.h"
#include "net/stream.h"

namespace torrent {

class TcpStream final : public Stream {
 public:
  // Takes a connected socket and makes it non-blocking and TCP_NODELAY (messages are written whole; waiting for more to
  // send with them costs a round trip). `remote` as accept(2) or the connecting code knew it.
  TcpStream(UniqueFd fd, const Endpoint& remote);

  int fd() const override { return fd_.get(); }
  bool CanSendFile() const override { return true; }
  IoResult SendFile(int file_fd, uint64_t offset, size_t length) override;
  void Shutdown() override;

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override;
  IoResult WriteSome(absl::Span<const iovec> buffers, bool more) override;

 private:
  const UniqueFd fd_;
};

}  // namespace torrent

#endif  // TORRENT_NET_TCP_STREAM_H_
