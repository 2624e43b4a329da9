// Several of our own sessions in one process, as a swarm: leechers give each other what they have, over IPv4 and IPv6,
// found by a tracker or named by the user.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "test/session/fixture.h"
#include "test/support/fake_trackers.h"
#include "test/support/scripted_seeder.h"
#include "wire/extension.h"

namespace torrent::test {
namespace {

// Puts the file with only the pieces for which `keep` says yes; the others are holes.
void PutSomePieces(const Payload& payload, const std::string& folder, const std::function<bool(uint32_t)>& keep) {
  std::string bytes(payload.size(), '\0');
  const uint32_t piece_length = payload.metainfo()->piece_length;
  for (uint32_t piece = 0; piece < payload.piece_count(); piece++) {
    if (keep(piece))
      bytes.replace(size_t{piece} * piece_length, payload.PieceBytes(piece),
                    std::string(payload.Block(piece, 0, payload.PieceBytes(piece))));
  }
  WriteFile(payload.PathIn(folder, 0), bytes);
}

TEST(OwnSwarm, LeechersTradeWhatTheyHave) {
  const Payload payload("trade.bin", 3 * kMiB + 5, 64 * kKiB);
  Folders folders[3];
  PutSomePieces(payload, folders[0].output.path(), [](uint32_t piece) { return piece % 2 == 0; });
  PutSomePieces(payload, folders[1].output.path(), [](uint32_t piece) { return piece % 2 == 1; });
  TestSession even(&folders[0]), odd(&folders[1]), empty(&folders[2]);
  TorrentOptions seed;
  seed.seed = true;
  even.Add(payload, {odd.address()}, seed);
  odd.Add(payload, {}, seed);
  empty.Add(payload, {even.address(), odd.address()}, seed);
  for (TestSession* session : {&even, &odd, &empty}) EXPECT_TRUE(session->WaitDone());
  for (Folders& f : folders) EXPECT_EQ(payload.Differences(f.output.path()), "");
  // Nobody had more than half: what one has now came from the others.
  const uint64_t half = payload.size() / 2 - 64 * kKiB;
  EXPECT_GE(even.Status().uploaded_bytes, half / 2);
  EXPECT_GE(odd.Status().uploaded_bytes, half / 2);
  EXPECT_GE(even.Status().downloaded_bytes, half);
  EXPECT_LE(even.Status().downloaded_bytes - even.Status().wasted_bytes, payload.size() - half);
  EXPECT_EQ(even.Status().corrupt_bytes, 0u);
}

// What became whole is told to who does not have it, and only then.
TEST(OwnSwarm, TellsALeecherOfEveryPieceItGets) {
  const Payload payload("told.bin", kMiB, 64 * kKiB);
  Folders folders;
  PutSomePieces(payload, folders.output.path(), [](uint32_t piece) { return piece % 2 == 0; });
  ScriptedSeeder seeder(&payload, {}, "127.0.0.3");  // closed at first
  TestSession session(&folders);
  TorrentOptions seed;
  seed.seed = true;
  session.Add(payload, {seeder.address()}, seed);
  ASSERT_TRUE(session.events().Wait<MetadataEvent>());
  std::unique_ptr<PeerConnection> leecher = Greet(session, payload, "leecher", /*fast=*/false, "127.0.0.2");
  ASSERT_NE(leecher, nullptr);
  const absl::optional<Received> bitfield = leecher->Read();
  ASSERT_TRUE(bitfield);
  EXPECT_EQ(bitfield->head.id, wire::MessageId::kBitfield);
  EXPECT_EQ(bitfield->payload, "\xaa\xaa");
  seeder.Open();
  std::vector<uint32_t> told;
  while (told.size() < payload.piece_count() / 2) {
    const absl::optional<Received> have = leecher->Expect(wire::MessageId::kHave);
    ASSERT_TRUE(have);
    told.push_back(have->head.piece_index);
  }
  std::sort(told.begin(), told.end());
  EXPECT_THAT(told, ::testing::ElementsAre(1, 3, 5, 7, 9, 11, 13, 15));
}

// Two leechers of a slow seeder: what the one has the other gets from it.
TEST(OwnSwarm, AnnouncedPiecesAreFetchedFromWhoAnnouncedThem) {
  const Payload payload("slow.bin", kMiB, 32 * kKiB);
  Folders folders[3];
  SessionOptions slow;
  slow.upload_limit = 400 * kKiB;
  SeedingSession seeder(&folders[0], payload, slow);
  TestSession first(&folders[1]), second(&folders[2]);
  TorrentOptions seed;
  seed.seed = true;
  first.Add(payload, {seeder.address()}, seed);
  second.Add(payload, {seeder.address(), first.address()}, seed);
  ASSERT_TRUE(first.WaitDone());
  ASSERT_TRUE(second.WaitDone());
  EXPECT_EQ(payload.Differences(folders[1].output.path()), "");
  EXPECT_EQ(payload.Differences(folders[2].output.path()), "");
  EXPECT_GT(first.Status().uploaded_bytes + second.Status().uploaded_bytes, payload.size() / 10);
  EXPECT_LT(seeder.Status().uploaded_bytes, 2 * payload.size());
}

TEST(OwnSwarm, WorksOverIpv6) {
  const Payload payload("six.bin", 300 * kKiB, 64 * kKiB);
  Folders folders[2];
  SeedingSession seeder(&folders[0], payload);
  if (PeerConnection::Dial(seeder.endpoint(/*v6=*/true)) == nullptr) GTEST_SKIP() << "no IPv6 here";
  TestSession leecher(&folders[1]);
  leecher.Add(payload, {seeder.address(/*v6=*/true)});
  ASSERT_TRUE(leecher.WaitDone());
  EXPECT_TRUE(leecher.events().WaitConnected(seeder.address(/*v6=*/true)));
  EXPECT_EQ(payload.Differences(folders[1].output.path()), "");
}

TEST(OwnSwarm, FindsItsPeersByATrackerAndTellsItTheEnd) {
  const Payload payload("tracked.bin", 300 * kKiB, 64 * kKiB);
  Folders folders[2];
  SeedingSession seeder(&folders[0], payload);
  FakeTracker tracker({seeder.endpoint()});
  TestSession leecher(&folders[1]);
  TorrentOptions options;
  options.trackers = {tracker.url()};
  leecher.AddWith(payload, options);
  ASSERT_TRUE(leecher.WaitDone());
  ASSERT_TRUE(leecher->WaitStopped(leecher.id(), kPatience));
  EXPECT_EQ(payload.Differences(folders[1].output.path()), "");
  EXPECT_TRUE(tracker.WaitForRequest("event=started"));
  EXPECT_TRUE(tracker.WaitForRequest("event=completed"));
  EXPECT_TRUE(tracker.WaitForRequest("event=stopped"));
}

// Two torrents in one session, each from the other: they share the port, and each connection finds its torrent.
TEST(OwnSwarm, OneSessionServesSeveralTorrents) {
  const Payload one("one.bin", 300 * kKiB, 64 * kKiB), two("two.bin", 400 * kKiB, 32 * kKiB);
  Folders folders[2];
  SeedingSession seeder(&folders[0], one);
  two.PutFiles(folders[0].output.path());
  TorrentOptions options;
  options.seed = true;
  seeder.AddWith(two, options);
  TestSession leecher(&folders[1]);
  leecher.Add(one, {seeder.address()});
  leecher.Add(two, {seeder.address()});
  EXPECT_TRUE(leecher.events().WaitForMany<DoneEvent>(2));
  EXPECT_EQ(ReadFile(one.PathIn(folders[1].output.path(), 0)), one.bytes());
  EXPECT_EQ(ReadFile(two.PathIn(folders[1].output.path(), 0)), two.bytes());
}

// BEP 10, `p`: who came to us is dialled, once it is gone, where it said that it listens.
TEST(OwnSwarm, DialsWhoCameAndLeft) {
  const Payload payload("back.bin", 300 * kKiB, 64 * kKiB);
  ScriptedSeeder seeder(&payload, {}, "127.0.0.2");
  seeder.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {});
  ASSERT_TRUE(session.events().Wait<MetadataEvent>());
  std::unique_ptr<PeerConnection> visitor = session.Dial("127.0.0.2");
  wire::Handshake theirs;
  ASSERT_TRUE(
      visitor->ShakeHands(HandshakeOf(payload.metainfo()->infohash, "visitor", true, /*extended=*/true), &theirs));
  wire::ExtensionHandshake facts;
  facts.port = seeder.endpoint().port;
  std::string bytes = Bytes(wire::EncodeHaveAll);
  wire::EncodeExtended(wire::kExtensionHandshakeId, wire::EncodeExtensionHandshake(facts), &bytes);
  ASSERT_TRUE(visitor->Send(bytes));
  ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& status) { return status.known_peers == 1; }));
  EXPECT_EQ(seeder.connections(), 0);  // it is here already
  visitor->HangUp();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

// Everybody is woken when the download completes; who was just saying hello must not be sent away by that.
TEST(OwnSwarm, WhoShakesHandsWhenItCompletesStays) {
  const Payload payload("hello.bin", 300 * kKiB, 64 * kKiB);
  ScriptedSeeder seeder(&payload, {}, "127.0.0.2");
  Folders folders;
  TestSession session(&folders);
  TorrentOptions options;
  options.seed = true;
  session.Add(payload, {seeder.address()}, options);
  std::unique_ptr<PeerConnection> late = session.Dial("127.0.0.3");
  ASSERT_NE(late, nullptr);
  const std::string hello = wire::EncodeHandshake(HandshakeOf(payload.metainfo()->infohash, "late", false));
  ASSERT_TRUE(late->Send(hello.substr(0, wire::kHandshakeHeadBytes)));
  std::string answer;
  ASSERT_TRUE(late->ReadRaw(wire::kHandshakeBytes, &answer));
  seeder.Open();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_FALSE(late->WaitClosed(std::chrono::milliseconds(200)));
  ASSERT_TRUE(late->Send(hello.substr(wire::kHandshakeHeadBytes)));
  EXPECT_TRUE(late->Expect(wire::MessageId::kBitfield).has_value());
}

// Hazard 49: the address that a tracker gives may be our own.
TEST(OwnSwarm, DoesNotStayConnectedToItself) {
  const Payload payload("self.bin", 300 * kKiB, 64 * kKiB);
  Folders folders[2];
  SeedingSession seeder(&folders[0], payload);
  TestSession leecher(&folders[1]);
  leecher.Add(payload, {leecher.address(), seeder.address()});
  ASSERT_TRUE(leecher.WaitDone());
  for (const PeerConnectedEvent& peer : leecher.events().All<PeerConnectedEvent>()) {
    EXPECT_EQ(peer.endpoint, seeder.address());
  }
}

}  // namespace
}  // namespace torrent::test
