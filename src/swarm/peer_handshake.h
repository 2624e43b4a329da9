// The first exchange on a connection (BEP 3), blocking with one deadline for all of it: a peer that sends a byte a
// second gains nothing. Thread: the peer's worker, before its loop begins.
#ifndef TORRENT_SWARM_PEER_HANDSHAKE_H_
#define TORRENT_SWARM_PEER_HANDSHAKE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "net/stream.h"
#include "wire/handshake.h"

namespace torrent {

// Fills `out` from the stream. Unavailable when it ends before; DeadlineExceeded, Cancelled as net/wait.h.
absl::Status ReadExactly(Stream* stream, absl::Span<uint8_t> out, TimePoint deadline, int cancel_fd);
absl::Status WriteAll(Stream* stream, absl::Span<const uint8_t> bytes, TimePoint deadline, int cancel_fd);

// Outgoing: sends ours, reads theirs. NotFound when the peer serves another torrent.
absl::StatusOr<wire::Handshake> ShakeHandsOutgoing(Stream* stream, const wire::Handshake& ours, TimePoint deadline,
                                                   int cancel_fd);

// Incoming: the first 48 bytes, by which the torrent is found; then ours is sent and the peer id read.
absl::StatusOr<wire::Handshake> ReadHandshakeHead(Stream* stream, TimePoint deadline, int cancel_fd);
absl::Status AnswerHandshake(Stream* stream, const wire::Handshake& ours, wire::Handshake* theirs, TimePoint deadline,
                             int cancel_fd);

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_HANDSHAKE_H_
