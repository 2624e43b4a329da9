#include "swarm/block_download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "test/swarm/swarm_room.h"
#include "wire/message.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// One seeder's connection; what it is asked is read back from the bytes.
class Connection {
 public:
  explicit Connection(SwarmRoom* room, bool seed = true)
      : room_(room), link_(room->AddLink()), download_(room->context(), link_.get(), now) {
    if (seed) download_.claimant()->SetBitfield(wire::Bitfield::AllSet(room->payload().piece_count()));
  }
  // New messages, and those of `out` before.
  std::vector<std::string> Said() {
    wire::MessageRules rules;
    rules.piece_count = room_->payload().piece_count();
    std::vector<std::string> messages;
    for (absl::string_view bytes = out; !bytes.empty();) {
      const wire::Message message = wire::PeekMessage(AsBytes(bytes), rules);
      messages.push_back(wire::Describe(message));
      if (message.id == wire::MessageId::kRequest) asked.push_back(message);
      bytes.remove_prefix(message.head_bytes);
    }
    out.clear();
    return messages;
  }
  std::vector<std::string> Ask(bool choked = false, const std::vector<uint32_t>& allowed = {}) {
    download_.Ask(choked, allowed, now, &out);
    return Said();
  }
  bool Expects(const wire::Message& block) {
    bool expected = false;
    EXPECT_EQ(download_.Expects(block.piece_index, block.begin, block.length, now, &expected), absl::OkStatus());
    return expected;
  }
  // The block comes, with a wrong byte or without, if it is expected.
  bool Deliver(const wire::Message& block, bool lie = false) {
    if (!Expects(block)) return false;
    const absl::string_view bytes = room_->payload().Block(block.piece_index, block.begin, block.length);
    BlockWrite write;
    write.piece_index = block.piece_index;
    write.block = block.begin / kBlockBytes;
    write.offset = room_->context()->layout.PieceOffset(block.piece_index) + block.begin;
    write.length = block.length;
    BufferRef buffer = room_->context()->shared.buffers->Acquire(0);
    memcpy(buffer.data() + 13, bytes.data(), bytes.size());
    if (lie) buffer.data()[13] ^= 1;
    write.spans.push_back({buffer, 13, block.length});
    download_.Arrived(std::move(write), now);
    return true;
  }
  bool DeliverNext(bool lie = false) {
    const wire::Message next = asked.front();
    asked.erase(asked.begin());
    return Deliver(next, lie);
  }
  BlockDownload& operator*() { return download_; }
  BlockDownload* operator->() { return &download_; }

  std::string out;
  std::vector<wire::Message> asked;
  TimePoint now = Now();

 private:
  SwarmRoom* const room_;
  std::shared_ptr<PeerLink> link_;
  BlockDownload download_;
};

TEST(BlockDownloadTest, DownloadsAllInOrder) {
  SwarmRoom room(6, 3, /*complete=*/false);
  Connection peer(&room);
  EXPECT_THAT(peer.Ask(), SizeIs(18));
  EXPECT_TRUE(peer->hungry());  // it could have taken more
  EXPECT_TRUE(peer->asked_any());
  while (!peer.asked.empty()) {
    EXPECT_TRUE(peer.DeliverNext());
    peer->Flush(peer.now);
    room.Write();
  }
  EXPECT_FALSE(peer->asked_any());
  EXPECT_TRUE(room.context()->queue.Complete());
  EXPECT_EQ(test::ReadFile(room.PathOfFile()), room.payload().bytes());
  EXPECT_EQ(room.context()->downloaded, room.payload().size());
  EXPECT_EQ(room.context()->wasted, 0u);
  EXPECT_EQ(room.context()->shared.buffers->bytes_in_use(), 0u);
}

TEST(BlockDownloadTest, AsksAgainOnceHalfIsAnsweredInOneGo) {
  SwarmRoom room(40, 4, /*complete=*/false);
  Connection peer(&room);
  EXPECT_THAT(peer.Ask(), SizeIs(Pipeline::kStartDepth));
  EXPECT_FALSE(peer->hungry());
  EXPECT_THAT(peer.Ask(), IsEmpty());
  size_t came = 0;
  std::vector<std::string> more;
  while (more.empty()) {
    ASSERT_TRUE(peer.DeliverNext());
    peer->Flush(peer.now);
    came++;
    more = peer.Ask();
  }
  EXPECT_GE(came, Pipeline::kStartDepth / 4);
  EXPECT_GE(more.size(), came);
}

TEST(BlockDownloadTest, WhileChokedOnlyAllowedFastPiecesAreAskedFor) {
  SwarmRoom room(4, 2, /*complete=*/false);
  Connection peer(&room);
  EXPECT_THAT(peer.Ask(/*choked=*/true), IsEmpty());
  EXPECT_THAT(peer.Ask(/*choked=*/true, {2}),
              ElementsAre("request piece 2 begin 0 length 16384", "request piece 2 begin 16384 length 16384"));
}

TEST(BlockDownloadTest, WhatWasNotAskedForIsWasteAndFiftyOneTimesTooMuch) {
  // hazard 46
  SwarmRoom room(2, 2, /*complete=*/false);
  Connection peer(&room);
  wire::Message block;
  const struct {
    uint32_t piece_index, begin, length;
  } rows[] = {
      {0, 0, kBlockBytes},            // nothing was asked for yet
      {0, 0, 0},                      // empty
      {0, 100, 200},                  // not a block
      {0, kBlockBytes, 100},          // nor that
      {0, 2 * kBlockBytes, 1},        // beyond the piece
      {1, kBlockBytes, kBlockBytes},  // the last one is shorter
  };
  uint64_t bytes = 0;
  for (const auto& row : rows) {
    block.piece_index = row.piece_index;
    block.begin = row.begin;
    block.length = row.length;
    EXPECT_FALSE(peer.Expects(block));
    bytes += row.length;
  }
  EXPECT_EQ(room.context()->wasted, bytes);
  for (int i = 6; i < kMaxUnaskedBlocks; i++) EXPECT_FALSE(peer.Expects(block));
  bool expected;
  EXPECT_EQ(peer->Expects(0, 0, kBlockBytes, peer.now, &expected).code(), absl::StatusCode::kInvalidArgument);
}

TEST(BlockDownloadTest, AfterAChokeLateBlocksCountForAMinute) {
  SwarmRoom room(1, 4, /*complete=*/false);
  Connection peer(&room);
  ASSERT_THAT(peer.Ask(), SizeIs(4));
  peer->GiveBackAll(peer.now);
  EXPECT_FALSE(peer->asked_any());
  peer.now += seconds(59);
  EXPECT_TRUE(peer.DeliverNext());
  peer->Flush(peer.now);
  EXPECT_EQ(room.submitted(), 1u);
  const wire::Message again = peer.asked.front();
  EXPECT_TRUE(peer.DeliverNext());
  EXPECT_FALSE(peer.Expects(again));  // once
  peer.now += seconds(2);
  EXPECT_FALSE(peer.DeliverNext());
  // They are claimed again.
  peer->Flush(peer.now);
  EXPECT_THAT(peer.Ask(), SizeIs(2));
}

TEST(BlockDownloadTest, ACancelledBlockIsToldAndTakenIfItComesAllTheSame) {
  SwarmRoom room(1, 2, /*complete=*/false);
  Connection peer(&room);
  ASSERT_THAT(peer.Ask(), SizeIs(2));
  peer->Cancel({0, 1}, peer.now, &peer.out);
  peer->Cancel({0, 1}, peer.now, &peer.out);
  EXPECT_THAT(peer.Said(), ElementsAre("cancel piece 0 begin 16384 length 16284"));
  EXPECT_TRUE(peer.DeliverNext());
  EXPECT_TRUE(peer.DeliverNext());
}

TEST(BlockDownloadTest, ARejectGivesBackAndOneOfNothingIsNoticed) {
  SwarmRoom room(1, 2, /*complete=*/false);
  Connection peer(&room), other(&room);
  ASSERT_THAT(peer.Ask(), SizeIs(2));
  EXPECT_TRUE(peer->Rejected(0, 0, peer.now));
  EXPECT_THAT(other.Ask(), ::testing::Contains("request piece 0 begin 0 length 16384"));
  EXPECT_TRUE(peer->Rejected(0, 0, peer.now));  // after a cancel of ours both may cross
  EXPECT_FALSE(other->Rejected(5, 0, peer.now));
}

TEST(BlockDownloadTest, APeerThatSendsNothingLosesItsRequestsAndIsTriedWithOne) {
  // hazard 52
  SwarmRoom room(40, 4, /*complete=*/false);
  Connection peer(&room);
  ASSERT_THAT(peer.Ask(), SizeIs(32));
  peer->Review(peer.now + seconds(1), &peer.out);
  EXPECT_THAT(peer.Said(), IsEmpty());
  EXPECT_LE(peer->ReviewAt(), peer.now + seconds(20));
  peer.now = peer->ReviewAt();
  peer->Review(peer.now, &peer.out);
  const std::vector<std::string> said = peer.Said();
  EXPECT_EQ(std::count_if(said.begin(), said.end(),
                          [](const std::string& message) { return absl::StartsWith(message, "cancel"); }),
            32);
  EXPECT_EQ(peer->ReviewAt(), TimePoint::max());
  EXPECT_THAT(peer.Ask(), SizeIs(1));
  // Others get them at once.
  Connection other(&room);
  EXPECT_THAT(other.Ask(), SizeIs(32));
}

TEST(BlockDownloadTest, ALyingPeerIsNamed) {
  SwarmRoom room(1, 2, /*complete=*/false);
  Connection peer(&room);
  peer.Ask();
  peer.DeliverNext(/*lie=*/true);
  peer.DeliverNext();
  peer->Flush(peer.now);
  EXPECT_THAT(room.failed, ElementsAre(0));
  EXPECT_THAT(room.liars, SizeIs(1));
}

TEST(BlockDownloadTest, WithAFullDiskNothingIsAskedForAndWhatComesIsDropped) {
  SwarmRoom room(4, 2, /*complete=*/false);
  Connection peer(&room);
  ASSERT_THAT(peer.Ask(), SizeIs(8));
  room.context()->disk_waits = true;
  EXPECT_FALSE(peer.DeliverNext());
  peer->CancelAll(peer.now, &peer.out);
  EXPECT_THAT(peer.Said(), SizeIs(8));
  EXPECT_THAT(peer.Ask(), IsEmpty());
  room.context()->disk_waits = false;
  EXPECT_THAT(peer.Ask(), SizeIs(8));
}

TEST(BlockDownloadTest, ADuplicateIsWasteAndTouchesNothing) {
  SwarmRoom room(1, 1, /*complete=*/false);
  Connection slow(&room), fast(&room);
  ASSERT_THAT(slow.Ask(), SizeIs(1));
  fast.now = slow.now + seconds(10);
  ASSERT_THAT(fast.Ask(), SizeIs(1));  // overdue at the other
  ASSERT_TRUE(fast.DeliverNext());
  fast->Flush(fast.now);
  room.Write();
  EXPECT_TRUE(room.context()->queue.Complete());
  slow.now = fast.now;
  EXPECT_TRUE(slow.DeliverNext(/*lie=*/true));
  slow->Flush(slow.now);
  EXPECT_EQ(room.submitted(), 0u);
  EXPECT_EQ(room.context()->wasted, room.payload().size());
}

TEST(BlockDownloadTest, AnEndMidwayGivesEverythingBack) {
  SwarmRoom room(2, 4, /*complete=*/false);
  {
    Connection peer(&room);
    ASSERT_THAT(peer.Ask(), SizeIs(8));
    peer.DeliverNext();
    peer->Flush(peer.now);
    EXPECT_TRUE(peer.Expects(peer.asked.front()));  // its bytes begin to come, and the line breaks
  }
  Connection other(&room);
  EXPECT_THAT(other.Ask(), SizeIs(7));
}

}  // namespace
}  // namespace torrent
