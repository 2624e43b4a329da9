#include "swarm/peer_handshake.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "net/wait.h"

namespace torrent {

absl::Status ReadExactly(Stream* stream, absl::Span<uint8_t> out, TimePoint deadline, int cancel_fd) {
  while (!out.empty()) {
    IoResult result = stream->TryRead(out);
    if (result.is_error()) return result.status();
    if (result.closed()) return absl::UnavailableError("closed during the handshake");
    if (result.would_block()) {
      RETURN_IF_ERROR(WaitFor(stream->fd(), stream->PollEvents(true, false), deadline, cancel_fd, "handshake"));
      continue;
    }
    out.remove_prefix(result.bytes());
  }
  return absl::OkStatus();
}

absl::Status WriteAll(Stream* stream, absl::Span<const uint8_t> bytes, TimePoint deadline, int cancel_fd) {
  while (!bytes.empty()) {
    IoResult result = stream->TryWrite(bytes);
    if (result.is_error()) return result.status();
    if (result.would_block()) {
      RETURN_IF_ERROR(WaitFor(stream->fd(), stream->PollEvents(false, true), deadline, cancel_fd, "handshake"));
      continue;
    }
    bytes.remove_prefix(result.bytes());
  }
  return absl::OkStatus();
}

absl::StatusOr<wire::Handshake> ShakeHandsOutgoing(Stream* stream, const wire::Handshake& ours, TimePoint deadline,
                                                   int cancel_fd) {
  RETURN_IF_ERROR(WriteAll(stream, AsBytes(wire::EncodeHandshake(ours)), deadline, cancel_fd));
  std::array<uint8_t, wire::kHandshakeBytes> bytes;
  RETURN_IF_ERROR(ReadExactly(stream, absl::MakeSpan(bytes), deadline, cancel_fd));
  ASSIGN_OR_RETURN(wire::Handshake theirs, wire::ParseHandshake(bytes));
  if (theirs.infohash != ours.infohash) {
    return absl::NotFoundError(
        absl::StrCat("serves torrent ", theirs.infohash.Hex(), ", asked for ", ours.infohash.Hex()));
  }
  return theirs;
}

absl::StatusOr<wire::Handshake> ReadHandshakeHead(Stream* stream, TimePoint deadline, int cancel_fd) {
  std::array<uint8_t, wire::kHandshakeHeadBytes> bytes;
  // What cannot become a handshake is told by its first bytes; nobody waits for 48 of them.
  absl::Span<uint8_t> first = absl::MakeSpan(bytes).subspan(0, wire::kProtocolBytes);
  RETURN_IF_ERROR(ReadExactly(stream, first, deadline, cancel_fd));
  if (!wire::StartsLikeHandshake(first)) {
    return absl::InvalidArgumentError("does not begin with the BitTorrent handshake");
  }
  RETURN_IF_ERROR(ReadExactly(stream, absl::MakeSpan(bytes).subspan(wire::kProtocolBytes), deadline, cancel_fd));
  return wire::ParseHandshakeHead(bytes);
}

absl::Status AnswerHandshake(Stream* stream, const wire::Handshake& ours, wire::Handshake* theirs, TimePoint deadline,
                             int cancel_fd) {
  RETURN_IF_ERROR(WriteAll(stream, AsBytes(wire::EncodeHandshake(ours)), deadline, cancel_fd));
  return ReadExactly(stream, absl::MakeSpan(theirs->peer_id), deadline, cancel_fd);
}

}  // namespace torrent
