#include "dht/routing_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;

class RoutingTableTest : public ::testing::Test {
 protected:
  // A node in the bucket for `shared` bits, with an address of its own on loopback.
  NodeInfo Make(int shared) {
    ++made_;
    return {RandomIdSharing(table_.own_id(), shared),
            At(absl::StrCat("127.0.", made_ / 250, ".", made_ % 250, ":6881"))};
  }
  NodeInfo Enter(int shared) {
    NodeInfo node = Make(shared);
    table_.OnAnswer(node, now_);
    return node;
  }
  void Fail(const Endpoint& endpoint) {
    now_ += seconds(2);
    table_.OnFailure(endpoint, now_ - seconds(1), now_);
  }
  bool Has(const NodeInfo& node) const {
    for (const NodeInfo& other : table_.All()) {
      if (other == node) return true;
    }
    return false;
  }

  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  RoutingTable table_{RandomNodeId(), now_};
  int made_ = 1;
};

TEST_F(RoutingTableTest, SplitsItsOwnBucketOnly) {
  for (int i = 0; i < 8; ++i) Enter(0);
  EXPECT_EQ(table_.bucket_count(), 1u);
  EXPECT_EQ(table_.size(), 8u);
  // A full half of the space that is not ours takes nobody else.
  const NodeInfo ninth = Enter(0);
  EXPECT_FALSE(Has(ninth));
  EXPECT_EQ(table_.size(), 8u);
  for (int i = 0; i < 8; ++i) Enter(5);
  EXPECT_EQ(table_.size(), 16u);
  for (int shared = 1; shared < 5; ++shared) {
    for (int i = 0; i < 20; ++i) Enter(shared);
  }
  EXPECT_EQ(table_.size(), 8u * 6);
  const NodeInfo near = Enter(30);
  EXPECT_TRUE(Has(near));
}

TEST_F(RoutingTableTest, NamesTheClosestFirst) {
  for (int i = 0; i < 200; ++i) Enter(i % 20);
  const NodeId target = RandomNodeId();
  std::vector<NodeInfo> all = table_.All();
  std::sort(all.begin(), all.end(), [&](const NodeInfo& a, const NodeInfo& b) { return IsCloser(a.id, b.id, target); });
  all.resize(8);
  EXPECT_EQ(table_.Closest(target, 8), all);
  EXPECT_THAT(table_.Closest(target, 1000), SizeIs(table_.size()));
}

TEST_F(RoutingTableTest, ABadNodeGivesWayToOneThatWaited) {
  std::vector<NodeInfo> first;
  for (int i = 0; i < 8; ++i) first.push_back(Enter(0));
  const NodeInfo waiting = Enter(0);
  Fail(first[3].endpoint);
  EXPECT_TRUE(Has(first[3])) << "one failure is none";
  EXPECT_THAT(table_.Closest(first[3].id, 8), Not(Contains(first[3]))) << "but it is not told to others";
  Fail(first[3].endpoint);
  EXPECT_FALSE(Has(first[3]));
  EXPECT_TRUE(Has(waiting));
  EXPECT_EQ(table_.size(), 8u);
}

TEST_F(RoutingTableTest, ABadNodeWithoutSuccessorStaysForAWhile) {
  const NodeInfo node = Enter(0);
  for (int i = 1; i < kDhtGoneFailures; ++i) Fail(node.endpoint);
  EXPECT_TRUE(Has(node));
  EXPECT_THAT(table_.Closest(node.id, 8), Contains(node)) << "nobody else is left to ask";
  table_.OnAnswer(node, now_);
  for (int i = 1; i < kDhtGoneFailures; ++i) Fail(node.endpoint);
  EXPECT_TRUE(Has(node)) << "an answer wipes failures out";
  Fail(node.endpoint);
  EXPECT_FALSE(Has(node));
}

TEST_F(RoutingTableTest, QueriesLostTogetherAreOneFailure) {
  const NodeInfo node = Enter(0);
  const TimePoint sent = now_;
  now_ += seconds(2);
  for (int i = 0; i < 20; ++i) table_.OnFailure(node.endpoint, sent, now_);
  EXPECT_TRUE(Has(node));
}

TEST_F(RoutingTableTest, SilenceMakesQuestionable) {
  const NodeInfo node = Enter(0);
  EXPECT_EQ(table_.CountGood(now_), 1u);
  now_ += minutes(14);
  EXPECT_FALSE(table_.NextToPing(now_).has_value());
  table_.OnQuery(node, now_);
  now_ += minutes(14);
  EXPECT_EQ(table_.CountGood(now_), 1u) << "a query is a sign of life";
  now_ += minutes(1);
  EXPECT_EQ(table_.CountGood(now_), 0u);
  EXPECT_EQ(table_.NextToPing(now_), node);
  EXPECT_FALSE(table_.NextToPing(now_).has_value()) << "once in half a minute";
  table_.OnAnswer(node, now_);
  EXPECT_EQ(table_.CountGood(now_), 1u);
}

TEST_F(RoutingTableTest, RefreshesABucketAfter15Minutes) {
  for (int i = 0; i < 9; ++i) Enter(i % 2);
  EXPECT_FALSE(table_.NextToRefresh(now_).has_value());
  now_ += minutes(15);
  std::set<NodeId> targets;
  while (absl::optional<NodeId> target = table_.NextToRefresh(now_)) targets.insert(*target);
  EXPECT_EQ(targets.size(), table_.bucket_count());
  EXPECT_TRUE(targets.contains(table_.own_id()));
  now_ += minutes(14);
  EXPECT_FALSE(table_.NextToRefresh(now_).has_value());
}

TEST_F(RoutingTableTest, HasOneEntryAnEndpointAndAnId) {
  const NodeInfo node = Enter(0);
  const NodeInfo renamed{RandomIdSharing(table_.own_id(), 1), node.endpoint};
  table_.OnAnswer(renamed, now_);
  EXPECT_TRUE(Has(renamed));
  EXPECT_EQ(table_.size(), 1u);
  // Somebody else claims its id: not while it is well.
  const NodeInfo thief{renamed.id, At("127.9.9.9:6881")};
  table_.OnAnswer(thief, now_);
  EXPECT_FALSE(Has(thief));
  Fail(renamed.endpoint);
  table_.OnAnswer(thief, now_);
  EXPECT_TRUE(Has(thief));
  EXPECT_EQ(table_.size(), 1u);
  // Our own id is nobody's.
  table_.OnAnswer({table_.own_id(), At("127.9.9.8:6881")}, now_);
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(RoutingTableTest, TakesOneNodeAnAddressAndTwoANetwork) {
  const auto enter = [&](absl::string_view at) {
    const NodeInfo node{RandomIdSharing(table_.own_id(), 0), At(at)};
    table_.OnAnswer(node, now_);
    return Has(node);
  };
  EXPECT_TRUE(enter("8.8.8.8:6881"));
  EXPECT_FALSE(enter("8.8.8.8:6882"));
  EXPECT_TRUE(enter("8.8.8.9:6881"));
  EXPECT_FALSE(enter("8.8.8.10:6881"));
  EXPECT_TRUE(enter("8.8.9.8:6881"));
  EXPECT_TRUE(enter("127.0.0.1:6881"));
  EXPECT_TRUE(enter("127.0.0.1:6882"));
  EXPECT_TRUE(enter("127.0.0.2:6881"));
  EXPECT_TRUE(enter("10.0.0.1:6881"));
}

TEST_F(RoutingTableTest, CountsNetworksOfIpv6) {
  const auto enter = [&](absl::string_view at) {
    const NodeInfo node{RandomIdSharing(table_.own_id(), 0), At(at)};
    table_.OnAnswer(node, now_);
    return Has(node);
  };
  EXPECT_TRUE(enter("[2001:db8:0:1::1]:6881"));
  EXPECT_FALSE(enter("[2001:db8:0:1::2]:6881")) << "the same /64";
  EXPECT_TRUE(enter("[2001:db8:0:2::1]:6881"));
  EXPECT_FALSE(enter("[2001:db8:0:3::1]:6881")) << "the third of a /48";
  EXPECT_TRUE(enter("[2001:db8:1:3::1]:6881"));
  EXPECT_TRUE(enter("[::1]:6881"));
  EXPECT_TRUE(enter("[::1]:6882"));
}

TEST_F(RoutingTableTest, AnIdThatFitsItsAddressComesFirst) {
  const auto at = [](int i) { return At(absl::StrCat("8.", i, ".0.1:6881")); };
  // Ids for half of the space that is not ours, whatever the address allows.
  const auto fitting = [&](const Endpoint& endpoint) {
    while (true) {
      const NodeId id = NodeIdFor(endpoint.address, static_cast<uint8_t>(made_++));
      if (SharedPrefixBits(id, table_.own_id()) == 0) return NodeInfo{id, endpoint};
      if (made_ > 2000) return NodeInfo{RandomIdSharing(table_.own_id(), 0), endpoint};
    }
  };
  for (int i = 0; i < 8; ++i) {
    NodeInfo node{RandomIdSharing(table_.own_id(), 0), at(i)};
    if (NodeIdFits(node.id, node.endpoint.address)) node.id.bytes[2] ^= 0x80;
    table_.OnAnswer(node, now_);
  }
  // So that the bucket is not ours any more.
  for (int i = 0; i < 8; ++i) Enter(9);
  const NodeInfo unfit_late{RandomIdSharing(table_.own_id(), 0), at(100)};
  table_.OnAnswer(unfit_late, now_);
  EXPECT_FALSE(Has(unfit_late));
  // 8 values of r give 8 prefixes; of a few addresses one is surely in the other half.
  for (int i = 101; i < 140; ++i) {
    const NodeInfo node = fitting(at(i));
    if (!NodeIdFits(node.id, node.endpoint.address)) continue;
    table_.OnAnswer(node, now_);
    EXPECT_TRUE(Has(node));
    EXPECT_EQ(table_.size(), 16u);
    return;
  }
  FAIL() << "no id that fits";
}

TEST_F(RoutingTableTest, ANewIdKeepsTheNodes) {
  for (int i = 0; i < 8; ++i) Enter(i);
  table_.SetOwnId(RandomNodeId(), now_);
  EXPECT_EQ(table_.size(), 8u);
}

}  // namespace
}  // namespace torrent
