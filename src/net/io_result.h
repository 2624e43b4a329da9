// What one try to read or write gave. Without allocation unless it is an error.
#ifndef TORRENT_NET_IO_RESULT_H_
#define TORRENT_NET_IO_RESULT_H_

#include <cstddef>
#include <utility>

#include "absl/status/status.h"

namespace torrent {

class IoResult {
 public:
  enum class Kind : unsigned char {
    kBytes,       // bytes() of them, at least one (none only where none were asked for)
    kWouldBlock,  // nothing now: poll for Stream::PollEvents
    kClosed,      // the other side has ended its direction in order: nothing comes any more
    kFileEnded,   // SendFile only: the file is shorter than `offset`
    kError,       // status(): the stream is of no more use
  };

  static IoResult Bytes(size_t n) { return IoResult(Kind::kBytes, n); }
  static IoResult WouldBlock() { return IoResult(Kind::kWouldBlock, 0); }
  static IoResult Closed() { return IoResult(Kind::kClosed, 0); }
  static IoResult FileEnded() { return IoResult(Kind::kFileEnded, 0); }
  static IoResult Error(absl::Status status) {
    IoResult result(Kind::kError, 0);
    result.status_ = std::move(status);
    return result;
  }

  Kind kind() const { return kind_; }
  bool has_bytes() const { return kind_ == Kind::kBytes; }
  bool would_block() const { return kind_ == Kind::kWouldBlock; }
  bool closed() const { return kind_ == Kind::kClosed; }
  bool file_ended() const { return kind_ == Kind::kFileEnded; }
  bool is_error() const { return kind_ == Kind::kError; }
  // 0 unless has_bytes().
  size_t bytes() const { return bytes_; }
  // OK unless is_error().
  const absl::Status& status() const { return status_; }

 private:
  IoResult(Kind kind, size_t bytes) : bytes_(bytes), kind_(kind) {}

  size_t bytes_;
  Kind kind_;
  absl::Status status_;
};

}  // namespace torrent

#endif  // TORRENT_NET_IO_RESULT_H_
