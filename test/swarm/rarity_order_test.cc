#include "swarm/rarity_order.h"

#include <gtest/gtest.h>

#include <set>

namespace torrent {
namespace {

TEST(RarityOrderTest, StaysSortedAndTruePlacesWhateverHappens) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Random random(seed);
    const auto pieces = static_cast<uint32_t>(1 + random.Below(30));
    RarityOrder order(pieces);
    std::vector<uint32_t> availability(pieces, 0);
    std::set<uint32_t> inside;
    for (int step = 0; step < 1500; step++) {
      const auto piece = static_cast<uint32_t>(random.Below(pieces));
      switch (random.Below(4)) {
        case 0:
          order.AddPeerWith(piece);
          availability[piece]++;
          break;
        case 1:
          if (availability[piece] == 0) continue;
          order.RemovePeerWith(piece);
          availability[piece]--;
          break;
        case 2:
          if (!inside.insert(piece).second) continue;
          order.Insert(piece, &random);
          break;
        default:
          if (inside.erase(piece) == 0) continue;
          order.Remove(piece);
      }
      ASSERT_EQ(order.size(), inside.size());
      std::set<uint32_t> seen;
      for (size_t place = 0; place < order.size(); place++) {
        seen.insert(order.at(place));
        if (place == 0) continue;
        ASSERT_LE(availability[order.at(place - 1)], availability[order.at(place)])
            << "seed " << seed << " step " << step << " place " << place;
      }
      ASSERT_EQ(seen, inside) << "seed " << seed << " step " << step;
      for (uint32_t p = 0; p < pieces; p++) {
        ASSERT_EQ(order.Contains(p), inside.count(p) > 0);
        ASSERT_EQ(order.Availability(p), availability[p]);
      }
    }
  }
}

TEST(RarityOrderTest, AnyOfEqualsMayComeFirst) {
  std::set<uint32_t> first;
  for (uint64_t seed = 0; seed < 200; seed++) {
    Random random(seed);
    RarityOrder order(8);
    for (uint32_t piece = 0; piece < 8; piece++) order.Insert(piece, &random);
    first.insert(order.at(0));
  }
  EXPECT_EQ(first.size(), 8u);
}

}  // namespace
}  // namespace torrent
