// Reading and writing of one connection do not wait for each other: a peer that sends and never reads gives us what it
// sends, and one that never stops sending gets what it asks for.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/thread.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"
#include "wire/bitfield.h"

namespace torrent::test {
namespace {

using wire::MessageId;

TEST(FullDuplex, APeerThatNeverReadsGivesWhatItSends) {
  // 16 MiB, the first half of which is here already, so that there is something to ask us for.
  const Payload payload("duplex.bin", 16 * kMiB, 256 * kKiB);
  Folders folders;
  WriteFile(payload.PathIn(folders.output.path(), 0), std::string(payload.bytes().substr(0, payload.size() / 2)));
  ScriptedSeeder honest(&payload, {}, "127.0.0.3");
  TestSession session(&folders);
  session.Add(payload, {honest.address()});
  ASSERT_TRUE(session.events().WaitConnected(honest.address()));

  std::unique_ptr<PeerConnection> peer = Greet(session, payload, "deaf", false, "127.0.0.2", /*receive_buffer=*/4096);
  ASSERT_NE(peer, nullptr);
  std::string hello;
  wire::EncodeBitfield(wire::Bitfield::AllSet(payload.piece_count()), &hello);
  wire::EncodeInterested(&hello);
  wire::EncodeUnchoke(&hello);
  ASSERT_TRUE(peer->Send(hello));
  // It listens until it was unchoked and knows what we want of it.
  std::vector<wire::Message> requests;
  bool unchoked = false;
  while (requests.size() < 32 || !unchoked) {
    absl::optional<Received> message = peer->Read();
    ASSERT_TRUE(message) << requests.size() << " requests, " << session.Status().connected_peers << " peers";
    unchoked |= message->head.id == MessageId::kUnchoke;
    if (message->head.id == MessageId::kRequest) requests.push_back(message->head);
  }
  // 500 blocks are more than fit into any socket, so our output comes to a halt ...
  std::string wants;
  for (uint32_t i = 0; i < 500; i++) wire::EncodeRequest(i % 32, i / 32 * kBlock % (256 * kKiB), kBlock, &wants);
  ASSERT_TRUE(peer->Send(wants));
  // ... and its own blocks arrive all the same.
  for (const wire::Message& request : requests) {
    std::string block;
    wire::EncodePieceHeader(request.piece_index, request.begin, request.length, &block);
    absl::StrAppend(&block, payload.Block(request.piece_index, request.begin, request.length));
    ASSERT_TRUE(peer->Send(block));
  }
  const uint64_t sent = requests.size() * kBlock;
  EXPECT_TRUE(session.WaitStatus([sent](const TorrentStatus& status) { return status.downloaded_bytes >= sent; }));
  EXPECT_LT(session.Status().uploaded_bytes, 500 * kBlock);

  honest.Open();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_FALSE(peer->closed());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(FullDuplex, APeerThatNeverStopsSendingGetsWhatItAsksFor) {
  const Payload payload("duplex.bin", 4 * kMiB, 256 * kKiB);
  Folders folders;
  SeedingSession session(&folders, payload);
  std::unique_ptr<PeerConnection> peer = Greet(session, payload, "talker", /*fast=*/false, "127.0.0.2");
  ASSERT_NE(peer, nullptr);
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  std::atomic<bool> enough{false};
  std::atomic<int> batches{0};
  {
    absl::StatusOr<Thread> talker = Thread::Start("talker", [&] {
      std::string noise;
      for (uint32_t i = 0; i < 2000; i++) wire::EncodeKeepAlive(&noise);
      // Each request stands between two batches, so that none can be served in a moment of silence.
      for (uint32_t i = 0; i < payload.size() / kBlock; i++) {
        if (!peer->Send(noise + Bytes(wire::EncodeRequest, i / 16, i % 16 * kBlock, kBlock))) return;
        batches++;
      }
      while (!enough.load() && peer->Send(noise)) batches++;
    });
    ASSERT_OK(talker.status());
    for (uint32_t i = 0; i < payload.size() / kBlock; i++) {
      absl::optional<Received> block = peer->Expect(MessageId::kPiece);
      EXPECT_TRUE(block && block->payload == payload.Block(i / 16, i % 16 * kBlock, kBlock)) << i;
      if (!block) break;
    }
    enough.store(true);
  }
  EXPECT_GE(batches.load(), static_cast<int>(payload.size() / kBlock));
}

}  // namespace
}  // namespace torrent::test
