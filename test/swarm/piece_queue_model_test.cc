// The piece queue under everything that peers, the disk and the machine may do to it, in random order: peers with some
// of the pieces that choke, crawl, stall, reject, leave, come late or lie; turns that stop midway; a disk that is slow
// or cannot be read. Whatever happens, every wanted piece must be written exactly once and right, in a bounded number
// of steps, and nobody but liars may be convicted.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"
#include "test/swarm/queue_world.h"

namespace torrent {
namespace {

using Peer = QueueWorld::Peer;

// What all storms together did, so that the test can prove that they did it.
struct Weather {
  size_t failed = 0, convicted = 0, cancels = 0, lost = 0, late = 0, read_errors = 0, left = 0, lies = 0;
  size_t failed_twice = 0;  // a piece in one storm: its second fetch, from one peer alone, failed too or was cut short
};

class Storm {
 public:
  Storm(uint64_t seed, Weather* weather)
      : weather_(weather),
        random_(seed),
        pieces_(static_cast<uint32_t>(1 + random_.Below(12))),
        blocks_(static_cast<uint32_t>(1 + random_.Below(6))),
        world_(pieces_, blocks_, seed) {}

  void Run() {
    Begin();
    const auto peers = static_cast<int>(1 + random_.Below(6));
    for (int i = 0; i < peers; i++) Join();
    for (int step = 0; step < kStormSteps && !world_.queue().Complete(); step++) {
      Step(/*calm=*/false);
      Check();
      if (::testing::Test::HasFatalFailure()) return;
    }
    // Then the weather clears: one honest seed is there for good, and nobody lies or leaves any more.
    lies_ = false;
    AddPeer(std::string(pieces_, '1'), /*liar=*/false);
    int calm = 0;
    for (; calm < kCalmSteps && !world_.queue().Complete(); calm++) {
      Step(/*calm=*/true);
      Check();
      if (::testing::Test::HasFatalFailure()) return;
    }
    ASSERT_TRUE(world_.queue().Complete()) << world_.queue().UnfinishedPieces() << " pieces are left";
    FinishTurns();
    world_.Settle();
    EXPECT_TRUE(world_.DiskIsRight());
    EXPECT_EQ(world_.queue().written_bytes(), world_.queue().wanted_bytes());
    for (Peer& peer : world_.peers()) {
      EXPECT_EQ(world_.Claim(&peer, 100), "");
      EXPECT_FALSE(peer.claimant->IsInteresting());
    }
    Check();
    std::vector<int> times(pieces_, 0);
    for (uint32_t piece : world_.written) times[piece]++;
    for (uint32_t piece = 0; piece < pieces_; piece++) {
      const int expected = there_.Test(piece) || !wanted_.Test(piece) ? 0 : 1;
      EXPECT_EQ(times[piece], expected + lost_[piece]) << piece;
    }
    weather_->failed += world_.failed.size();
    weather_->failed_twice +=
        world_.failed.size() - std::set<uint32_t>(world_.failed.begin(), world_.failed.end()).size();
    weather_->convicted += world_.convicted.size();
    weather_->cancels += world_.cancels.empty() ? 0 : 1;
  }

 private:
  static constexpr int kStormSteps = 4000;
  // In the calm each step does at least one thing for one peer of at most 20; a piece may have to be fetched again once
  // for each lie and each flaw of the storm.
  static constexpr int kCalmSteps = 20000;

  void Begin() {
    std::string have(pieces_, '0'), wanted(pieces_, '1');
    std::string partial;
    for (uint32_t p = 0; p < pieces_; p++) {
      if (random_.Below(10) == 0) have[p] = '1';
      if (random_.Below(10) == 0) wanted[p] = '0';
      for (uint32_t b = 0; b < blocks_ && random_.Below(8) == 0; b++) partial += ToText({{p, b}}) + " ";
    }
    there_ = ToBitfield(have);
    wanted_ = ToBitfield(wanted);
    lost_.assign(pieces_, 0);
    world_.Begin(have, wanted, partial);
  }

  void AddPeer(const std::string& bits, bool liar) {
    static constexpr double kRates[] = {0, 1e3, 50e3, 1e6, 20e6};
    Peer* peer = world_.Join(bits, kRates[random_.Below(5)], std::chrono::milliseconds(random_.Below(100)));
    liars_[peer] = liar;
  }
  void Join() {
    std::string bits(pieces_, '1');
    if (random_.Below(3) != 0) {
      for (char& bit : bits) bit = random_.Below(2) == 0 ? '0' : '1';
    }
    AddPeer(bits, random_.Below(4) == 0);
  }
  void Leave(Peer* peer) {
    FinishTurnOf(peer);
    liars_.erase(peer);
    world_.Leave(peer);
  }
  Peer* AnyPeer() {
    if (world_.peers().empty()) return nullptr;
    auto it = world_.peers().begin();
    std::advance(it, static_cast<ptrdiff_t>(random_.Below(world_.peers().size())));
    return &*it;
  }

  void FinishTurnOf(Peer* peer) {
    auto turn = turns_.find(peer);
    if (turn == turns_.end()) return;
    world_.Finish(std::move(turn->second));
    turns_.erase(turn);
  }
  void FinishTurns() {
    while (!turns_.empty()) FinishTurnOf(turns_.begin()->first);
  }

  // Some of what the peer was asked for arrives: mostly in order.
  void Deliver(Peer* peer) {
    if (peer->asked.empty()) return;
    std::vector<BlockRef> blocks;
    const size_t count = 1 + random_.Below(peer->asked.size());
    std::vector<BlockRef> asked(peer->asked.begin(), peer->asked.end());
    if (random_.Below(4) == 0) std::reverse(asked.begin(), asked.end());
    blocks.assign(asked.begin(), asked.begin() + static_cast<ptrdiff_t>(count));
    const bool lie = lies_ && liars_[peer] && random_.Below(2) == 0;
    weather_->lies += lie;
    turns_[peer] = world_.Arrive(peer, blocks, lie ? "!" : "");
  }

  void Step(bool calm) {
    world_.Advance(std::chrono::milliseconds(random_.Below(calm ? 10 : 400)));
    Peer* peer = AnyPeer();
    // A worker ends its turn before it does anything else.
    if (peer != nullptr && turns_.count(peer) > 0) return FinishTurnOf(peer);
    const uint64_t dice = random_.Below(100);
    if (dice < 10) return world_.Write(1 + random_.Below(6));
    if (dice < 20) {
      const bool fails = !calm && random_.Below(20) == 0;
      if (world_.UpkeepOnce(fails) && fails) weather_->read_errors++;
      return;
    }
    if (peer == nullptr) return Join();
    if (dice < 50) {
      world_.Claim(peer, 1 + random_.Below(8));
    } else if (dice < 80 || calm) {
      Deliver(peer);
    } else if (dice < 84) {
      world_.GiveBackAll(peer);  // choked
    } else if (dice < 88) {
      if (!peer->asked.empty()) world_.GiveBack(peer, ToText({peer->asked[random_.Below(peer->asked.size())]}));
    } else if (dice < 91) {
      if (peer->late.empty()) return;
      const BlockRef block = peer->late[random_.Below(peer->late.size())];
      weather_->late++;
      turns_[peer] = world_.Arrive(peer, {block}, lies_ && liars_[peer] ? "?" : "");
    } else if (dice < 93) {
      weather_->left++;
      Leave(peer);
    } else if (dice < 95) {
      if (world_.peers().size() < 15) Join();
    } else if (dice < 97) {
      peer->claimant->AddPiece(static_cast<uint32_t>(random_.Below(pieces_)));
    } else if (dice < 98) {
      world_.Claim(peer, 4, {static_cast<uint32_t>(random_.Below(pieces_))});  // choked, allowed fast
    } else if (dice < 99) {
      peer->claimant->Suggest(static_cast<uint32_t>(random_.Below(pieces_)));
    } else {
      const auto piece = static_cast<uint32_t>(random_.Below(pieces_));
      if (!world_.queue().IsWritten(piece) || !wanted_.Test(piece)) return;
      world_.Lose(piece);
      lost_[piece]++;
      weather_->lost++;
    }
  }

  void Check() {
    // Nobody is convicted that did not lie; who is convicted leaves.
    for (; convicted_ < world_.convicted.size(); convicted_++) {
      for (Peer& peer : world_.peers()) {
        if (peer.endpoint != world_.convicted[convicted_]) continue;
        ASSERT_TRUE(peer.has_lied) << "an honest peer is convicted";
        Leave(&peer);
        break;
      }
    }
    // Nobody is asked for what is verified; two at most for one block.
    std::map<std::pair<uint32_t, uint32_t>, int> holders;
    for (const Peer& peer : world_.peers()) {
      std::set<std::pair<uint32_t, uint32_t>> own;
      for (const BlockRef& block : peer.asked) {
        ASSERT_FALSE(world_.queue().IsWritten(block.piece_index)) << ToText({block});
        const std::pair<uint32_t, uint32_t> key(block.piece_index, block.block);
        ASSERT_TRUE(own.insert(key).second) << ToText({block}) << " is asked for twice";
        ASSERT_LE(++holders[key], 2) << ToText({block});
      }
    }
  }

  Weather* const weather_;
  Random random_;
  const uint32_t pieces_;
  const uint32_t blocks_;
  QueueWorld world_;
  wire::Bitfield there_, wanted_;
  std::vector<int> lost_;
  std::map<Peer*, bool> liars_;
  std::map<Peer*, QueueWorld::Turn> turns_;
  size_t convicted_ = 0;
  bool lies_ = true;
};

TEST(PieceQueueModelTest, EverythingIsWrittenOnceAndRightWhateverHappens) {
  Weather all;
  constexpr uint64_t kStorms = 3000;
  for (uint64_t seed = 1; seed <= kStorms; seed++) {
    SCOPED_TRACE(seed);
    Storm(seed, &all).Run();
    if (HasFailure()) return;
  }
  // All of it happened, and often.
  EXPECT_GT(all.lies, kStorms / 2);
  EXPECT_GT(all.failed, kStorms / 2);
  EXPECT_GT(all.failed_twice, kStorms / 20);
  EXPECT_GT(all.convicted, kStorms / 2);
  EXPECT_GT(all.cancels, kStorms / 4);
  EXPECT_GT(all.late, kStorms);
  EXPECT_GT(all.left, kStorms);
  EXPECT_GT(all.lost, kStorms / 4);
  EXPECT_GT(all.read_errors, kStorms / 10);
}

}  // namespace
}  // namespace torrent
