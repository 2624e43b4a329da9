// Going on where an earlier run ended: in order, after a kill, with files that changed meanwhile or while they were
// seeded (hazards 106, 107, 113, 116).
#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"
#include "wire/bitfield.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;
using wire::MessageId;

// Answers so many requests, then none.
Manner AnswersOnly(size_t count) {
  Manner manner;
  manner.answer = [count](Line& line, const wire::Message& request) {
    if (line.requests() > count) return true;
    line.Delivered();
    return line.SendBlock(request);
  };
  return manner;
}

TorrentOptions SeedOptions() {
  TorrentOptions options;
  options.seed = true;
  return options;
}

TEST(Resume, FetchesNoByteTwice) {
  const Payload payload("resume.bin", 2 * kMiB, 256 * kKiB);
  Folders folders;
  uint64_t first_run;
  {
    // 53 blocks: some pieces, and part of others.
    ScriptedSeeder peer(&payload, AnswersOnly(53));
    peer.Open();
    TestSession session(&folders);
    session.Add(payload, {peer.address()});
    ASSERT_TRUE(peer.WaitDelivered(53));
    ASSERT_TRUE(session.WaitStatus([](const TorrentStatus& status) { return status.downloaded_bytes >= 53 * kBlock; }))
        << session.Status().downloaded_bytes << " bytes, " << session.Status().wasted_bytes << " wasted";
    ASSERT_TRUE(session.StopsInTime());
    first_run = session.Status().downloaded_bytes;
    EXPECT_FALSE(session.Status().complete);
  }
  ScriptedSeeder peer(&payload, {}, "127.0.0.2");
  peer.Open();
  TestSession session(&folders);
  session.Add(payload, {peer.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_EQ(first_run, 53 * kBlock);
  EXPECT_EQ(session.Status().downloaded_bytes, payload.size() - first_run);
  EXPECT_EQ(peer.block_bytes_sent(), payload.size() - first_run);
  EXPECT_FALSE(session.events().Wait<CheckEvent>(nullptr, Duration{})) << "hashes what the record vouches for";
}

TEST(Resume, ACompleteDownloadIsDoneAtOnceAndTalksToNobody) {
  const Payload payload("done.bin", kMiB, 64 * kKiB);
  Folders folders;
  { SeedingSession session(&folders, payload); }
  ScriptedSeeder peer(&payload, {});
  TestSession session(&folders);
  session.Add(payload, {peer.address()});
  ASSERT_TRUE(session.WaitDone());
  ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(session.Status().downloaded_bytes, 0u);
  EXPECT_FALSE(session.events().Wait<CheckEvent>(nullptr, Duration{}));
}

TEST(Resume, AChangedFileCostsItsOwnPiecesOnly) {
  const std::vector<PayloadFile> files = {{"a", 512 * kKiB}, {"b", 512 * kKiB}, {"c", 512 * kKiB}};
  const Payload payload("folder", files, 64 * kKiB);
  Folders folders;
  { SeedingSession session(&folders, payload); }
  FlipByte(payload.PathIn(folders.output.path(), 1), 100'000);  // its second piece, torrent's piece 9
  ScriptedSeeder peer(&payload, {});
  peer.Open();
  TestSession session(&folders);
  session.Add(payload, {peer.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_EQ(session.Status().downloaded_bytes, 64 * kKiB);
  EXPECT_EQ(peer.RequestsOf(9), 4u);
  // It alone was hashed.
  absl::optional<CheckEvent> check = session.events().Wait<CheckEvent>(nullptr, Duration{});
  ASSERT_TRUE(check);
  EXPECT_EQ(check->total_bytes, 512 * kKiB);
}

TEST(Resume, ARemovedFileIsFetchedAgain) {
  const std::vector<PayloadFile> files = {{"a", 300 * kKiB}, {"b", 300 * kKiB}};
  const Payload payload("folder", files, 64 * kKiB);
  Folders folders;
  { SeedingSession session(&folders, payload); }
  ASSERT_EQ(unlink(payload.PathIn(folders.output.path(), 0).c_str()), 0);
  ScriptedSeeder peer(&payload, {});
  peer.Open();
  TestSession session(&folders);
  session.Add(payload, {peer.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_LE(session.Status().downloaded_bytes, 5 * 64 * kKiB);
}

// --- Killed ----------------------------------------------------------------------------------------------------------

// The resume record says `running` while a session has the download; a copy of it is what a kill leaves behind.
class Killed : public ::testing::Test {
 protected:
  // Seeds, copies the state of the running session, ends it, and puts that copy in the state's place.
  void SeedAndBeKilled() {
    TempFolder as_it_was;
    {
      SeedingSession session(&folders_, payload_);
      CopyFolder(folders_.state.path(), as_it_was.path());
    }
    CopyFolder(as_it_was.path(), folders_.state.path());
  }

  const Payload payload_{"killed.bin", kMiB, 64 * kKiB};
  Folders folders_;
};

TEST_F(Killed, CountsItsRecordAtOnceWithoutHashingAll) {
  SeedAndBeKilled();
  TestSession session(&folders_);
  session.AddWith(payload_, SeedOptions());
  ASSERT_TRUE(session.WaitDone());
  EXPECT_FALSE(session.events().Wait<CheckEvent>(nullptr, Duration{}));
  std::unique_ptr<PeerConnection> peer = Greet(session, payload_, "leecher", /*fast=*/true, "127.0.0.2");
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, 3u, kBlock, kBlock)));
  absl::optional<Received> block = peer->Expect(MessageId::kPiece);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->payload, payload_.Block(3, kBlock, kBlock));
}

// A power cut may have taken bytes that the record has: nobody gets wrong ones, and they are fetched again.
TEST_F(Killed, ServesNoPieceBeforeItsHashWasProven) {
  SeedAndBeKilled();
  FlipByte(payload_.PathIn(folders_.output.path(), 0), 5 * 64 * kKiB + 7);
  TestSession session(&folders_);
  session.Add(payload_, {}, SeedOptions());
  ASSERT_TRUE(session.WaitDone());
  std::unique_ptr<PeerConnection> peer = Greet(session, payload_, "leecher", /*fast=*/true, "127.0.0.2");
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, 5u, 0u, kBlock)));
  absl::optional<Received> answer = peer->Expect(MessageId::kRejectRequest);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->head.piece_index, 5u);
  // Its neighbours are good.
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, 6u, 0u, kBlock)));
  absl::optional<Received> block = peer->Expect(MessageId::kPiece);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->payload, payload_.Block(6, 0, kBlock));
  // The piece is missing now, and is asked of whoever has it: the leecher says that it got it elsewhere.
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeHave, 5u) + Bytes(wire::EncodeUnchoke)));
  for (uint32_t i = 0; i < 4; i++) {
    absl::optional<Received> request = peer->Expect(MessageId::kRequest);
    ASSERT_TRUE(request);
    ASSERT_EQ(request->head.piece_index, 5u);
    std::string bytes;
    wire::EncodePieceHeader(5, request->head.begin, request->head.length, &bytes);
    absl::StrAppend(&bytes, payload_.Block(5, request->head.begin, request->head.length));
    ASSERT_TRUE(peer->Send(bytes));
  }
  ASSERT_TRUE(session.events().Wait<PieceEvent>(
      [](const PieceEvent& piece) { return piece.what == PieceEvent::What::kWritten && piece.piece_index == 5; }));
  EXPECT_EQ(payload_.Differences(folders_.output.path()), "");
}

TEST(KilledWhileDownloading, GoesOnFromTheLastCheckpoint) {
  const Payload payload("half.bin", 2 * kMiB, 64 * kKiB);
  Folders folders;
  TempFolder as_it_was;
  {
    ScriptedSeeder peer(&payload, AnswersOnly(40));
    peer.Open();
    TestSession session(&folders);
    session.Add(payload, {peer.address()});
    ASSERT_TRUE(peer.WaitDelivered(40));
    // The first checkpoint with pieces follows some seconds after they were written.
    const std::string record = absl::StrCat(folders.state.path(), "/", FilesBelow(folders.state.path())[1]);
    ASSERT_TRUE(absl::EndsWith(record, ".resume")) << record;
    const std::string before = ReadFile(record);
    ASSERT_TRUE(session.WaitStatus([&](const TorrentStatus&) { return ReadFile(record) != before; }));
    CopyFolder(folders.state.path(), as_it_was.path());
    ASSERT_TRUE(session.StopsInTime());
  }
  CopyFolder(as_it_was.path(), folders.state.path());
  ScriptedSeeder peer(&payload, {}, "127.0.0.2");
  peer.Open();
  TestSession session(&folders);
  session.Add(payload, {peer.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_LE(session.Status().downloaded_bytes, payload.size() - 40 * kBlock + 4 * 64 * kKiB);
}

// --- Files that change while they are seeded -------------------------------------------------------------------------

TEST(FilesUnderUs, ARemovedFileIsNotServedAndFetchedAgain) {
  const std::vector<PayloadFile> files = {{"a", 256 * kKiB}, {"b", 256 * kKiB}};
  const Payload payload("folder", files, 64 * kKiB);
  Folders folders;
  { SeedingSession session(&folders, payload); }
  TestSession session(&folders);
  session.AddWith(payload, SeedOptions());
  ASSERT_TRUE(session.WaitDone());
  ASSERT_EQ(unlink(payload.PathIn(folders.output.path(), 0).c_str()), 0);

  std::unique_ptr<PeerConnection> peer = Greet(session, payload, "leecher", /*fast=*/true, "127.0.0.2");
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, 1u, 0u, kBlock)));
  // It may be told no or be left; it gets no wrong byte, and nobody takes it for a liar.
  while (absl::optional<Received> message = peer->Read(std::chrono::seconds(5))) {
    if (message->head.id == MessageId::kRejectRequest) break;
    ASSERT_NE(message->head.id, MessageId::kPiece);
  }
  peer->HangUp();
  absl::optional<PeerGoneEvent> gone = session.events().Wait<PeerGoneEvent>();
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->banned) << gone->reason;
  EXPECT_TRUE(session.WaitStatus([&](const TorrentStatus& status) { return status.done_bytes < payload.size(); }));

  // The other file is still there for others, and the piece is wanted again.
  std::unique_ptr<PeerConnection> next = Greet(session, payload, "next", /*fast=*/true, "127.0.0.3");
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(next->Send(Bytes(wire::EncodeHaveAll) + Bytes(wire::EncodeInterested) + Bytes(wire::EncodeUnchoke)));
  absl::optional<Received> request = next->Expect(MessageId::kRequest);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->head.piece_index, 1u);
}

TEST(FilesUnderUs, AFileThatIsCutCostsThePieceAndNotThePeer) {
  const Payload payload("cut.bin", kMiB, 64 * kKiB);
  Folders folders;
  SeedingSession session(&folders, payload);
  std::unique_ptr<PeerConnection> peer = Greet(session, payload, "leecher", /*fast=*/true, "127.0.0.2");
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  ASSERT_EQ(truncate(payload.PathIn(folders.output.path(), 0).c_str(), 8 * 64 * kKiB), 0);
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeRequest, 12u, 0u, kBlock)));
  // The head of the block may be out already: then the connection cannot go on, without anybody's fault.
  while (absl::optional<Received> message = peer->Read()) {
    if (message->head.id == MessageId::kRejectRequest) break;
    ASSERT_NE(message->head.id, MessageId::kPiece);
  }
  peer->HangUp();
  absl::optional<PeerGoneEvent> gone = session.events().Wait<PeerGoneEvent>();
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->banned) << gone->reason;
  EXPECT_TRUE(session.WaitStatus([&](const TorrentStatus& status) { return status.done_bytes < payload.size(); }));
}

}  // namespace
}  // namespace torrent::test
