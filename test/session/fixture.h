// A session with one torrent, as the tests of whole swarms use it: temporary folders, every event kept, and the waits
// that most tests need.
#ifndef TORRENT_TEST_SESSION_FIXTURE_H_
#define TORRENT_TEST_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "test/support/files.h"
#include "test/support/payload.h"
#include "test/support/peer_connection.h"
#include "test/support/recorder.h"
#include "torrent/session.h"

namespace torrent::test {

inline constexpr uint32_t kKiB = 1024;
inline constexpr uint32_t kMiB = 1024 * 1024;
inline constexpr uint32_t kBlock = 16 * kKiB;

#define ASSERT_OK(expression) ASSERT_EQ((expression), absl::OkStatus())
#define EXPECT_OK(expression) EXPECT_EQ((expression), absl::OkStatus())

// Folders of one download, which outlive the session: a second one goes on where the first ended.
struct Folders {
  TempFolder output;
  TempFolder state;
};

class TestSession {
 public:
  // `folders` may be shared by sessions one after the other. Fails the test when the session does not start.
  explicit TestSession(Folders* folders, SessionOptions options = {}, uint32_t events = kAllEvents & ~kMessageEvents);
  ~TestSession() { session_.reset(); }

  // Adds the payload's torrent; the test fails when it is refused.
  void AddWith(const Payload& payload, TorrentOptions options);
  // With these peers.
  void Add(const Payload& payload, const std::vector<std::string>& peers, TorrentOptions options = {});

  Session* operator->() { return session_.get(); }
  Recorder& events() { return recorder_; }
  TorrentId id() const { return id_; }
  TorrentStatus Status() const { return session_->Status(id_); }
  // 127.0.0.1 (or ::1) with the session's port.
  Endpoint endpoint(bool v6 = false) const;
  std::string address(bool v6 = false) const { return endpoint(v6).ToString(); }

  // All that was wanted is there and synced.
  bool WaitDone() const { return recorder_.Wait<DoneEvent>().has_value(); }
  // Polls the status, for what no event tells.
  bool WaitStatus(const std::function<bool(const TorrentStatus&)>& is_so) const;
  // Asks it to stop and waits; false when that takes as long as 5 s.
  bool StopsInTime();
  // Ends the session, as its destructor does.
  void End() { session_.reset(); }

  // Connects to it as a peer would; null when it is refused.
  std::unique_ptr<PeerConnection> Dial(const std::string& from = "", int receive_buffer = 0) const {
    return PeerConnection::Dial(endpoint(), from, receive_buffer);
  }

 private:
  Folders* const folders_;
  Recorder recorder_;
  std::unique_ptr<Session> session_;
  TorrentId id_ = 0;
};

// A session that seeds `payload` from the first moment: its files are put there before. Waits until it does.
class SeedingSession : public TestSession {
 public:
  SeedingSession(Folders* folders, const Payload& payload, SessionOptions options = {},
                 uint32_t events = kAllEvents & ~kMessageEvents);
};

// A peer that a test plays: connected to `session`, both handshakes done. Null when that failed.
std::unique_ptr<PeerConnection> Greet(const TestSession& session, const Payload& payload, absl::string_view name,
                                      bool fast = false, const std::string& from = "", int receive_buffer = 0);

}  // namespace torrent::test

#endif  // TORRENT_TEST_SESSION_FIXTURE_H_
