#include "swarm/metadata_assembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/limits.h"
#include "base/random.h"
#include "base/sha1.h"
#include "base/thread.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Type = wire::MetadataMessage::Type;
using Requests = std::vector<uint32_t>;

std::string InfoOf(uint32_t size, uint64_t seed = 1) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t next = random.Next();
    memcpy(&bytes[i], &next, std::min(sizeof next, bytes.size() - i));
  }
  return bytes;
}

wire::MetadataMessage PieceOf(const std::string& info, uint32_t piece) {
  const auto size = static_cast<uint32_t>(info.size());
  return {Type::kData, piece, size,
          absl::string_view(info).substr(size_t{piece} * kMetadataPieceBytes, wire::MetadataPieceBytes(size, piece))};
}

class MetadataAssemblyTest : public testing::Test {
 protected:
  void Use(uint32_t size) {
    info_ = InfoOf(size);
    assembly_ = std::make_unique<MetadataAssembly>(Sha1::Of(info_), [this] { returned_++; });
  }
  absl::Status Answer(uint64_t peer, uint32_t piece, const std::string& info) {
    return assembly_->Arrived(peer, PieceOf(info, piece), now_);
  }
  // Gives `peer` turns and answers them from `info` until there is nothing to ask.
  absl::Status AnswerAll(uint64_t peer, const std::string& info) {
    while (true) {
      const Requests requests = assembly_->TakeTurn(peer, now_).requests;
      if (requests.empty()) return absl::OkStatus();
      for (uint32_t piece : requests) {
        absl::Status status = Answer(peer, piece, info);
        if (!status.ok()) return status;
      }
    }
  }

  TimePoint now_ = TimePoint() + seconds(1000);
  std::string info_;
  std::unique_ptr<MetadataAssembly> assembly_;
  int returned_ = 0;
};

TEST_F(MetadataAssemblyTest, OnePeerBringsItInPieces) {
  for (uint32_t size : {1u, 16384u, 16385u, 100'000u}) {
    Use(size);
    ASSERT_TRUE(assembly_->Join(1, size, now_).ok());
    EXPECT_EQ(assembly_->progress().total_bytes, size);
    EXPECT_TRUE(AnswerAll(1, info_).ok());
    ASSERT_TRUE(assembly_->complete()) << size;
    EXPECT_EQ(assembly_->Take(), info_);
    EXPECT_EQ(assembly_->held_bytes(), 0u);
    EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  }
}

TEST_F(MetadataAssemblyTest, APeerIsAskedForOnePieceAtFirstAndForAFewAtOnceLater) {
  Use(20 * kMetadataPieceBytes);
  ASSERT_TRUE(assembly_->Join(1, 20 * kMetadataPieceBytes, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  EXPECT_TRUE(Answer(1, 0, info_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, (Requests{1, 2}));
  for (uint32_t piece = 1; piece < 3; piece++) EXPECT_TRUE(Answer(1, piece, info_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, (Requests{3, 4, 5, 6}));
  EXPECT_TRUE(Answer(1, 3, info_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{7}) << "at most four";
  EXPECT_EQ(assembly_->progress().done_bytes, 4 * kMetadataPieceBytes);
}

TEST_F(MetadataAssemblyTest, APieceIsAskedOfOnePeerAtATime) {
  Use(2 * kMetadataPieceBytes);
  for (uint64_t peer : {1, 2, 3}) ASSERT_TRUE(assembly_->Join(peer, 2 * kMetadataPieceBytes, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{1});
  const MetadataAssembly::Turn third = assembly_->TakeTurn(3, now_);
  EXPECT_TRUE(third.requests.empty());
  EXPECT_TRUE(third.hungry);
  EXPECT_EQ(third.next, now_ + kMetadataPatience);
  EXPECT_TRUE(Answer(2, 1, info_).ok());
  EXPECT_TRUE(Answer(1, 0, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, WhatARejectLeavesIsAskedElsewhereAndTheRejecterLater) {
  Use(100);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, 100, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(assembly_->TakeTurn(2, now_).requests.empty());
  assembly_->Rejected(1, 7, now_);
  EXPECT_EQ(returned_, 0) << "nobody asked for that";
  assembly_->Rejected(1, 0, now_);
  EXPECT_EQ(returned_, 1);
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).next, now_ + kMetadataRetry);
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  assembly_->Rejected(2, 0, now_);
  now_ += kMetadataRetry;
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
}

TEST_F(MetadataAssemblyTest, SilenceMovesAPieceAndALateAnswerCounts) {
  Use(3 * kMetadataPieceBytes);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, 3 * kMetadataPieceBytes, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  now_ += kMetadataPatience - milliseconds(1);
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{1});
  EXPECT_TRUE(Answer(2, 1, info_).ok());
  now_ += milliseconds(1);
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, (Requests{0, 2}));
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty()) << "left alone for a while";
  EXPECT_TRUE(Answer(1, 0, info_).ok());
  EXPECT_EQ(assembly_->progress().done_bytes, 2 * kMetadataPieceBytes);
  EXPECT_TRUE(Answer(2, 0, InfoOf(3 * kMetadataPieceBytes, 2)).ok()) << "it is there already";
  EXPECT_TRUE(Answer(2, 2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, WhoLeavesGivesBackWhatItWasAskedFor) {
  Use(100);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, 100, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  assembly_->Leave(1);
  EXPECT_EQ(returned_, 1);
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
  EXPECT_TRUE(Answer(1, 0, info_).ok()) << "a stranger by now";
}

TEST_F(MetadataAssemblyTest, ALiarAloneConvictsItself) {
  Use(50'000);
  ASSERT_TRUE(assembly_->Join(1, 50'000, now_).ok());
  EXPECT_TRUE(absl::IsDataLoss(AnswerAll(1, InfoOf(50'000, 2))));
  EXPECT_EQ(assembly_->held_bytes(), 0u);
  assembly_->Leave(1);
  ASSERT_TRUE(assembly_->Join(2, 50'000, now_).ok());
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, AfterAWrongWholeOfSeveralEachIsAskedAlone) {
  const uint32_t size = 4 * kMetadataPieceBytes;
  Use(size);
  const std::string wrong = InfoOf(size, 2);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, size, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{1});
  EXPECT_TRUE(Answer(1, 0, wrong).ok());
  EXPECT_TRUE(Answer(2, 1, info_).ok());
  returned_ = 0;
  EXPECT_TRUE(AnswerAll(2, info_).ok()) << "nobody is convicted by what several made";
  EXPECT_GT(returned_, 0);
  // 2 went on alone, from the beginning, and that was the whole.
  EXPECT_TRUE(assembly_->complete());

  Use(size);
  for (uint64_t peer : {1, 2}) ASSERT_TRUE(assembly_->Join(peer, size, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  EXPECT_TRUE(Answer(2, 0, info_).ok());
  EXPECT_TRUE(absl::IsDataLoss(AnswerAll(1, wrong))) << "together first, then alone";
  EXPECT_FALSE(assembly_->complete());
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, SizesDoNotMix) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, kMaxPeerMetadataBytes, now_).ok());
  ASSERT_TRUE(assembly_->Join(2, 40'001, now_).ok());
  ASSERT_TRUE(assembly_->Join(3, 40'000, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  EXPECT_TRUE(AnswerAll(3, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

TEST_F(MetadataAssemblyTest, AClaimStays) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, 40'000, now_).ok());
  EXPECT_TRUE(assembly_->Join(1, 40'000, now_).ok()) << "said again";
  EXPECT_TRUE(assembly_->Join(1, absl::nullopt, now_).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(assembly_->Join(1, 40'001, now_)));
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(absl::IsInvalidArgument(Answer(1, 0, InfoOf(50'000))));
}

TEST_F(MetadataAssemblyTest, WhoClaimsNoSizeIsAskedNowAndThen) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, absl::nullopt, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(assembly_->TakeTurn(1, now_).requests.empty());
  assembly_->Rejected(1, 0, now_);
  EXPECT_EQ(assembly_->TakeTurn(1, now_).next, now_ + kMetadataRetry);
  now_ += kMetadataRetry;
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  EXPECT_TRUE(Answer(1, 0, info_).ok()) << "it has it by now";
  EXPECT_TRUE(AnswerAll(1, info_).ok());
  EXPECT_TRUE(assembly_->complete());

  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, absl::nullopt, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  assembly_->Rejected(1, 0, now_);
  ASSERT_TRUE(assembly_->Join(1, 40'000, now_).ok());
  EXPECT_TRUE(AnswerAll(1, info_).ok());
  EXPECT_TRUE(assembly_->complete()) << "a later handshake says that it has it";
}

TEST_F(MetadataAssemblyTest, PiecesUnaskedAreIgnoredAndCounted) {
  Use(40'000);
  ASSERT_TRUE(assembly_->Join(1, 40'000, now_).ok());
  for (int i = 0; i < kMaxUnaskedBlocks; i++) EXPECT_TRUE(Answer(1, 1, info_).ok());
  EXPECT_EQ(assembly_->held_bytes(), 0u);
  EXPECT_TRUE(absl::IsInvalidArgument(Answer(1, 1, info_)));
}

// Hazard 55: several claimed sizes do not multiply the memory, and the largest cannot keep out the others.
TEST_F(MetadataAssemblyTest, AllCopiesTogetherHaveTheRoomOfOne) {
  Use(1 << 20);
  std::vector<std::string> wrong;
  for (uint64_t liar = 1; liar <= 4; liar++) {
    wrong.push_back(InfoOf(kMaxPeerMetadataBytes - static_cast<uint32_t>(liar), liar));
    ASSERT_TRUE(assembly_->Join(liar, static_cast<uint32_t>(wrong.back().size()), now_).ok());
  }
  // Each brings all it is asked for but its last pieces.
  for (int turn = 0; turn < 1000; turn++) {
    for (uint64_t liar = 1; liar <= 4; liar++) {
      for (uint32_t piece : assembly_->TakeTurn(liar, now_).requests) {
        if (piece >= 1000) continue;
        EXPECT_TRUE(Answer(liar, piece, wrong[liar - 1]).ok());
      }
      ASSERT_LE(assembly_->held_bytes(), kMaxPeerMetadataBytes);
    }
  }
  EXPECT_GT(assembly_->held_bytes(), 0u);
  ASSERT_TRUE(assembly_->Join(9, 1 << 20, now_).ok());
  EXPECT_TRUE(AnswerAll(9, info_).ok());
  EXPECT_TRUE(assembly_->complete()) << "smaller ones go first";
}

TEST_F(MetadataAssemblyTest, WhoHeldRoomLongGivesWay) {
  const uint32_t size = kMaxPeerMetadataBytes;
  Use(size);
  ASSERT_TRUE(assembly_->Join(1, size - 1, now_).ok());
  ASSERT_TRUE(assembly_->Join(2, size, now_).ok());
  EXPECT_EQ(assembly_->TakeTurn(1, now_).requests, Requests{0});
  MetadataAssembly::Turn turn = assembly_->TakeTurn(2, now_);
  EXPECT_TRUE(turn.requests.empty());
  EXPECT_EQ(turn.next, now_ + kMetadataRoomTime);
  now_ += kMetadataRoomTime;
  EXPECT_EQ(assembly_->TakeTurn(2, now_).requests, Requests{0});
  // It is smaller, but had its time: now it waits like anybody.
  EXPECT_TRUE(Answer(1, 0, InfoOf(size - 1)).ok());
  EXPECT_EQ(assembly_->held_bytes(), 0u);
  EXPECT_EQ(assembly_->TakeTurn(1, now_).next, now_ + kMetadataRoomTime);
  EXPECT_TRUE(Answer(2, 0, info_).ok());
  EXPECT_TRUE(AnswerAll(2, info_).ok());
  EXPECT_TRUE(assembly_->complete());
}

// --- A model: peers that answer after a while, or as they please -----------------------------------------------------

struct ModelPeer {
  enum class Kind { kHonest, kWrongBytes, kOneWrongPiece, kSilent, kRejects, kOtherSize, kLeaves, kSaysNoSize };
  Kind kind = Kind::kHonest;
  Duration latency = milliseconds(100);
  uint64_t key = 0;  // of its present connection
  bool banned = false;
  std::string bytes;
  uint32_t claims = 0;
};

// Runs a swarm in virtual time; answers how long it took.
class Model {
 public:
  Model(const std::string& info, std::vector<ModelPeer> peers, uint64_t seed)
      : info_(info), random_(seed), peers_(std::move(peers)), assembly_(Sha1::Of(info), [this] { stir_ = true; }) {
    for (ModelPeer& peer : peers_) Connect(&peer);
  }

  double Run(Duration limit) {
    const TimePoint begin = now_;
    while (!assembly_.complete() && now_ - begin < limit) {
      stir_ = false;
      TimePoint next = TimePoint::max();
      const size_t first = random_.Below(peers_.size());
      for (size_t i = 0; i < peers_.size(); i++) {
        ModelPeer& peer = peers_[(first + i) % peers_.size()];
        if (peer.banned) continue;
        const MetadataAssembly::Turn turn = assembly_.TakeTurn(peer.key, now_);
        for (uint32_t piece : turn.requests) Ask(&peer, piece);
        EXPECT_GT(turn.next, now_) << "a turn that is due at once would never end";
        next = std::min(next, turn.next);
      }
      if (stir_) continue;
      if (!answers_.empty()) next = std::min(next, answers_.begin()->first);
      if (next == TimePoint::max()) break;
      now_ = std::max(now_, next);
      while (!answers_.empty() && answers_.begin()->first <= now_) {
        const std::function<void()> answer = answers_.begin()->second;
        answers_.erase(answers_.begin());
        answer();
      }
      EXPECT_LE(assembly_.held_bytes(), kMaxPeerMetadataBytes);
    }
    return ToSeconds(now_ - begin);
  }
  const MetadataAssembly& assembly() const { return assembly_; }
  const std::vector<ModelPeer>& peers() const { return peers_; }

 private:
  void Connect(ModelPeer* peer) {
    peer->key = next_key_++;
    absl::optional<uint32_t> claim = peer->claims;
    if (peer->kind == ModelPeer::Kind::kSaysNoSize) claim = absl::nullopt;
    EXPECT_TRUE(assembly_.Join(peer->key, claim, now_).ok());
  }

  void Ask(ModelPeer* peer, uint32_t piece) {
    using Kind = ModelPeer::Kind;
    if (peer->kind == Kind::kSilent) return;
    const uint64_t key = peer->key;
    answers_.emplace(now_ + peer->latency * (1 + random_.Below(3)), [this, peer, piece, key] {
      if (peer->key != key || peer->banned) return;
      if (peer->kind == Kind::kRejects) return assembly_.Rejected(key, piece, now_);
      if (peer->kind == Kind::kLeaves && random_.Below(3) == 0) {
        assembly_.Leave(key);
        return Connect(peer);
      }
      const absl::Status status = assembly_.Arrived(key, PieceOf(peer->bytes, piece), now_);
      if (status.ok()) return;
      EXPECT_TRUE(absl::IsDataLoss(status)) << status;
      EXPECT_NE(peer->bytes, info_) << "an honest peer is convicted";
      peer->banned = true;
      assembly_.Leave(key);
    });
  }

  const std::string& info_;
  Random random_;
  std::vector<ModelPeer> peers_;
  uint64_t next_key_ = 1;
  TimePoint now_ = TimePoint() + seconds(1000);
  std::multimap<TimePoint, std::function<void()>> answers_;
  bool stir_ = false;
  MetadataAssembly assembly_;
};

// Hazard 55: nine liars and one honest peer, done in under 60 seconds, whatever the liars do.
TEST(MetadataAssemblyModelTest, NineLiarsDoNotKeepOneHonestPeerFromBeingHeard) {
  using Kind = ModelPeer::Kind;
  double longest = 0;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    Random random(seed);
    const auto size = static_cast<uint32_t>(1 + random.Below(seed % 10 == 0 ? 2'000'000 : 200'000));
    const std::string info = InfoOf(size, seed);
    const Kind only = static_cast<Kind>(1 + seed % 5);  // of one kind in half of the runs
    std::vector<ModelPeer> peers;
    for (int i = 0; i < 10; i++) {
      ModelPeer peer;
      if (i > 0) peer.kind = seed % 2 == 0 ? only : static_cast<Kind>(1 + random.Below(7));
      peer.latency = milliseconds(1 + random.Below(300));
      peer.bytes = info;
      peer.claims = size;
      if (peer.kind == Kind::kWrongBytes) peer.bytes = InfoOf(size, seed + 1000);
      if (peer.kind == Kind::kOneWrongPiece) peer.bytes[random.Below(size)] ^= 1;
      if (peer.kind == Kind::kOtherSize) {
        peer.claims = static_cast<uint32_t>(1 + random.Below(random.Below(2) == 0 ? kMaxPeerMetadataBytes : 2 * size));
        if (peer.claims == size) peer.claims++;
        peer.bytes = InfoOf(peer.claims, seed);
      }
      peers.push_back(peer);
    }
    Model model(info, std::move(peers), seed);
    const double took = model.Run(seconds(60));
    longest = std::max(longest, took);
    ASSERT_TRUE(model.assembly().complete()) << "seed " << seed << ", " << took << " s";
  }
  RecordProperty("longest_seconds", std::to_string(longest));
  EXPECT_LT(longest, 60);
}

TEST(MetadataAssemblyModelTest, AmongLiarsOfTheRightSizeAllAreConvictedThatAnswer) {
  for (uint64_t seed = 1; seed <= 50; seed++) {
    const std::string info = InfoOf(70'000, seed);
    std::vector<ModelPeer> peers(6);
    for (ModelPeer& peer : peers) {
      peer.kind = ModelPeer::Kind::kWrongBytes;
      peer.bytes = InfoOf(70'000, seed + 100);
      peer.claims = 70'000;
    }
    Model model(info, std::move(peers), seed);
    model.Run(seconds(60));
    EXPECT_FALSE(model.assembly().complete());
    for (const ModelPeer& peer : model.peers()) EXPECT_TRUE(peer.banned) << seed;
  }
}

TEST(MetadataAssemblyModelTest, HonestPeersShareTheWork) {
  const std::string info = InfoOf(1'000'000, 5);
  std::vector<ModelPeer> peers(8);
  for (ModelPeer& peer : peers) {
    peer.bytes = info;
    peer.claims = 1'000'000;
  }
  const double one = Model(info, {peers[0]}, 1).Run(seconds(60));
  const double eight = Model(info, peers, 1).Run(seconds(60));
  EXPECT_LT(eight, one / 3) << one;
}

// Every call at once, for the thread sanitizer.
TEST(MetadataAssemblyThreadsTest, WorkersCallAtOnce) {
  const std::string info = InfoOf(300'000, 3);
  std::string wrong = info;
  wrong[200'000] ^= 1;
  MetadataAssembly assembly(Sha1::Of(info), [] {});
  std::vector<Thread> threads;
  for (uint64_t worker = 1; worker <= 6; worker++) {
    threads.push_back(*Thread::Start("worker", [&, worker] {
      const bool lies = worker % 2 == 0;
      bool convicted = false;
      for (uint64_t round = 0; !assembly.complete() && !convicted; round++) {
        const uint64_t key = worker + 100 * round;
        if (!assembly.Join(key, 300'000, Now()).ok()) return;
        for (int turn = 0; turn < 20 && !convicted; turn++) {
          for (uint32_t piece : assembly.TakeTurn(key, Now()).requests) {
            if (round == 0 && piece % 7 == worker) {
              assembly.Rejected(key, piece, Now());
            } else {
              convicted |= !assembly.Arrived(key, PieceOf(lies ? wrong : info, piece), Now()).ok();
            }
          }
          EXPECT_LE(assembly.progress().done_bytes, 300'000u);
        }
        EXPECT_TRUE(lies || !convicted);
        assembly.Leave(key);
      }
    }));
  }
  threads.clear();
  EXPECT_TRUE(assembly.complete());
  EXPECT_EQ(assembly.Take(), info);
}

}  // namespace
}  // namespace torrent
