// Judges the bytes of an HTTP/1 answer (RFC 9112) before the HTTP library sees them: the packaged one has no bounds on
// lines and fields, recurses once for each byte of the status line, and takes broken lengths for large ones. A guard
// changes nothing: bytes pass as they came or not at all. Pure. Thread: its owner's; one guard an answer. Invariant:
// what has passed is the beginning of one well-formed answer within the bounds.
#ifndef TORRENT_NET_HTTP_GUARD_H_
#define TORRENT_NET_HTTP_GUARD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent {

class HttpGuard {
 public:
  explicit HttpGuard(size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  // The next bytes as they came. Returns how many of them belong to the answer (all, unless it ends among them).
  // InvalidArgument says what is wrong; the guard must not be asked again.
  absl::StatusOr<size_t> Check(absl::string_view bytes);
  // The connection ended here. OK if the answer is complete, or ends with its connection; Unavailable if nothing came
  // at all; InvalidArgument: cut short.
  absl::Status CheckEnd();

  bool complete() const { return state_ == State::kComplete; }
  // Valid once the head has passed: 200 to 999.
  int status() const { return status_; }
  // Names in lower case, values without blanks around them, in the order in which they came.
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  enum class State { kStatusLine, kField, kBody, kBodyToEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kComplete };

  bool InLine() const;
  // The most bytes that the present line may have, with its end.
  size_t MaxLineBytes() const;
  absl::Status TooLong(absl::string_view begin) const;
  absl::Status TakeLine(absl::string_view line);
  absl::Status TakeStatusLine(absl::string_view line);
  absl::Status TakeField(absl::string_view line);
  // Decides how the body is framed (RFC 9112, 6.3).
  absl::Status EndHead();
  absl::Status TakeChunkSize(absl::string_view line);
  absl::Status TakeLength(absl::string_view text);

  const size_t max_body_bytes_;
  State state_ = State::kStatusLine;
  std::string line_;  // the part of the present line that has come
  size_t head_bytes_ = 0;
  uint64_t body_bytes_ = 0;  // that have passed, and those announced by chunk sizes
  uint64_t left_ = 0;        // of the body, or of the present chunk
  int status_ = 0;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace torrent

#endif  // TORRENT_NET_HTTP_GUARD_H_
