#include "test/session/fixture.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace torrent::test {

TestSession::TestSession(Folders* folders, SessionOptions options, uint32_t events)
    : folders_(folders), recorder_(events) {
  options.port = 0;
  if (options.state_dir.empty()) options.state_dir = folders->state.path();
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Start(options, &recorder_);
  if (!session.ok()) {
    fprintf(stderr, "session: %s\n", session.status().ToString().c_str());
    abort();
  }
  session_ = *std::move(session);
}

void TestSession::AddWith(const Payload& payload, TorrentOptions options) {
  if (options.output_dir == ".") options.output_dir = folders_->output.path();
  absl::StatusOr<TorrentId> id = session_->Add(payload.metainfo(), options);
  ASSERT_OK(id.status());
  id_ = *id;
}

void TestSession::Add(const Payload& payload, const std::vector<std::string>& peers, TorrentOptions options) {
  options.peers = peers;
  AddWith(payload, std::move(options));
}

Endpoint TestSession::endpoint(bool v6) const {
  return {v6 ? Address::V6Loopback() : Address::V4Loopback(), session_->port()};
}

bool TestSession::WaitStatus(const std::function<bool(const TorrentStatus&)>& is_so) const {
  const TimePoint deadline = Now() + kPatience;
  while (!is_so(Status())) {
    if (Now() >= deadline) return false;
    usleep(2000);
  }
  return true;
}

bool TestSession::StopsInTime() {
  session_->RequestStop();
  return session_->WaitStopped(id_, std::chrono::seconds(5));
}

SeedingSession::SeedingSession(Folders* folders, const Payload& payload, SessionOptions options, uint32_t events)
    : TestSession(folders, std::move(options), events) {
  payload.PutFiles(folders->output.path());
  TorrentOptions torrent;
  torrent.seed = true;
  AddWith(payload, torrent);
  EXPECT_TRUE(WaitDone());
}

std::unique_ptr<PeerConnection> Greet(const TestSession& session, const Payload& payload, absl::string_view name,
                                      bool fast, const std::string& from, int receive_buffer) {
  std::unique_ptr<PeerConnection> peer = session.Dial(from, receive_buffer);
  wire::Handshake theirs;
  if (peer == nullptr || !peer->ShakeHands(HandshakeOf(payload.metainfo()->infohash, name, fast), &theirs)) {
    return nullptr;
  }
  return peer;
}

}  // namespace torrent::test
