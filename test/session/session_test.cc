// The public face: what Start and Add refuse, what the options do, and what VerifyFiles finds.
#include "torrent/session.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

TEST(SessionStart, TakesTheNextPortWhenOneIsTaken) {
  TempFolder state;
  SessionOptions options;
  options.state_dir = state.path();
  options.port = 0;
  absl::StatusOr<std::unique_ptr<Session>> first = Session::Start(options, nullptr);
  ASSERT_OK(first.status());
  options.port = (*first)->port();
  ASSERT_NE(options.port, 0);
  absl::StatusOr<std::unique_ptr<Session>> second = Session::Start(options, nullptr);
  ASSERT_OK(second.status());
  EXPECT_GT((*second)->port(), (*first)->port());
  EXPECT_LE((*second)->port(), (*first)->port() + 20);
}

TEST(SessionStart, RefusesWhatItCannotBindToOrKeepStateIn) {
  TempFolder state;
  SessionOptions options;
  options.state_dir = state.path();
  options.bind = "no-such-interface";
  EXPECT_FALSE(Session::Start(options, nullptr).ok());
  options.bind = "";
  WriteFile(state / "file", "");
  options.state_dir = state / "file/below";
  EXPECT_FALSE(Session::Start(options, nullptr).ok());
}

TEST(SessionAdd, RefusesWhatDoesNotFit) {
  const Payload payload("a.bin", 1000, 16 * kKiB);
  Folders folders;
  TestSession session(&folders);
  TorrentOptions options;
  options.output_dir = folders.output.path();
  options.wanted = {true, false};
  EXPECT_TRUE(absl::IsInvalidArgument(session->Add(payload.metainfo(), options).status()));
  options.wanted.clear();
  for (const char* peer : {"127.0.0.1", "127.0.0.1:0", "example.org:80", "[::1]", ""}) {
    options.peers = {peer};
    EXPECT_TRUE(absl::IsInvalidArgument(session->Add(payload.metainfo(), options).status())) << peer;
  }
  options.peers.clear();
  WriteFile(folders.output / "file", "");
  options.output_dir = folders.output / "file";
  EXPECT_FALSE(session->Add(payload.metainfo(), options).ok());
}

// Two writers in one folder would each undo what the other did.
TEST(SessionAdd, RefusesADownloadThatIsUnderWay) {
  const Payload payload("a.bin", 1000, 16 * kKiB);
  Folders folders;
  TestSession first(&folders), second(&folders);
  first.Add(payload, {});
  TorrentOptions options;
  options.output_dir = folders.output.path();
  EXPECT_TRUE(absl::IsAlreadyExists(first->Add(payload.metainfo(), options).status()));
  const absl::Status status = second->Add(payload.metainfo(), options).status();
  EXPECT_FALSE(status.ok());
  first.End();
  EXPECT_OK(second->Add(payload.metainfo(), options).status());
}

TEST(SessionOptions, WithoutListeningItDownloadsAndNobodyGetsIn) {
  const Payload payload("a.bin", 300 * kKiB, 64 * kKiB);
  ScriptedSeeder seeder(&payload, {});
  seeder.Open();
  Folders folders;
  SessionOptions options;
  options.listen = false;
  TestSession session(&folders, options);
  EXPECT_EQ(session->port(), 0);
  session.Add(payload, {seeder.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(TorrentOptions, ARatioEndsTheSeeding) {
  const Payload payload("a.bin", 320 * kKiB, 64 * kKiB);
  Folders folders;
  payload.PutFiles(folders.output.path());
  TestSession session(&folders);
  TorrentOptions options;
  options.seed = true;
  options.seed_ratio = 0.5;
  session.AddWith(payload, options);
  ASSERT_TRUE(session.WaitDone());
  std::unique_ptr<PeerConnection> peer = Greet(session, payload, "leecher", false, "127.0.0.2");
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(wire::MessageId::kUnchoke));
  EXPECT_NE(session.Status().state, TorrentState::kStopped);
  for (uint32_t i = 0; i < 10; i++) {
    ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, i / 4, i % 4 * 16 * kKiB, 16 * kKiB)));
    ASSERT_TRUE(peer->Expect(wire::MessageId::kPiece)) << i;
  }
  EXPECT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(session.Status().failure, Failure::kNone);
}

TEST(TorrentOptions, ATimeEndsTheSeeding) {
  const Payload payload("a.bin", 1000, 16 * kKiB);
  Folders folders;
  payload.PutFiles(folders.output.path());
  TestSession session(&folders);
  TorrentOptions options;
  options.seed = true;
  options.seed_time = std::chrono::seconds(1);
  session.AddWith(payload, options);
  ASSERT_TRUE(session.WaitDone());
  EXPECT_TRUE(session->WaitStopped(session.id(), kPatience));
}

TEST(TorrentOptions, AllocationReservesTheSpace) {
  const Payload payload("a.bin", 4 * kMiB, 64 * kKiB);
  Folders folders;
  TestSession session(&folders);
  TorrentOptions options;
  options.allocate = true;
  session.AddWith(payload, options);
  ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& s) { return s.state == TorrentState::kDownloading; }));
  struct stat info;
  ASSERT_EQ(stat(payload.PathIn(folders.output.path(), 0).c_str(), &info), 0);
  EXPECT_EQ(static_cast<uint64_t>(info.st_size), payload.size());
  EXPECT_GE(static_cast<uint64_t>(info.st_blocks) * 512, payload.size());
}

TEST(Verify, TellsWholeMissingShortAndBadFiles) {
  const Payload payload("v", {{"whole", 70'000}, {"missing", 70'000}, {"short", 70'000}, {"bad", 70'000}, {"empty"}},
                        16 * kKiB);
  TempFolder folder;
  payload.PutFiles(folder.path());
  absl::StatusOr<VerifyReport> report = VerifyFiles(*payload.metainfo(), folder.path(), nullptr);
  ASSERT_OK(report.status());
  EXPECT_TRUE(report->whole());
  EXPECT_EQ(report->good_pieces, payload.piece_count());

  ASSERT_EQ(unlink(payload.PathIn(folder.path(), 1).c_str()), 0);
  ASSERT_EQ(truncate(payload.PathIn(folder.path(), 2).c_str(), 40'000), 0);
  FlipByte(payload.PathIn(folder.path(), 3), 40'000);
  uint64_t told = 0;
  report = VerifyFiles(*payload.metainfo(), folder.path(), [&told](uint64_t done, uint64_t) { told = done; });
  ASSERT_OK(report.status());
  EXPECT_FALSE(report->whole());
  ASSERT_EQ(report->files.size(), 5u);
  EXPECT_EQ(report->files[1].result, FileCheck::Result::kMissing);
  EXPECT_EQ(report->files[2].result, FileCheck::Result::kBad);
  EXPECT_EQ(report->files[3].result, FileCheck::Result::kBad);
  EXPECT_EQ(report->files[3].bad_bytes, 2 * 16 * kKiB);  // its own, and the one that it shares with the short file
  EXPECT_EQ(report->files[4].result, FileCheck::Result::kWhole);
  EXPECT_GT(told, 0u);
}

}  // namespace
}  // namespace torrent::test
