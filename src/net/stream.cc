#include "net/stream.h"

#include <poll.h>

#include <algorithm>
#include <cstring>

namespace torrent {

short Stream::PollEvents(bool want_read, bool want_write) const {
  return static_cast<short>((want_read ? POLLIN : 0) | (want_write ? POLLOUT : 0));
}

IoResult Stream::TryRead(absl::Span<uint8_t> buffer) {
  const iovec one = {buffer.data(), buffer.size()};
  return TryReadV({&one, 1});
}

IoResult Stream::TryReadV(absl::Span<const iovec> buffers) {
  if (unread_.empty()) return ReadSome(buffers);
  size_t copied = 0;
  for (const iovec& buffer : buffers) {
    const size_t n = std::min(buffer.iov_len, unread_.size() - unread_begin_);
    if (n > 0) memcpy(buffer.iov_base, unread_.data() + unread_begin_, n);
    unread_begin_ += n;
    copied += n;
  }
  if (unread_begin_ == unread_.size()) {
    unread_ = std::vector<uint8_t>();  // frees it: this happens once in a connection's life
    unread_begin_ = 0;
  }
  return IoResult::Bytes(copied);
}

IoResult Stream::TryWrite(absl::Span<const uint8_t> buffer, bool more) {
  const iovec one = {const_cast<uint8_t*>(buffer.data()), buffer.size()};
  return WriteSome({&one, 1}, more);
}

void Stream::Unread(absl::Span<const uint8_t> bytes) {
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<ptrdiff_t>(unread_begin_));
  unread_begin_ = 0;
  unread_.insert(unread_.begin(), bytes.begin(), bytes.end());
}

IoResult Stream::SendFile(int, uint64_t, size_t) {
  return IoResult::Error(absl::FailedPreconditionError("this stream cannot send from a file"));
}

}  // namespace torrent
