// A disk that is full: the download waits, goes on giving what it has, and goes on by itself when there is room; or it
// fails, where that was asked for (hazard 110: Transmission#1835, #2235, libtorrent's disk_full_recover).
#include <gtest/gtest.h>

#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

using wire::MessageId;

class DiskFull : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "needs the right to mount a file system";
    seeder_.Open();
  }
  TorrentOptions OnTheSmallDisk() {
    TorrentOptions options;
    options.output_dir = disk_.path();
    options.peers = {seeder_.address()};
    return options;
  }

  const Payload payload_{"big.bin", 6 * kMiB, 64 * kKiB};
  SmallDisk disk_{2 * kMiB};
  ScriptedSeeder seeder_{&payload_, {}};
  Folders folders_;
};

TEST_F(DiskFull, WaitsGivesWhatItHasAndGoesOnByItself) {
  TestSession session(&folders_);
  session.AddWith(payload_, OnTheSmallDisk());
  absl::optional<DiskEvent> full =
      session.events().Wait<DiskEvent>([](const DiskEvent& disk) { return !disk.status.ok(); });
  ASSERT_TRUE(full);
  EXPECT_TRUE(absl::IsResourceExhausted(full->status)) << full->status;
  ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& s) { return s.state == TorrentState::kWaitingForDisk; }));
  EXPECT_EQ(session.Status().failure, Failure::kNone);
  EXPECT_FALSE(session.Status().error.ok());

  // What is there is served meanwhile.
  ASSERT_TRUE(session.events().Wait<PieceEvent>(
      [](const PieceEvent& piece) { return piece.what == PieceEvent::What::kWritten; }));
  std::unique_ptr<PeerConnection> peer = Greet(session, payload_, "leecher", /*fast=*/true, "127.0.0.2");
  ASSERT_NE(peer, nullptr);
  absl::optional<Received> bitfield = peer->Expect(MessageId::kBitfield);
  ASSERT_TRUE(bitfield);
  uint32_t piece = 0;
  while ((bitfield->payload[piece / 8] >> (7 - piece % 8) & 1) == 0) piece++;
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, piece, 0u, 16 * kKiB)));
  absl::optional<Received> block = peer->Expect(MessageId::kPiece);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->payload, payload_.Block(piece, 0, 16 * kKiB));

  ASSERT_TRUE(disk_.Resize(16 * kMiB));
  ASSERT_TRUE(session.events().Wait<DiskEvent>([](const DiskEvent& disk) { return disk.status.ok(); }));
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload_.Differences(disk_.path()), "");
  EXPECT_FALSE(session.events().WasBanned(seeder_.address()));
  EXPECT_EQ(session.Status().corrupt_bytes, 0u);
}

TEST_F(DiskFull, IsAnErrorWhereThatWasAskedFor) {
  TestSession session(&folders_);
  TorrentOptions options = OnTheSmallDisk();
  options.wait_for_space = false;
  session.AddWith(payload_, options);
  ASSERT_TRUE(session.events().Wait<ErrorEvent>());
  ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(session.Status().failure, Failure::kDisk);
  EXPECT_TRUE(absl::IsResourceExhausted(session.Status().error)) << session.Status().error;
  EXPECT_FALSE(session.Status().complete);
}

TEST_F(DiskFull, StopsInTimeAndGoesOnLater) {
  uint64_t kept;
  {
    TestSession session(&folders_);
    session.AddWith(payload_, OnTheSmallDisk());
    ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& s) { return s.state == TorrentState::kWaitingForDisk; }));
    EXPECT_TRUE(session.StopsInTime());
    kept = session.Status().done_bytes;
    EXPECT_GT(kept, 0u);
  }
  ASSERT_TRUE(disk_.Resize(16 * kMiB));
  TestSession session(&folders_);
  session.AddWith(payload_, OnTheSmallDisk());
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload_.Differences(disk_.path()), "");
  EXPECT_LE(session.Status().downloaded_bytes, payload_.size() - kept);
}

TEST_F(DiskFull, LeavesOtherTorrentsAlone) {
  const Payload other("other.bin", kMiB, 64 * kKiB);
  ScriptedSeeder other_seeder(&other, {}, "127.0.0.2");
  TestSession session(&folders_);
  session.AddWith(payload_, OnTheSmallDisk());
  ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& s) { return s.state == TorrentState::kWaitingForDisk; }));
  other_seeder.Open();
  session.Add(other, {other_seeder.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(other.Differences(folders_.output.path()), "");
}

}  // namespace
}  // namespace torrent::test
