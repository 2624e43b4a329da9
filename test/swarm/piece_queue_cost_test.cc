// That the queue's work for a block does not grow with the swarm: whole downloads of a small one and of a large one,
// compared within one run.
#include <gtest/gtest.h>

#include "test/support/whole_download.h"

namespace torrent {
namespace {

using test::SwarmKind;
using test::WholeDownload;

// Sanitizers keep a shadow of each byte and slow down memory more than anything else: there the bound only tells that
// nothing is done once a piece or once a peer for every block, which would make it 100 or 20.
#ifdef TORRENT_SANITIZED
constexpr double kBound = 4;
#else
constexpr double kBound = 1.5;
#endif
constexpr int kRounds = 60;

// Measured until the bound is kept: the least time is what the work takes, and more only shows what else the machine
// had to do.
void ExpectCostStaysTheSame(SwarmKind kind) {
  const auto small_swarm = [kind] { return WholeDownload::Measure(kind, 1000, 10); };
  const auto large_swarm = [kind] { return WholeDownload::Measure(kind, 100'000, 200); };
  WholeDownload::Cost small = small_swarm();
  WholeDownload::Cost large = large_swarm();
  double ratio = 0;
  for (int round = 0; round < kRounds; round++) {
    for (int i = 0; i < 10; i++) small.KeepLeast(small_swarm());
    ratio = large.SecondsPerBlock() / small.SecondsPerBlock();
    if (ratio <= kBound) break;
    large.KeepLeast(large_swarm());
  }
  EXPECT_LE(ratio, kBound) << 1e9 * small.SecondsPerBlock() << " ns a block with 1000 pieces and 10 peers, "
                           << 1e9 * large.SecondsPerBlock() << " ns with 100 000 pieces and 200 peers";
}

TEST(PieceQueueCostTest, OfABlockStaysTheSameAmongSeeds) { ExpectCostStaysTheSame(SwarmKind::kSeeds); }
TEST(PieceQueueCostTest, OfABlockStaysTheSameAmongLeechers) { ExpectCostStaysTheSame(SwarmKind::kLeechers); }

}  // namespace
}  // namespace torrent
