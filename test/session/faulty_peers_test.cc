// Peers that break the protocol, one at a time, played against a download and at the door of a seeder
// (test/support/hostile_peers.h has what each of them does, and the rows of hazards that it shows: 36 to 58 and 67).
// test/peers/hostile.py plays the same against the program, many at once, and measures.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/support/hostile_peers.h"

namespace torrent::test {
namespace {

using Ending = HostilePeer::Ending;
using Role = HostilePeer::Role;

// 21 pieces of 64 KiB but for the last: three bytes of bitfield, with three spare bits.
const Payload& FaultsPayload() {
  static const auto& payload = *new Payload("faults.bin", 20 * 64 * kKiB + 1000, 64 * kKiB);
  return payload;
}

std::vector<HostilePeer> Of(Role role) {
  std::vector<HostilePeer> chosen;
  for (HostilePeer& peer : HostilePeers(FaultsPayload())) {
    if (peer.role == Role::kBoth || peer.role == role) chosen.push_back(std::move(peer));
  }
  return chosen;
}

std::string NameOf(const ::testing::TestParamInfo<HostilePeer>& peer) { return peer.param.name; }

// Each beside an honest peer that holds back until the fault was delivered: the download is whole, who broke the rules
// is gone (or banned, where it sent wrong bytes), and the honest one never is.
class FaultyPeer : public ::testing::TestWithParam<HostilePeer> {};

TEST_P(FaultyPeer, CostsTheDownloadNothing) {
  const HostilePeer& fault = GetParam();
  const Payload& payload = FaultsPayload();
  ScriptedSeeder faulty(&payload, fault.manner, "127.0.0.2");
  ScriptedSeeder honest(&payload, {}, "127.0.0.3");
  faulty.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {faulty.address(), honest.address()});

  ASSERT_TRUE(faulty.WaitDelivered());
  if (fault.ending == Ending::kRefused) {
    EXPECT_TRUE(faulty.WaitHungUpOn(1));
  } else if (fault.ending != Ending::kStays) {
    absl::optional<PeerGoneEvent> gone = session.events().WaitGone(faulty.address());
    ASSERT_TRUE(gone.has_value());
    EXPECT_TRUE(absl::StrContains(gone->reason.message(), fault.reason)) << gone->reason;
    EXPECT_EQ(gone->banned, fault.ending == Ending::kBanned);
    EXPECT_TRUE(fault.ending == Ending::kLeaves || faulty.WaitHungUpOn(1));
  }
  honest.Open();
  ASSERT_TRUE(session.WaitDone());
  ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_FALSE(session.events().WasBanned(honest.address()));
  if (fault.ending == Ending::kRefused) {
    EXPECT_EQ(faulty.connections(), 1);
    EXPECT_FALSE(session.events().Wait<PeerConnectedEvent>(
        [&faulty](const PeerConnectedEvent& peer) { return peer.endpoint == faulty.address(); }, Duration{}));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, FaultyPeer, ::testing::ValuesIn(Of(Role::kListens)), NameOf);

// Each comes to a seeder: who breaks the rules is sent away, an honest leecher gets everything beside it, and when both
// are gone there are as many threads and descriptors as before.
class FaultyLeecher : public ::testing::TestWithParam<HostilePeer> {};

std::string WhyGone(TestSession& session) {
  std::string why = "gone:";
  for (const PeerGoneEvent& gone : session.events().All<PeerGoneEvent>()) {
    absl::StrAppend(&why, "\n  ", gone.endpoint, " ", gone.reason.ToString());
  }
  return why;
}

TEST_P(FaultyLeecher, CostsTheSeederNothing) {
  const HostilePeer& fault = GetParam();
  const Payload& payload = FaultsPayload();
  Folders folders, leecher_folders;
  SeedingSession session(&folders, payload);
  const int threads = ThreadCount(), descriptors = DescriptorCount();
  {
    ScriptedSeeder faulty(&payload, fault.manner, "127.0.0.2");
    ASSERT_TRUE(faulty.Dial(session.endpoint()));
    const bool sent_away = fault.ending == Ending::kDropped || fault.ending == Ending::kRefused;
    ASSERT_TRUE(sent_away ? faulty.WaitHungUpOn(1) : faulty.WaitDelivered()) << WhyGone(session);
    TestSession leecher(&leecher_folders);
    leecher.Add(payload, {session.address()});
    ASSERT_TRUE(leecher.WaitDone());
    ASSERT_TRUE(leecher->WaitStopped(leecher.id(), kPatience));
    EXPECT_EQ(payload.Differences(leecher_folders.output.path()), "");
  }
  for (const PeerGoneEvent& gone : session.events().All<PeerGoneEvent>()) EXPECT_FALSE(gone.banned);
  EXPECT_TRUE(WaitForThreadCount(threads)) << ThreadCount() << " threads, " << threads << " before";
  // One that ended waits to be joined by the next.
  EXPECT_TRUE(WaitForDescriptorCount(descriptors + 1)) << DescriptorCount() << " of " << descriptors;
}

INSTANTIATE_TEST_SUITE_P(Of, FaultyLeecher, ::testing::ValuesIn(Of(Role::kDials)), NameOf);

// Hazards 43, 48: more peers than there are slots are unchoked and take nothing, and who comes after them still gets
// all within a while, without waiting for the choker's lot.
TEST(FaultyLeechers, ThatTakeNothingKeepNobodyOut) {
  const Payload& payload = FaultsPayload();
  Folders folders, leecher_folders;
  SeedingSession session(&folders, payload);
  std::vector<std::unique_ptr<PeerConnection>> sitters;
  for (int i = 0; i < 20; i++) {
    const std::string number = std::to_string(i + 1);
    sitters.push_back(Greet(session, payload, "sitter " + number, false, "127.0.5." + number));
    ASSERT_NE(sitters.back(), nullptr);
    ASSERT_TRUE(sitters.back()->Send(Bytes(wire::EncodeInterested)));
    const bool has_slot = i < 8;
    ASSERT_EQ(has_slot,
              sitters.back()->Expect(wire::MessageId::kUnchoke, has_slot ? kPatience : Duration{}).has_value());
  }
  const TimePoint begin = Now();
  TestSession leecher(&leecher_folders);
  leecher.Add(payload, {session.address()});
  ASSERT_TRUE(leecher.WaitDone());
  EXPECT_LT(Now() - begin, std::chrono::seconds(9));  // 2 s are usual, and 10 s the next round
  EXPECT_EQ(payload.Differences(leecher_folders.output.path()), "");
}

// The table itself: as many as promised, and each tells what it is for.
TEST(HostilePeers, AreSixtyAndMoreAndEachNamesItsHazard) {
  const std::vector<HostilePeer> all = HostilePeers(FaultsPayload());
  EXPECT_GE(all.size(), 60u);
  for (const HostilePeer& peer : all) EXPECT_FALSE(peer.hazards.empty()) << peer.name;
}

}  // namespace
}  // namespace torrent::test
