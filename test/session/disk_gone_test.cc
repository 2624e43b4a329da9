// A disk that goes away while a download runs: it waits, makes nothing where the disk was, and goes on by itself
// (hazards 112 and 113).
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

SessionOptions Slow() {
  SessionOptions options;
  options.download_limit = 2 * kMiB;
  return options;
}

class DiskGone : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkdir(folder_.c_str(), 0755), 0);
    seeder_.Open();
  }
  TorrentOptions IntoTheFolder() {
    TorrentOptions options;
    options.output_dir = folder_;
    options.peers = {seeder_.address()};
    return options;
  }
  // Until something is on the disk, and not all.
  void Begin(TestSession* session, const TorrentOptions& options) {
    session->AddWith(payload_, options);
    ASSERT_TRUE(session->events().Wait<PieceEvent>(
        [](const PieceEvent& piece) { return piece.what == PieceEvent::What::kWritten; }));
  }
  void MoveAway() { ASSERT_EQ(rename(folder_.c_str(), away_.c_str()), 0); }
  void MoveBack() { ASSERT_EQ(rename(away_.c_str(), folder_.c_str()), 0); }
  static bool WaitUntilItWaits(TestSession* session) {
    return session->events().Wait<DiskEvent>([](const DiskEvent& disk) { return disk.waits; }).has_value() &&
           session->WaitStatus([](const TorrentStatus& s) { return s.state == TorrentState::kWaitingForDisk; });
  }

  const Payload payload_{"big.bin", 4 * kMiB, 64 * kKiB};
  Folders folders_;
  const std::string folder_ = folders_.output.path() + "/here";
  const std::string away_ = folders_.output.path() + "/away";
  ScriptedSeeder seeder_{&payload_, {}};
};

TEST_F(DiskGone, TheFolderIsWaitedForAndNotMadeAnew) {
  TestSession session(&folders_, Slow());
  Begin(&session, IntoTheFolder());
  MoveAway();
  ASSERT_TRUE(WaitUntilItWaits(&session));
  EXPECT_TRUE(absl::IsFailedPrecondition(session.Status().error)) << session.Status().error;
  EXPECT_EQ(session.Status().failure, Failure::kNone);
  EXPECT_FALSE(session->WaitStopped(session.id(), std::chrono::milliseconds(3000)));  // it has looked meanwhile
  EXPECT_NE(access(folder_.c_str(), F_OK), 0) << "the folder was made where none is";
  const uint64_t before = session.Status().downloaded_bytes;
  EXPECT_GT(before, 0u);

  MoveBack();
  ASSERT_TRUE(session.events().Wait<DiskEvent>([](const DiskEvent& disk) { return disk.status.ok(); }));
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload_.Differences(folder_), "");
  EXPECT_GE(session.Status().downloaded_bytes, before) << "what was done before the pause counts on";
  EXPECT_TRUE(session->WaitStopped(session.id(), kPatience));
}

TEST_F(DiskGone, AFolderMadeAnewIsUsed) {
  TestSession session(&folders_, Slow());
  Begin(&session, IntoTheFolder());
  MoveAway();
  // On this device a folder that was made anew counts as the same: nothing is known against it. Its files are fetched
  // again.
  ASSERT_EQ(mkdir(folder_.c_str(), 0755), 0);
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload_.Differences(folder_), "");
}

TEST_F(DiskGone, AFileThatIsRemovedIsFetchedAgain) {
  TestSession session(&folders_, Slow());
  Begin(&session, IntoTheFolder());
  ASSERT_EQ(unlink((folder_ + "/big.bin").c_str()), 0);
  ASSERT_TRUE(session.events().Wait<DiskEvent>([](const DiskEvent& disk) { return disk.waits; }));
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload_.Differences(folder_), "");
}

TEST_F(DiskGone, AFileThatIsCutIsFetchedAgain) {
  TestSession session(&folders_, Slow());
  Begin(&session, IntoTheFolder());
  ASSERT_EQ(truncate((folder_ + "/big.bin").c_str(), 100), 0);
  absl::optional<DiskEvent> cut = session.events().Wait<DiskEvent>([](const DiskEvent& disk) { return disk.waits; });
  ASSERT_TRUE(cut);
  EXPECT_TRUE(absl::IsDataLoss(cut->status)) << cut->status;
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload_.Differences(folder_), "");
}

TEST_F(DiskGone, StopsInTimeWhileItWaits) {
  TestSession session(&folders_, Slow());
  Begin(&session, IntoTheFolder());
  MoveAway();
  ASSERT_TRUE(WaitUntilItWaits(&session));
  EXPECT_TRUE(session.StopsInTime());
  EXPECT_EQ(session.Status().state, TorrentState::kStopped);
  EXPECT_EQ(session.Status().failure, Failure::kNone);
}

TEST_F(DiskGone, EndsInTimeWhileItWaits) {
  TestSession session(&folders_, Slow());
  Begin(&session, IntoTheFolder());
  MoveAway();
  ASSERT_TRUE(WaitUntilItWaits(&session));
  session.End();
  EXPECT_NE(access(folder_.c_str(), F_OK), 0);
}

TEST_F(DiskGone, IsAnErrorWhereThatWasAskedFor) {
  TestSession session(&folders_, Slow());
  TorrentOptions options = IntoTheFolder();
  options.wait_for_space = false;
  Begin(&session, options);
  MoveAway();
  ASSERT_TRUE(session.events().Wait<ErrorEvent>());
  ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(session.Status().failure, Failure::kDisk);
}

}  // namespace
}  // namespace torrent::test
