// One end of a peer connection in a test's hand: it speaks whatever bytes the test likes, and reads messages one by
// one. A fake peer behind a listening port (scripted_seeder.h) has one for each connection; a test that plays a peer
// itself dials one.
// Thread: one reads; Send, HangUp and the counters are for any.
#ifndef TORRENT_TEST_SUPPORT_PEER_CONNECTION_H_
#define TORRENT_TEST_SUPPORT_PEER_CONNECTION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"
#include "test/support/recorder.h"
#include "wire/handshake.h"
#include "wire/message.h"

namespace torrent::test {

// A message and what followed its head.
struct Received {
  wire::Message head;
  std::string payload;
};

class PeerConnection {
 public:
  // Takes a connected socket.
  explicit PeerConnection(UniqueFd fd);
  // Connects to `to` from the address `from` (loopback has all of 127.0.0.0/8), with a receive buffer of that many
  // bytes (0: the system's). Null when nobody takes it.
  static std::unique_ptr<PeerConnection> Dial(const Endpoint& to, const std::string& from = "", int receive_buffer = 0);

  const Endpoint& local() const { return local_; }
  const Endpoint& remote() const { return remote_; }
  bool dialled() const { return dialled_; }

  // Writes all of it; false when the other side closed or took nothing for `patience`.
  bool Send(absl::string_view bytes, Duration patience = kPatience) ABSL_LOCKS_EXCLUDED(send_mutex_);
  // Writes what the socket takes without waiting; the number of bytes, -1 when the other side closed.
  ssize_t TrySend(absl::string_view bytes) ABSL_LOCKS_EXCLUDED(send_mutex_);
  // Exactly `size` bytes; false when the other side closed before or they did not come within `patience`.
  bool ReadRaw(size_t size, std::string* bytes, Duration patience = kPatience);

  // Sends ours and reads theirs. A connection that was dialled is greeted first, one that was taken answers.
  bool ShakeHands(const wire::Handshake& ours, wire::Handshake* theirs);
  // From here on Read knows which extensions both speak.
  void Agree(const wire::Handshake& ours, const wire::Handshake& theirs);

  // The next message; nothing when the other side closed (closed()), or when none came within `patience`.
  absl::optional<Received> Read(Duration patience = kPatience);
  // Reads on until that message, and drops what came before it.
  absl::optional<Received> Expect(wire::MessageId id, Duration patience = kPatience);
  // Whether the other side ends the connection within `patience`; whatever it says before is dropped.
  bool WaitClosed(Duration patience = kPatience);
  // The other side ended it, in order or not.
  bool closed() const { return closed_.load(); }

  // Ends the connection and wakes who waits here. The descriptor stays until the end of this object.
  void HangUp();

 private:
  bool Wait(short events, TimePoint deadline);
  // Appends what is there to pending_; false when nothing will come any more or in time.
  bool Fill(TimePoint deadline);

  const UniqueFd fd_;
  const Endpoint local_;
  const Endpoint remote_;
  const bool dialled_;
  wire::MessageRules rules_;
  std::string pending_;  // read and not taken
  std::atomic<bool> closed_{false};
  Mutex send_mutex_;

  PeerConnection(UniqueFd fd, bool dialled);
};

// A handshake for `infohash` under a peer id made of `name`, as it stands, filled with dots.
wire::Handshake HandshakeOf(const Infohash& infohash, absl::string_view name, bool fast, bool extended = false);

// One message as bytes: `Bytes(wire::EncodeHave, 3)`.
template <typename Encode, typename... Arguments>
std::string Bytes(Encode encode, Arguments... arguments) {
  std::string bytes;
  encode(arguments..., &bytes);
  return bytes;
}

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_PEER_CONNECTION_H_
