// Metadata from whole swarms of liars, silent and honest peers, in virtual time (hazard 55); and from many threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/limits.h"
#include "base/random.h"
#include "base/sha1.h"
#include "base/thread.h"
#include "swarm/metadata_assembly.h"
#include "test/swarm/metadata_pieces.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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
