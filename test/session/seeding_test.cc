// The uploading side of a session, seen by peers that a test plays: what they are told, what they get, and what is
// refused (hazards 42 to 45).
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "test/session/fixture.h"
#include "wire/bitfield.h"
#include "wire/extension.h"
#include "wire/fast_set.h"

namespace torrent::test {
namespace {

using wire::MessageId;

constexpr uint32_t kSeedPieceLength = 64 * kKiB;

std::string RequestOf(uint32_t piece_index, uint32_t begin, uint32_t length) {
  return Bytes(wire::EncodeRequest, piece_index, begin, length);
}

class Seeding : public ::testing::Test {
 protected:
  Seeding() : payload_("seed.bin", 20 * kSeedPieceLength + 1000, kSeedPieceLength), session_(&folders_, payload_) {}

  std::unique_ptr<PeerConnection> Leecher(bool fast, int receive_buffer = 0) {
    std::unique_ptr<PeerConnection> peer = Greet(session_, payload_, "leecher", fast, "127.0.0.2", receive_buffer);
    EXPECT_NE(peer, nullptr);
    return peer;
  }
  // Interested, and unchoked for it.
  std::unique_ptr<PeerConnection> UnchokedLeecher(bool fast, int receive_buffer = 0) {
    std::unique_ptr<PeerConnection> peer = Leecher(fast, receive_buffer);
    EXPECT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
    EXPECT_TRUE(peer->Expect(MessageId::kUnchoke));
    return peer;
  }

  Folders folders_;
  Payload payload_;
  SeedingSession session_;
};

TEST_F(Seeding, GivesRightBytesForEachRequest) {
  std::unique_ptr<PeerConnection> peer = Leecher(/*fast=*/false);
  absl::optional<Received> first = peer->Read();
  ASSERT_TRUE(first);
  ASSERT_EQ(first->head.id, MessageId::kBitfield);
  EXPECT_EQ(first->payload, "\xff\xff\xf8");
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  for (uint32_t piece = 0; piece < payload_.piece_count(); piece++) {
    for (uint32_t begin = 0; begin < payload_.PieceBytes(piece); begin += kBlock) {
      const uint32_t length = std::min(kBlock, payload_.PieceBytes(piece) - begin);
      ASSERT_TRUE(peer->Send(RequestOf(piece, begin, length)));
      absl::optional<Received> block = peer->Read();
      ASSERT_TRUE(block);
      ASSERT_EQ(block->head.id, MessageId::kPiece);
      EXPECT_EQ(block->head.piece_index, piece);
      EXPECT_EQ(block->head.begin, begin);
      EXPECT_EQ(block->payload, payload_.Block(piece, begin, length));
    }
  }
  // Odd places and lengths are a leecher's right (BEP 3 names no unit).
  ASSERT_TRUE(peer->Send(RequestOf(3, 777, 4567) + RequestOf(0, 0, kSeedPieceLength)));
  EXPECT_EQ(peer->Expect(MessageId::kPiece)->payload, payload_.Block(3, 777, 4567));
  EXPECT_EQ(peer->Expect(MessageId::kPiece)->payload, payload_.Block(0, 0, kSeedPieceLength));
  // Counted when the block has left, which the peer may notice first.
  const uint64_t all = payload_.size() + 4567 + kSeedPieceLength;
  EXPECT_TRUE(session_.WaitStatus([all](const TorrentStatus& status) { return status.uploaded_bytes >= all; }));
  EXPECT_EQ(session_.Status().uploaded_bytes, all);
}

TEST_F(Seeding, TellsItsFactsToWhoSpeaksExtensions) {
  std::unique_ptr<PeerConnection> peer = session_.Dial("127.0.0.2");
  wire::Handshake theirs;
  ASSERT_TRUE(peer->ShakeHands(HandshakeOf(payload_.metainfo()->infohash, "leecher", /*fast=*/true, /*extended=*/true),
                               &theirs));
  EXPECT_TRUE(theirs.fast);
  EXPECT_TRUE(theirs.extended);
  EXPECT_EQ(theirs.infohash, payload_.metainfo()->infohash);
  absl::optional<Received> first = peer->Read();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->head.id, MessageId::kHaveAll);
  absl::optional<Received> extended = peer->Expect(MessageId::kExtended);
  ASSERT_TRUE(extended);
  absl::StatusOr<wire::ExtensionHandshake> facts = wire::ParseExtensionHandshake(extended->payload);
  ASSERT_OK(facts.status());
  EXPECT_TRUE(absl::StartsWith(facts->client, "torrent "));
  EXPECT_EQ(facts->request_queue, 500u);
  EXPECT_EQ(facts->port, session_->port());
  EXPECT_EQ(facts->upload_only, true);
  EXPECT_EQ(Address::FromBytes(facts->your_ip), Address::Parse("127.0.0.2"));
}

// Hazard 45 (libtorrent's "bandwidth exhaustion"): free pieces are few and not free for ever.
TEST_F(Seeding, GivesTheAllowedFastPiecesToAChokedPeerThreeTimes) {
  const std::vector<uint32_t> expected =
      wire::AllowedFastSet({127, 0, 0, 2}, payload_.metainfo()->infohash, payload_.piece_count(), 10);
  std::unique_ptr<PeerConnection> peer = Leecher(/*fast=*/true);
  std::set<uint32_t> allowed;
  while (allowed.size() < 10) {
    absl::optional<Received> message = peer->Expect(MessageId::kAllowedFast);
    ASSERT_TRUE(message);
    allowed.insert(message->head.piece_index);
  }
  EXPECT_EQ(allowed, std::set<uint32_t>(expected.begin(), expected.end()));

  uint32_t other = 0;
  while (allowed.count(other) != 0) other++;
  ASSERT_TRUE(peer->Send(RequestOf(other, 0, kBlock)));
  absl::optional<Received> answer = peer->Read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->head.id, MessageId::kRejectRequest);

  const uint32_t free_piece = expected[0] == 20 ? expected[1] : expected[0];  // a whole one
  for (int i = 0; i < 3 * 4; i++) {
    ASSERT_TRUE(peer->Send(RequestOf(free_piece, kBlock, kBlock)));
    answer = peer->Read();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->head.id, MessageId::kPiece) << i;
    EXPECT_EQ(answer->payload, payload_.Block(free_piece, kBlock, kBlock));
  }
  ASSERT_TRUE(peer->Send(RequestOf(free_piece, kBlock, kBlock)));
  answer = peer->Read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->head.id, MessageId::kRejectRequest);
}

// Hazard 42 (anacrolix abb5cbc9) and 36.
TEST_F(Seeding, EndsConnectionsThatAskForWhatTheTorrentHasNot) {
  const struct {
    const char* name;
    std::string bytes;
  } kCases[] = {
      {"no such piece", RequestOf(21, 0, kBlock)},
      {"the last number as piece", RequestOf(0xffffffff, 0, kBlock)},
      {"begin at the piece's end", RequestOf(0, kSeedPieceLength, 1)},
      {"one byte beyond the piece", RequestOf(0, kSeedPieceLength - kBlock, kBlock + 1)},
      {"beyond the last, shorter piece", RequestOf(20, 0, 1001)},
      {"begin + length overflows", RequestOf(0, 0xfffffff0, 0x20)},
      {"no byte", RequestOf(0, 0, 0)},
      {"256 KiB", RequestOf(0, 0, 256 * kKiB)},
      {"4 GiB - 1", RequestOf(0, 1, 0xffffffff)},
  };
  std::unique_ptr<PeerConnection> bystander = UnchokedLeecher(/*fast=*/false);
  for (const auto& c : kCases) {
    std::unique_ptr<PeerConnection> peer = Greet(session_, payload_, c.name, /*fast=*/true, "127.0.0.3");
    ASSERT_NE(peer, nullptr) << c.name;
    ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
    ASSERT_TRUE(peer->Expect(MessageId::kUnchoke)) << c.name;
    ASSERT_TRUE(peer->Send(c.bytes)) << c.name;
    EXPECT_TRUE(peer->WaitClosed()) << c.name;
  }
  ASSERT_TRUE(bystander->Send(RequestOf(1, 0, kBlock)));
  EXPECT_EQ(bystander->Expect(MessageId::kPiece)->payload, payload_.Block(1, 0, kBlock));
}

// Hazard 44 (libtorrent's too_many_requests_when_choked).
TEST_F(Seeding, IgnoresRequestsWhileChokedAndEndsWhoGoesOn) {
  std::unique_ptr<PeerConnection> peer = Leecher(/*fast=*/false);
  std::string requests;
  for (int i = 0; i < 300; i++) requests += RequestOf(0, 0, kBlock);
  ASSERT_TRUE(peer->Send(requests));
  // What is answered next is what was asked after the unchoke.
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(MessageId::kUnchoke));
  ASSERT_TRUE(peer->Send(RequestOf(7, 0, kBlock)));
  absl::optional<Received> block = peer->Read();
  ASSERT_TRUE(block);
  EXPECT_EQ(block->head.piece_index, 7u);

  std::unique_ptr<PeerConnection> stubborn = Greet(session_, payload_, "stubborn", /*fast=*/false, "127.0.0.3");
  ASSERT_TRUE(stubborn->Send(requests + RequestOf(0, 0, kBlock)));
  EXPECT_TRUE(stubborn->WaitClosed());
}

// Hazard 43 (rakshasa 9361a3b8): more requests than anybody may queue, and nothing of the answers is read.
TEST_F(Seeding, AnswersEachRequestOnceHoweverManyThereAre) {
  std::unique_ptr<PeerConnection> peer = UnchokedLeecher(/*fast=*/true, /*receive_buffer=*/4096);
  constexpr int kRequests = 1500;
  std::map<std::pair<uint32_t, uint32_t>, int> open;
  std::string requests;
  for (int i = 0; i < kRequests; i++) {
    const uint32_t piece = static_cast<uint32_t>(i) % 20, begin = (static_cast<uint32_t>(i) / 20) * 8;
    requests += RequestOf(piece, begin, kBlock);
    open[{piece, begin}]++;
  }
  ASSERT_TRUE(peer->Send(requests));
  int blocks = 0, rejects = 0;
  while (blocks + rejects < kRequests) {
    absl::optional<Received> answer = peer->Read();
    ASSERT_TRUE(answer) << blocks << " blocks, " << rejects << " rejects";
    const auto request = std::make_pair(answer->head.piece_index, answer->head.begin);
    if (answer->head.id == MessageId::kPiece) {
      blocks++;
      ASSERT_EQ(answer->payload, payload_.Block(request.first, request.second, kBlock));
    } else if (answer->head.id == MessageId::kRejectRequest) {
      rejects++;
    } else {
      continue;
    }
    ASSERT_EQ(open[request]--, 1);
  }
  EXPECT_GE(blocks, 500);
  EXPECT_GT(rejects, 0);
}

TEST_F(Seeding, EndsWhoQueuesTooMuchWithoutTheFastExtension) {
  std::unique_ptr<PeerConnection> peer = UnchokedLeecher(/*fast=*/false, /*receive_buffer=*/4096);
  std::string requests;
  for (uint32_t i = 0; i < 1500; i++) requests += RequestOf(i % 20, i * 8, kBlock);
  ASSERT_TRUE(peer->Send(requests));
  EXPECT_TRUE(peer->WaitClosed());
}

// BEP 6: a cancelled request is answered, by its block if that was under way, by a reject otherwise.
TEST_F(Seeding, AnswersCancelledRequestsOnce) {
  std::unique_ptr<PeerConnection> peer = UnchokedLeecher(/*fast=*/true, /*receive_buffer=*/4096);
  constexpr uint32_t kRequests = 480;
  std::string requests, cancels;
  for (uint32_t i = 0; i < kRequests; i++) {
    requests += RequestOf(i % 20, i * 8, kBlock);
    cancels += Bytes(wire::EncodeCancel, i % 20, i * 8, kBlock);
  }
  ASSERT_TRUE(peer->Send(requests + cancels));
  std::set<uint32_t> answered;
  bool rejected_any = false;
  while (answered.size() < kRequests) {
    absl::optional<Received> answer = peer->Read();
    ASSERT_TRUE(answer);
    rejected_any |= answer->head.id == MessageId::kRejectRequest;
    if (answer->head.id == MessageId::kPiece || answer->head.id == MessageId::kRejectRequest) {
      EXPECT_TRUE(answered.insert(answer->head.begin).second) << answer->head.begin;
    }
  }
  EXPECT_TRUE(rejected_any);
}

// --- Choking ---------------------------------------------------------------------------------------------------------

// A leecher that remembers whether it is choked.
struct Suitor {
  std::unique_ptr<PeerConnection> peer;
  bool unchoked = false;
  void Look() {
    while (absl::optional<Received> message = peer->Read(Duration{})) {
      if (message->head.id == MessageId::kUnchoke) unchoked = true;
      if (message->head.id == MessageId::kChoke) unchoked = false;
    }
  }
};

bool WaitForUnchoked(std::vector<Suitor>* suitors, int count) {
  const TimePoint deadline = Now() + kPatience;
  while (true) {
    int unchoked = 0;
    for (Suitor& suitor : *suitors) {
      suitor.Look();
      unchoked += suitor.unchoked;
    }
    if (unchoked == count) return true;
    if (Now() >= deadline) return false;
    usleep(2000);
  }
}

TEST_F(Seeding, UnchokesEightOfTenAndGivesAFreeSlotAwayAtOnce) {
  std::vector<Suitor> suitors;
  int made = 0;
  const auto fill = [&] {
    while (suitors.size() < 10) {
      made++;
      suitors.push_back(
          {Greet(session_, payload_, absl::StrCat("suitor ", made), false, absl::StrCat("127.0.1.", made))});
      if (suitors.back().peer == nullptr || !suitors.back().peer->Send(Bytes(wire::EncodeInterested))) return false;
    }
    return true;
  };
  // One of eight goes: one that waited follows without a round. On a slow machine a round may come in between, which
  // then tells nothing.
  bool without_a_round = false;
  for (int attempt = 0; attempt < 5 && !without_a_round; attempt++) {
    ASSERT_TRUE(fill());
    ASSERT_TRUE(WaitForUnchoked(&suitors, 8));
    const size_t rounds = session_.events().All<ChokeRoundEvent>().size();
    const auto gone = std::find_if(suitors.begin(), suitors.end(), [](const Suitor& s) { return s.unchoked; });
    gone->peer->HangUp();
    suitors.erase(gone);
    ASSERT_TRUE(WaitForUnchoked(&suitors, 8));
    without_a_round = session_.events().All<ChokeRoundEvent>().size() == rounds;
  }
  EXPECT_TRUE(without_a_round);

  // A whole round: one of the slots is for whoever the lot finds.
  for (int i = 0; i < 3; i++) {
    suitors.push_back({Greet(session_, payload_, absl::StrCat("late ", i), false, absl::StrCat("127.0.2.", i + 1))});
    ASSERT_TRUE(suitors.back().peer->Send(Bytes(wire::EncodeInterested)));
  }
  absl::optional<ChokeRoundEvent> round =
      session_.events().Wait<ChokeRoundEvent>([](const ChokeRoundEvent& r) { return r.interested == 12; });
  ASSERT_TRUE(round);
  EXPECT_EQ(round->unchoked, 8u);
  EXPECT_TRUE(WaitForUnchoked(&suitors, 8));
}

}  // namespace
}  // namespace torrent::test
