// What finding peers costs: the book, peer exchange and our node of the DHT, each as full as it can be.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "dht/peer_store.h"
#include "dht/routing_table.h"
#include "swarm/peer_book.h"
#include "swarm/pex_exchange.h"
#include "swarm/pex_roster.h"

namespace torrent {
namespace {

// A sanitizer has an allocator of its own.
#ifndef TORRENT_SANITIZED

Endpoint Nth(uint32_t i) {
  const uint8_t bytes[] = {static_cast<uint8_t>(11 + i / 65536), static_cast<uint8_t>(i / 256), static_cast<uint8_t>(i),
                           1};
  return {*Address::FromBytes(bytes), 6881};
}

size_t Allocated() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

TEST(FindingMemoryTest, BookPeerExchangeAndDhtTakeLessThanTwoMiBTogether) {
  constexpr uint32_t kConnections = 200;
  const TimePoint now = Now();
  const size_t before = Allocated();

  auto book = std::make_unique<PeerBook>(6881, 1);
  for (uint32_t i = 0; i < kMaxKnownPeers; i++) book->Add(Nth(i), PeerSource::kTracker, now);
  ASSERT_EQ(book->size(), kMaxKnownPeers);

  auto roster = std::make_unique<PexRoster>();
  std::vector<std::unique_ptr<PexExchange>> exchanges;
  for (uint32_t i = 0; i < 10 * kConnections; i++) {  // as many came, and most have gone
    roster->Set(i, Nth(i), 0);
    if (i >= kConnections) roster->Remove(i - kConnections);
  }
  for (uint32_t i = 0; i < kConnections; i++) {
    exchanges.push_back(std::make_unique<PexExchange>(roster.get(), i, Nth(i).address));
  }

  // Both families' tables, with a node in every place that ids leave, and the peers that others announced.
  const NodeId own = RandomNodeId();
  std::vector<std::unique_ptr<RoutingTable>> tables;
  for (int family = 0; family < 2; family++) {
    tables.push_back(std::make_unique<RoutingTable>(own, now));
    for (uint32_t i = 0; i < 20'000; i++) {
      tables.back()->OnAnswer({RandomIdSharing(own, i % 24), Nth(100'000 + i)}, now);
    }
    ASSERT_GT(tables.back()->size(), 100u);
  }
  auto store = std::make_unique<PeerStore>(1, now);
  for (size_t torrent = 0; torrent < kMaxDhtStoredTorrents; torrent++) {
    const Infohash infohash = RandomNodeId();
    for (uint32_t i = 0; i < 20; i++) store->Add(infohash, Nth(i), own, now);
  }
  ASSERT_GT(store->peer_count(), kMaxDhtStoredPeers / 2);

  const size_t bytes = Allocated() - before;
  printf("%zu KiB\n", bytes >> 10);
  EXPECT_LT(bytes, 2u << 20);
}

#endif

}  // namespace
}  // namespace torrent
