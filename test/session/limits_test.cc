// Bounds that hold whatever others do: connections, handshakes, memory, speed (hazards 50, 51, 67, 120).
#include "base/limits.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <list>

#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;

std::list<ScriptedSeeder> Seeders(const Payload& payload, int count) {
  std::list<ScriptedSeeder> seeders;
  for (int i = 0; i < count; i++) {
    Manner manner;
    manner.name = absl::StrCat("seeder ", i);
    seeders.emplace_back(&payload, manner, absl::StrCat("127.0.3.", i + 1));
  }
  return seeders;
}

std::vector<std::string> Addresses(const std::list<ScriptedSeeder>& seeders) {
  std::vector<std::string> addresses;
  for (const ScriptedSeeder& seeder : seeders) addresses.push_back(seeder.address());
  return addresses;
}

int Connected(const std::list<ScriptedSeeder>& seeders) {
  int connected = 0;
  for (const ScriptedSeeder& seeder : seeders) connected += seeder.live_connections();
  return connected;
}

TEST(Limits, NoMorePeersThanAllowed) {
  const Payload payload("few.bin", 2 * kMiB, 64 * kKiB);
  std::list<ScriptedSeeder> seeders = Seeders(payload, 8);
  Folders folders;
  SessionOptions options;
  options.max_peers = 3;
  TestSession session(&folders, options);
  session.Add(payload, Addresses(seeders));
  ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& status) { return status.connected_peers == 3; }));
  EXPECT_EQ(Connected(seeders), 3);
  // Nobody who comes gets in either.
  std::unique_ptr<PeerConnection> peer = session.Dial("127.0.0.2");
  ASSERT_NE(peer, nullptr);
  peer->Send(wire::EncodeHandshake(HandshakeOf(payload.metainfo()->infohash, "fourth", false)));
  EXPECT_TRUE(peer->WaitClosed());
  EXPECT_EQ(Connected(seeders), 3);
  for (ScriptedSeeder& seeder : seeders) seeder.Open();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(Limits, EightConnectionsFromOneAddress) {
  const Payload payload("nat.bin", 300 * kKiB, 64 * kKiB);
  Folders folders;
  SeedingSession session(&folders, payload);
  std::vector<std::unique_ptr<PeerConnection>> peers;
  for (int i = 0; i < kMaxIncomingPerAddress; i++) {
    peers.push_back(Greet(session, payload, absl::StrCat("behind nat ", i), false, "127.0.0.2"));
    ASSERT_NE(peers.back(), nullptr) << i;
  }
  std::unique_ptr<PeerConnection> ninth = session.Dial("127.0.0.2");
  ASSERT_NE(ninth, nullptr);
  EXPECT_TRUE(ninth->WaitClosed());
  // Somebody else is welcome.
  EXPECT_NE(Greet(session, payload, "elsewhere", false, "127.0.0.3"), nullptr);
  // And one of them for one that went.
  const std::string gone = peers[0]->local().ToString();
  peers[0]->HangUp();
  ASSERT_TRUE(session.events().WaitGone(gone).has_value());
  std::unique_ptr<PeerConnection> next;
  const TimePoint deadline = Now() + kPatience;
  while (next == nullptr && Now() < deadline) next = Greet(session, payload, "next", false, "127.0.0.2");
  EXPECT_NE(next, nullptr);
}

TEST(Limits, TwentyHandshakesAtOnceAndTheOldestGivesWay) {
  const Payload payload("pending.bin", 300 * kKiB, 64 * kKiB);
  Folders folders;
  SeedingSession session(&folders, payload);
  std::vector<std::unique_ptr<PeerConnection>> mute;
  for (int i = 0; i < kMaxPendingIncoming + 5; i++) {
    mute.push_back(session.Dial(absl::StrCat("127.0.4.", i + 1)));
    ASSERT_NE(mute.back(), nullptr);
  }
  for (int i = 0; i < 5; i++) EXPECT_TRUE(mute[static_cast<size_t>(i)]->WaitClosed()) << i;
  // Those who are left can still say theirs, and so can somebody new.
  wire::Handshake theirs;
  EXPECT_TRUE(mute.back()->ShakeHands(HandshakeOf(payload.metainfo()->infohash, "late", false), &theirs));
  EXPECT_TRUE(mute[10]->ShakeHands(HandshakeOf(payload.metainfo()->infohash, "later", false), &theirs));
  EXPECT_NE(Greet(session, payload, "new", false, "127.0.0.2"), nullptr);
}

// The real ten seconds, once for all who are too slow: silent ones, one that says a byte now and then, and one that we
// connected to ourselves.
TEST(Limits, TenSecondsForAHandshake) {
  const Payload payload("slow.bin", 300 * kKiB, 64 * kKiB);
  Manner manner;
  manner.instead = [](Line& line) {
    line.Send(absl::string_view(wire::kProtocolString).substr(0, 10));
    line.Delivered();
    line.ReadUntilClosed();
  };
  ScriptedSeeder half(&payload, manner);
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {half.address()});
  ASSERT_TRUE(half.WaitDelivered());
  const TimePoint begin = Now();
  std::unique_ptr<PeerConnection> mute = session.Dial("127.0.0.2"), loris = session.Dial("127.0.0.3");
  const std::string hello = wire::EncodeHandshake(HandshakeOf(payload.metainfo()->infohash, "loris", false));
  // A byte a second: a deadline for each read would never end that.
  size_t said = 0;
  while (said < hello.size() && loris->Send(hello.substr(said, 1)) && !loris->WaitClosed(std::chrono::seconds(1)))
    said++;
  EXPECT_GE(Now() - begin, std::chrono::milliseconds(9500));
  EXPECT_LT(said, 40u);
  EXPECT_TRUE(loris->closed());
  EXPECT_TRUE(mute->WaitClosed());
  EXPECT_TRUE(half.WaitHungUpOn(1));
}

TEST(Limits, LittleMemoryIsEnough) {
  const Payload payload("small.bin", 12 * kMiB, kMiB);
  std::list<ScriptedSeeder> seeders = Seeders(payload, 8);
  for (ScriptedSeeder& seeder : seeders) seeder.Open();
  Folders folders;
  SessionOptions options;
  options.memory_bytes = 4 * kMiB;
  TestSession session(&folders, options);
  session.Add(payload, Addresses(seeders));
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(Limits, ADownloadKeepsToItsRate) {
  const Payload payload("rate.bin", 3 * kMiB, 64 * kKiB);
  std::list<ScriptedSeeder> seeders = Seeders(payload, 3);
  for (ScriptedSeeder& seeder : seeders) seeder.Open();
  Folders folders;
  SessionOptions options;
  options.download_limit = kMiB;
  TestSession session(&folders, options);
  const TimePoint begin = Now();
  session.Add(payload, Addresses(seeders));
  ASSERT_TRUE(session.WaitDone());
  const double seconds = ToSeconds(Now() - begin);
  EXPECT_GE(seconds, 3 * 0.9);
  EXPECT_LE(seconds, 3 * 5.0);
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(Limits, AnUploadKeepsToItsRate) {
  const Payload payload("rate.bin", 3 * kMiB, 64 * kKiB);
  Folders folders[2];
  SessionOptions options;
  options.upload_limit = kMiB;
  SeedingSession seeder(&folders[0], payload, options);
  TestSession leecher(&folders[1]);
  const TimePoint begin = Now();
  leecher.Add(payload, {seeder.address()});
  ASSERT_TRUE(leecher.WaitDone());
  EXPECT_GE(ToSeconds(Now() - begin), 3 * 0.9);
  EXPECT_LE(ToSeconds(Now() - begin), 3 * 5.0);
}

}  // namespace
}  // namespace torrent::test
