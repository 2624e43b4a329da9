// The DHT as a whole: many of our own nodes with real sockets on loopback.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <list>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/random.h"
#include "test/dht/loopback_farm.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using std::chrono::seconds;

// Far longer than ever needed.
constexpr seconds kLongEnough{100};

struct Outcome {
  std::vector<Endpoint> peers;
  bool done = false;
  uint32_t hops = 0;
  TimePoint ended;
};

void Begin(Node* node, const Infohash& infohash, uint16_t announce_port, Outcome* outcome) {
  DhtSearch search;
  search.target = infohash;
  search.for_peers = true;
  search.announce_port = announce_port;
  search.on_peers = [outcome](const std::vector<Endpoint>& peers) {
    outcome->peers.insert(outcome->peers.end(), peers.begin(), peers.end());
  };
  search.on_done = [outcome](uint32_t, uint32_t hops) {
    outcome->done = true;
    outcome->hops = hops;
    outcome->ended = Now();
  };
  node->BeginSearch(std::move(search), Now());
}

bool AllDone(const std::list<Outcome>& outcomes) {
  return std::all_of(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) { return outcome.done; });
}

// The i-th address of 127.0.0.0/8 that is used here.
Address LoopbackAddress(size_t i) {
  uint8_t bytes[4];
  StoreBE32(bytes, static_cast<uint32_t>(0x7f010001 + i));
  return *Address::FromBytes(bytes);
}

// `count` nodes that all begin from the first, a few at a time; each is through when this returns.
void Populate(LoopbackFarm* farm, size_t count, const std::function<Address(size_t)>& address) {
  constexpr size_t kAtATime = 10;
  farm->Add(address(0));
  size_t through = 1;
  while (farm->size() < count) {
    farm->Add(address(farm->size()))->AddBootstrap(farm->endpoint(0), false, Now());
    if (farm->size() % kAtATime != 0 && farm->size() < count) continue;
    ASSERT_TRUE(farm->RunUntil(
        [&] {
          while (through < farm->size() && farm->node(through)->bootstrapped()) ++through;
          return through == farm->size();
        },
        kLongEnough))
        << "node " << through;
  }
}

TEST(FarmTest, TwoHundredNodesFindWhatOneOfThemAnnounced) {
  constexpr size_t kNodes = 200;
  LoopbackFarm farm;
  const TimePoint begun = Now();
  Populate(&farm, kNodes, LoopbackAddress);
  const double bootstrap_seconds = ToSeconds(Now() - begun);

  Random random(1);
  std::vector<Infohash> infohashes;
  std::list<Outcome> announces;
  for (size_t i = 0; i < 50; ++i) {
    infohashes.push_back(RandomNodeId());
    Begin(farm.node(random.Below(kNodes)), infohashes[i], static_cast<uint16_t>(7000 + i), &announces.emplace_back());
  }
  ASSERT_TRUE(farm.RunUntil([&] { return AllDone(announces); }, kLongEnough));

  std::list<Outcome> lookups;
  size_t asked = 0;
  while (asked < 250) {
    for (size_t i = 0; i < 25; ++i, ++asked) {
      Begin(farm.node(random.Below(kNodes)), infohashes[asked % infohashes.size()], 0, &lookups.emplace_back());
    }
    ASSERT_TRUE(farm.RunUntil([&] { return AllDone(lookups); }, kLongEnough));
  }
  size_t found = 0, i = 0;
  double hops = 0;
  for (const Outcome& outcome : lookups) {
    const auto port = static_cast<uint16_t>(7000 + i++ % infohashes.size());
    found += std::any_of(outcome.peers.begin(), outcome.peers.end(), [&](const Endpoint& p) { return p.port == port; });
    hops += outcome.hops;
  }
  const double mean_hops = hops / static_cast<double>(asked);
  std::printf("%zu nodes: bootstrap %.2f s, %zu of %zu lookups found it, %.2f hops on average, %.2f s in all\n", kNodes,
              bootstrap_seconds, found, asked, mean_hops, ToSeconds(Now() - begun));
  EXPECT_GE(static_cast<double>(found), 0.99 * static_cast<double>(asked));
  EXPECT_GE(mean_hops, 1);
  EXPECT_LE(mean_hops, 4);
}

TEST(FarmTest, ALookupAmongManyDeadNodesEndsSoon) {
  constexpr size_t kNodes = 50;
  LoopbackFarm farm;
  Populate(&farm, kNodes, LoopbackAddress);
  const Infohash infohash = RandomNodeId();
  std::list<Outcome> announces(1);
  Begin(farm.node(1), infohash, 7000, &announces.back());
  ASSERT_TRUE(farm.RunUntil([&] { return AllDone(announces); }, kLongEnough));
  for (size_t i = 0; i < kNodes; i += 3) farm.Kill(i);
  // All at once, so that none learns from the others who is dead.
  std::list<Outcome> lookups;
  const TimePoint begun = Now();
  for (size_t i = 1; i < kNodes; ++i) {
    if (i % 3 != 0) Begin(farm.node(i), infohash, 0, &lookups.emplace_back());
  }
  ASSERT_TRUE(farm.RunUntil([&] { return AllDone(lookups); }, kLongEnough));
  size_t found = 0;
  double longest = 0, sum = 0;
  for (const Outcome& outcome : lookups) {
    found += !outcome.peers.empty();
    longest = std::max(longest, ToSeconds(outcome.ended - begun));
    sum += ToSeconds(outcome.ended - begun);
  }
  std::printf("a third of %zu nodes dead: %zu of %zu found it, in %.2f s on average and %.2f s at most\n", kNodes,
              found, lookups.size(), sum / static_cast<double>(lookups.size()), longest);
  EXPECT_EQ(found, lookups.size());
  EXPECT_LT(longest, 3);
}

TEST(FarmTest, AnIpv6TableTakesManyNodesOnOneLoopbackAddress) {
  LoopbackFarm farm;
  Populate(&farm, 30, [](size_t) { return Address::V6Loopback(); });
  EXPECT_GE(farm.node(0)->table().size(), 8u);
  const Infohash infohash = RandomNodeId();
  std::list<Outcome> announces(1), lookups(1);
  Begin(farm.node(5), infohash, 7000, &announces.back());
  ASSERT_TRUE(farm.RunUntil([&] { return AllDone(announces); }, kLongEnough));
  Begin(farm.node(20), infohash, 0, &lookups.back());
  ASSERT_TRUE(farm.RunUntil([&] { return AllDone(lookups); }, kLongEnough));
  ASSERT_FALSE(lookups.back().peers.empty());
  EXPECT_EQ(lookups.back().peers[0], At("[::1]:7000"));
}

}  // namespace
}  // namespace torrent
