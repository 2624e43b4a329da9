// Bytes both ways between two ends, however they travel: TCP, TLS, later an encrypted peer connection or uTP. Nothing
// here blocks: what cannot be done now answers "would block", and the caller waits in poll(2) on fd(). Thread: its
// owner's, except Shutdown and fd(), which are thread-safe as long as the stream lives. Invariant: bytes given to
// Unread are read again before any other.
#ifndef TORRENT_NET_STREAM_H_
#define TORRENT_NET_STREAM_H_

#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "net/endpoint.h"
#include "net/io_result.h"

namespace torrent {

class Stream {
 public:
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // The descriptor to poll; the same for the stream's whole life.
  virtual int fd() const = 0;
  // The events of poll(2) that a caller has to wait for who wants to read and / or to write. Ask after each try: under
  // TLS a read may have to wait until the socket takes bytes, and the other way round. POLLIN and POLLOUT only.
  virtual short PollEvents(bool want_read, bool want_write) const;
  // Whether TryRead has bytes (or news) that poll(2) will not tell of: try before waiting.
  virtual bool HasBuffered() const { return unread_begin_ < unread_.size(); }

  // Reads what is there, at most what `buffers` hold, in their order. Bytes, would block, closed, or error.
  IoResult TryRead(absl::Span<uint8_t> buffer);
  IoResult TryReadV(absl::Span<const iovec> buffers);
  // Writes what fits now, from the first byte of the first buffer on. Bytes, would block, or error.
  // `more`: other bytes follow at once, so that a stream of packets need not send these alone.
  IoResult TryWrite(absl::Span<const uint8_t> buffer, bool more = false);
  IoResult TryWriteV(absl::Span<const iovec> buffers, bool more = false) { return WriteSome(buffers, more); }
  // The next reads begin with a copy of `bytes`: for who looked at the first bytes to find out what they are.
  void Unread(absl::Span<const uint8_t> bytes);

  // Whether SendFile works: bytes leave unchanged by this process.
  virtual bool CanSendFile() const { return false; }
  // Sends [offset, offset + length) of the file, as far as the stream takes it now, without passing it through this
  // process. File ended: the file is cut off at or before `offset`. Only where CanSendFile.
  virtual IoResult SendFile(int file_fd, uint64_t offset, size_t length);

  // Ends both directions: whoever waits in poll wakes, reads and writes answer closed or error. Any thread; the
  // descriptor stays open until the owner destroys the stream.
  virtual void Shutdown() = 0;

  // The other end, as the system told it; 0.0.0.0:0 where there is none (socket pairs).
  const Endpoint& remote() const { return remote_; }

 protected:
  explicit Stream(const Endpoint& remote) : remote_(remote) {}
  // As TryReadV and TryWriteV, past what was unread.
  virtual IoResult ReadSome(absl::Span<const iovec> buffers) = 0;
  virtual IoResult WriteSome(absl::Span<const iovec> buffers, bool more) = 0;

 private:
  const Endpoint remote_;
  std::vector<uint8_t> unread_;
  size_t unread_begin_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_NET_STREAM_H_
