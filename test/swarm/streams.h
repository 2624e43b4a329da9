// Streams in a test's hand: one in memory that gives its bytes in any portions, one that cannot send files, and a pair
// of connected ones whose buffers are as small as the system allows.
// Thread: the test's.
#ifndef TORRENT_TEST_SWARM_STREAMS_H_
#define TORRENT_TEST_SWARM_STREAMS_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "net/stream.h"
#include "net/tcp_stream.h"

namespace torrent {

// Reads give what was fed and not read yet, then "would block", or "closed" after End.
class MemoryStream final : public Stream {
 public:
  MemoryStream() : Stream(Endpoint()) {}
  void Feed(absl::string_view bytes) { bytes_.append(bytes.data(), bytes.size()); }
  void End() { ended_ = true; }
  size_t left() const { return bytes_.size() - begin_; }

  int fd() const override { return -1; }
  void Shutdown() override {}

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override;
  IoResult WriteSome(absl::Span<const iovec>, bool) override { return IoResult::WouldBlock(); }

 private:
  std::string bytes_;
  size_t begin_ = 0;
  bool ended_ = false;
};

// Both ends of a socket pair. `near` takes only a few KiB before it would block.
struct NarrowPair {
  // With `sendfile`, near sends files as the program's plain stream does, else it says that it cannot.
  explicit NarrowPair(bool sendfile);
  // What has come out at the far end, without waiting: at most `limit` bytes of it.
  std::string Read(size_t limit = SIZE_MAX);
  void HangUp() { far = UniqueFd(); }

  std::unique_ptr<Stream> near;
  UniqueFd far;
};

}  // namespace torrent

#endif  // TORRENT_TEST_SWARM_STREAMS_H_
