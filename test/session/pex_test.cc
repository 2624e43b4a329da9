// Peer exchange (BEP 11) between whole sessions: who knows one peer finds the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "swarm/our_handshakes.h"
#include "swarm/peer_worker.h"
#include "test/session/fixture.h"
#include "test/support/fake_trackers.h"
#include "wire/pex_message.h"

namespace torrent::test {
namespace {

// Nobody has anything, so that nobody has a reason to leave. `middle` knows `first` by a tracker, `last` knows `middle`
// alone, and cannot be dialled itself.
class PexSessions : public ::testing::Test {
 protected:
  void Start(const Payload& payload, SessionOptions of_middle = {}) {
    first_ = std::make_unique<TestSession>(&folders_[0]);
    middle_ = std::make_unique<TestSession>(&folders_[1], of_middle);
    SessionOptions deaf;
    deaf.listen = false;
    last_ = std::make_unique<TestSession>(&folders_[2], deaf);
    first_->Add(payload, {});
    tracker_ = std::make_unique<FakeTracker>(std::vector<Endpoint>{first_->endpoint()});
    TorrentOptions options;
    options.trackers = {tracker_->url()};
    middle_->AddWith(payload, options);
    ASSERT_TRUE(middle_->events().WaitConnected(first_->address()));
    last_->Add(payload, {middle_->address()});
    ASSERT_TRUE(last_->events().WaitConnected(middle_->address()));
  }
  static PeersOfSource Of(const TorrentStatus& status, PeerSource source) {
    return status.peers_by_source[static_cast<size_t>(source)];
  }

  Folders folders_[3];
  std::unique_ptr<TestSession> first_, middle_, last_;
  std::unique_ptr<FakeTracker> tracker_;
};

TEST_F(PexSessions, WhoKnowsOnePeerHearsOfTheOthersAndConnects) {
  const Payload payload("pex.bin", 300 * kKiB, 64 * kKiB);
  Start(payload);
  const absl::optional<PeersFoundEvent> found = last_->events().Wait<PeersFoundEvent>();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, PeerSource::kPex);
  EXPECT_EQ(found->added, 1u);
  EXPECT_EQ(found->known, 2u);
  const absl::optional<PeerConnectedEvent> connected = last_->events().Wait<PeerConnectedEvent>(
      [this](const PeerConnectedEvent& e) { return e.endpoint == first_->address(); });
  ASSERT_TRUE(connected);
  EXPECT_EQ(connected->source, PeerSource::kPex);
  EXPECT_FALSE(connected->incoming);
  EXPECT_TRUE(last_->WaitStatus([](const TorrentStatus& status) {
    return Of(status, PeerSource::kPex).connected == 1 && Of(status, PeerSource::kUser).connected == 1;
  }));
  const TorrentStatus status = last_->Status();
  EXPECT_EQ(Of(status, PeerSource::kPex).known, 1u);
  EXPECT_EQ(Of(status, PeerSource::kPex).ever_connected, 1u);
  EXPECT_EQ(Of(status, PeerSource::kUser).ever_connected, 1u);
  EXPECT_EQ(Of(middle_->Status(), PeerSource::kTracker).known, 1u);
}

// What must not happen is given twice the time that it takes above.
constexpr std::chrono::seconds kWithout{5};

TEST_F(PexSessions, InAPrivateTorrentNobodyIsTold) {
  const Payload payload("private.bin", 300 * kKiB, 64 * kKiB, /*is_private=*/true);
  ASSERT_TRUE(payload.metainfo()->is_private);
  Start(payload);
  EXPECT_FALSE(last_->events().Wait<PeersFoundEvent>(nullptr, kWithout));
  EXPECT_EQ(last_->Status().known_peers, 1u);
}

TEST_F(PexSessions, WhoDoesNotWantItTellsNobody) {
  const Payload payload("off.bin", 300 * kKiB, 64 * kKiB);
  SessionOptions off;
  off.pex = false;
  Start(payload, off);
  EXPECT_FALSE(last_->events().Wait<PeersFoundEvent>(nullptr, kWithout));
  EXPECT_EQ(last_->Status().known_peers, 1u);
}

// Those that came to us are told by the port that they named (BEP 10).
TEST(Pex, TwoThatCameToOneFindEachOther) {
  const Payload payload("came.bin", 300 * kKiB, 64 * kKiB);
  Folders folders[3];
  TestSession middle(&folders[0]), left(&folders[1]), right(&folders[2]);
  middle.Add(payload, {});
  left.Add(payload, {middle.address()});
  right.Add(payload, {middle.address()});
  // Whichever was told first dials; then it is connected, and the other hears nothing new.
  const TimePoint deadline = Now() + kPatience;
  const auto found = [](TestSession& who, const std::string& whom) {
    for (const PeerConnectedEvent& e : who.events().All<PeerConnectedEvent>()) {
      if (e.endpoint == whom && e.source == PeerSource::kPex && !e.incoming) return true;
    }
    return false;
  };
  while (!found(left, right.address()) && !found(right, left.address())) {
    ASSERT_LT(Now(), deadline);
    left.events().Wait<PeersFoundEvent>(nullptr, std::chrono::milliseconds(20));
  }
}

// A peer of a test's own, connected to `session` and ready to tell of others.
std::unique_ptr<PeerConnection> Gossip(const TestSession& session, const Payload& payload, const std::string& name,
                                       const std::string& from) {
  std::unique_ptr<PeerConnection> peer = session.Dial(from);
  wire::Handshake theirs;
  if (peer == nullptr ||
      !peer->ShakeHands(HandshakeOf(payload.metainfo()->infohash, name, false, /*extended=*/true), &theirs)) {
    return nullptr;
  }
  return peer;
}

// Full messages of addresses that begin with 127.`net`, where nobody listens.
std::string FullMessages(int count, int net) {
  std::string bytes;
  for (int i = 0; i < count; i++) {
    wire::PexMessage message;
    for (size_t k = 0; k < kMaxPexPeers; k++) {
      const auto x = static_cast<uint8_t>(i), y = static_cast<uint8_t>(k + 1);
      message.added.emplace_back().compact = {127, static_cast<uint8_t>(net), x, y, 0x1a, 0xe1};
    }
    wire::EncodeExtended(kOurPexId, wire::EncodePex(message), &bytes);
  }
  return bytes;
}

// Hazard 57.
TEST(Pex, AFloodBringsLittleAndEndsTheConnectionAlone) {
  const Payload payload("flood.bin", 300 * kKiB, 64 * kKiB);
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {});
  ASSERT_TRUE(session.events().Wait<MetadataEvent>());
  std::unique_ptr<PeerConnection> honest = Gossip(session, payload, "honest", "127.0.0.2");
  ASSERT_NE(honest, nullptr);
  for (int round = 1; round <= 3; round++) {
    std::unique_ptr<PeerConnection> flood =
        Gossip(session, payload, absl::StrCat("flood", round), absl::StrCat("127.0.1.", round));
    ASSERT_NE(flood, nullptr);
    flood->Send(FullMessages(100, round));
    EXPECT_TRUE(flood->WaitClosed());
    const absl::optional<PeerGoneEvent> gone = session.events().WaitGone(flood->local().ToString());
    ASSERT_TRUE(gone);
    EXPECT_TRUE(absl::StrContains(gone->reason.message(), "peer exchange")) << gone->reason;
  }
  EXPECT_LE(session.Status().known_peers, 3 * kMaxKnownOfOnePeer);
  EXPECT_FALSE(honest->WaitClosed(std::chrono::milliseconds(100)));
  EXPECT_TRUE(session.StopsInTime());
}

TEST(Pex, TellingInAPrivateTorrentBringsNothing) {
  const Payload payload("unheard.bin", 300 * kKiB, 64 * kKiB, /*is_private=*/true);
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {});
  ASSERT_TRUE(session.events().Wait<MetadataEvent>());
  std::unique_ptr<PeerConnection> liar = Gossip(session, payload, "liar", "127.0.0.2");
  ASSERT_NE(liar, nullptr);
  ASSERT_TRUE(liar->Send(FullMessages(100, 7)));
  EXPECT_FALSE(session.events().Wait<PeersFoundEvent>(nullptr, std::chrono::seconds(1)));
  EXPECT_EQ(session.Status().known_peers, 0u);
  EXPECT_FALSE(liar->closed());
}

}  // namespace
}  // namespace torrent::test
