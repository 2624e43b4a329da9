// A peer that listens, has a whole torrent, and misbehaves as told: a fake that speaks the protocol and remembers. It
// serves honestly but for what its manner replaces; each fault marks that it was delivered, so that no test passes
// because its fault never came to pass. The same manner can dial: then the fake has nothing, as a leecher at the door
// of a seeder.
// Thread: one that accepts, one for each connection; all of them end with the fake. The public face is thread-safe.
#ifndef TORRENT_TEST_SUPPORT_SCRIPTED_SEEDER_H_
#define TORRENT_TEST_SUPPORT_SCRIPTED_SEEDER_H_

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "test/support/payload.h"
#include "test/support/peer_connection.h"

namespace torrent::test {

class ScriptedSeeder {
 public:
  // One connection, as the manner's hooks see it.
  class Line;

  // Each hook answers whether the connection goes on.
  struct Manner {
    std::string name = "honest";  // its peer id
    bool fast = false;
    bool extended = false;
    double rate = 0;  // bytes a second that SendBlock(request) gives each connection; 0: as they are asked for
    // Does everything from the accepted socket on, the handshake too. The rest is not asked then.
    std::function<void(Line&)> instead;
    // The handshake to answer with; null: a right one. Who dials speaks first: there `theirs` is all zeros until it has
    // come, and then only the peer id is still to be said.
    std::function<wire::Handshake(const wire::Handshake& theirs, wire::Handshake ours)> handshake;
    // Says what it has, after the handshakes; null: Line::SayPieces.
    std::function<bool(Line&)> introduce;
    // Unchokes, once the fake is open; null: it does.
    std::function<bool(Line&)> unchoke;
    // Answers a request; null: with the right block.
    std::function<bool(Line&, const wire::Message& request)> answer;
  };

  // Listens on `address` (port 0: any). Closed until Open: it talks, and chokes everybody.
  ScriptedSeeder(const Payload* payload, Manner manner, const std::string& address = "127.0.0.1", uint16_t port = 0);
  ~ScriptedSeeder();

  const Endpoint& endpoint() const { return endpoint_; }
  // "127.0.0.1:4711": for TorrentOptions::peers, and as events name it.
  std::string address() const { return endpoint_.ToString(); }

  // Connects to `to` from the address it listens on (any port), and plays its manner there. False when nobody takes it.
  bool Dial(const Endpoint& to) ABSL_LOCKS_EXCLUDED(mutex_);

  // Unchokes who is connected and who comes from now on.
  void Open() ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Observations ------------------------------------------------------------------------------------------------
  // Waits until the manner's fault was delivered `times` times; false after kPatience.
  bool WaitDelivered(int times = 1) const ABSL_LOCKS_EXCLUDED(mutex_);
  int delivered() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool WaitForConnections(int count) const ABSL_LOCKS_EXCLUDED(mutex_);
  bool WaitForRequests(size_t count) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Connections that the other side ended (not we).
  bool WaitHungUpOn(int count) const ABSL_LOCKS_EXCLUDED(mutex_);
  int connections() const ABSL_LOCKS_EXCLUDED(mutex_);       // since the beginning
  int most_at_once() const ABSL_LOCKS_EXCLUDED(mutex_);      // of connections
  int live_connections() const ABSL_LOCKS_EXCLUDED(mutex_);  // now
  size_t requests() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Requests for blocks of that piece.
  size_t RequestsOf(uint32_t piece_index) const ABSL_LOCKS_EXCLUDED(mutex_);
  int received(wire::MessageId id) const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t block_bytes_sent() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Live;
  void Listen();
  void Begin(std::unique_ptr<PeerConnection> peer) ABSL_LOCKS_EXCLUDED(mutex_);
  void Serve(Live* live);
  bool ShakeHands(Line* line);
  bool WaitUntil(const std::function<bool()>& condition) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Payload* const payload_;
  const Manner manner_;
  UniqueFd listener_;
  Endpoint endpoint_;
  const Wakeup stop_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<std::unique_ptr<Live>> lives_ ABSL_GUARDED_BY(mutex_);
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  int live_connections_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  int hung_up_on_ ABSL_GUARDED_BY(mutex_) = 0;
  int delivered_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t block_bytes_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<uint32_t> requested_pieces_ ABSL_GUARDED_BY(mutex_);
  std::array<int, 256> received_ ABSL_GUARDED_BY(mutex_) = {};
  Thread thread_;
};

class ScriptedSeeder::Line {
 public:
  PeerConnection& peer() { return *peer_; }
  // The fake came to the other side, and has nothing.
  bool dialled() const { return peer_->dialled(); }
  const Payload& payload() const { return *owner_->payload_; }
  bool fast() const { return fast_; }
  // Requests that came on this connection, this one included.
  size_t requests() const { return requests_; }

  // The fault happened.
  void Delivered();
  bool Send(absl::string_view bytes) { return peer_->Send(bytes); }
  // A bitfield with all bits, or have-all where both speak it; who dialled says have-none there, or nothing.
  bool SayPieces();
  // The right one, at the manner's rate.
  bool SendBlock(const wire::Message& request);
  // A `piece` message with any bytes.
  bool SendBlock(uint32_t piece_index, uint32_t begin, absl::string_view bytes);
  // Reads and drops what comes until the other side hangs up, or the fake ends.
  void ReadUntilClosed();
  // Reads nothing for that long; false when the fake ends.
  bool Pause(Duration duration);

 private:
  friend class ScriptedSeeder;
  Line(ScriptedSeeder* owner, PeerConnection* peer) : owner_(owner), peer_(peer) {}

  ScriptedSeeder* const owner_;
  PeerConnection* const peer_;
  bool fast_ = false;
  size_t requests_ = 0;
  TimePoint next_block_;
};

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_SCRIPTED_SEEDER_H_
