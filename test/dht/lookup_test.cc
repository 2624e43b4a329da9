#include "dht/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using ::testing::SizeIs;

// The target is all zeros, so that an id is its distance.
const NodeId kOrigin;

NodeInfo NodeAt(int distance) {
  NodeId id;
  id.bytes[10] = static_cast<uint8_t>(distance);
  id.bytes[9] = static_cast<uint8_t>(distance >> 8);
  return {id, At(absl::StrCat("127.1.", distance / 250, ".", distance % 250 + 1, ":6881"))};
}

TEST(LookupTest, AsksTheClosestThreeAtATime) {
  Lookup lookup(kOrigin);
  for (int distance : {50, 10, 40, 20, 30}) lookup.Add(NodeAt(distance));
  EXPECT_EQ(lookup.Next(), NodeAt(10));
  EXPECT_EQ(lookup.Next(), NodeAt(20));
  EXPECT_EQ(lookup.Next(), NodeAt(30));
  EXPECT_FALSE(lookup.Next().has_value());
  EXPECT_FALSE(lookup.IsDone());
  lookup.OnAnswer(NodeAt(20).endpoint, "");
  EXPECT_EQ(lookup.Next(), NodeAt(40));
  EXPECT_FALSE(lookup.Next().has_value());
  lookup.OnSlow(NodeAt(10).endpoint);
  EXPECT_EQ(lookup.Next(), NodeAt(50)) << "who is slow does not hold up the next one";
}

TEST(LookupTest, FollowsWhatItHearsAndCountsHops) {
  Lookup lookup(kOrigin);
  lookup.Add(NodeAt(100));
  ASSERT_TRUE(lookup.Next().has_value());
  lookup.OnAnswer(NodeAt(100).endpoint, "");
  lookup.AddFrom(NodeAt(100).endpoint, {NodeAt(50), NodeAt(100)});
  EXPECT_EQ(lookup.Next(), NodeAt(50));
  lookup.OnAnswer(NodeAt(50).endpoint, "");
  lookup.AddFrom(NodeAt(50).endpoint, {NodeAt(25), NodeAt(100), NodeAt(50)});
  EXPECT_EQ(lookup.Next(), NodeAt(25));
  EXPECT_FALSE(lookup.Next().has_value()) << "nobody is asked twice";
  EXPECT_FALSE(lookup.IsDone());
  lookup.OnAnswer(NodeAt(25).endpoint, "t");
  EXPECT_TRUE(lookup.IsDone());
  EXPECT_EQ(lookup.hops(), 3u);
  EXPECT_EQ(lookup.answered(), 3u);
}

TEST(LookupTest, EndsWhenTheEightClosestHaveAnswered) {
  Lookup lookup(kOrigin);
  for (int distance = 1; distance <= 20; ++distance) lookup.Add(NodeAt(distance));
  int asked = 0;
  while (absl::optional<NodeInfo> next = lookup.Next()) {
    ++asked;
    lookup.OnAnswer(next->endpoint, absl::StrCat("token ", asked));
  }
  EXPECT_EQ(asked, 8);
  EXPECT_TRUE(lookup.IsDone());
  const std::vector<Lookup::Holder> holders = lookup.Holders();
  ASSERT_THAT(holders, SizeIs(8));
  EXPECT_EQ(holders[0].node, NodeAt(1));
  EXPECT_EQ(holders[0].token, "token 1");
  // A closer one makes it go on.
  lookup.AddFrom(NodeAt(1).endpoint, {NodeAt(0)});
  lookup.AddFrom(NodeAt(1).endpoint, {NodeAt(9)});
  EXPECT_FALSE(lookup.IsDone());
  EXPECT_EQ(lookup.Next(), NodeAt(0));
  EXPECT_FALSE(lookup.Next().has_value());
}

TEST(LookupTest, DoesNotWaitForTheDead) {
  Lookup lookup(kOrigin);
  for (int distance = 1; distance <= 9; ++distance) lookup.Add(NodeAt(distance));
  while (absl::optional<NodeInfo> next = lookup.Next()) {
    if (*next == NodeAt(1)) {
      lookup.OnSlow(next->endpoint);
    } else {
      lookup.OnAnswer(next->endpoint, "t");
    }
  }
  EXPECT_FALSE(lookup.IsDone()) << "the closest may still answer";
  lookup.OnLost(NodeAt(1).endpoint);
  EXPECT_TRUE(lookup.IsDone());
  EXPECT_THAT(lookup.Holders(), SizeIs(8));
  lookup.OnAnswer(NodeAt(1).endpoint, "late");
  EXPECT_EQ(lookup.Holders()[0].token, "late") << "a late answer counts";
}

TEST(LookupTest, EndsWithNobody) {
  Lookup lookup(kOrigin);
  EXPECT_TRUE(lookup.IsDone());
  lookup.Add(NodeAt(1));
  ASSERT_TRUE(lookup.Next().has_value());
  lookup.OnLost(NodeAt(1).endpoint);
  EXPECT_TRUE(lookup.IsDone());
  EXPECT_EQ(lookup.hops(), 0u);
  EXPECT_THAT(lookup.Holders(), SizeIs(0));
}

TEST(LookupTest, AnswersOfThoseNotAskedDoNotCount) {
  Lookup lookup(kOrigin);
  lookup.Add(NodeAt(1));
  lookup.OnAnswer(NodeAt(1).endpoint, "t");
  lookup.OnAnswer(NodeAt(2).endpoint, "t");
  EXPECT_EQ(lookup.answered(), 0u);
  EXPECT_FALSE(lookup.IsDone());
}

TEST(LookupTest, TakesTwoNodesOfANetwork) {
  Lookup lookup(kOrigin);
  const auto add = [&](int distance, absl::string_view at) { lookup.Add({NodeAt(distance).id, At(at)}); };
  add(1, "8.8.8.1:6881");
  add(2, "8.8.8.1:6882");
  add(3, "8.8.8.2:6881");
  add(4, "8.8.8.3:6881");
  add(5, "8.8.9.1:6881");
  std::set<std::string> asked;
  while (absl::optional<NodeInfo> next = lookup.Next()) asked.insert(next->endpoint.ToString());
  EXPECT_THAT(asked, ::testing::ElementsAre("8.8.8.1:6881", "8.8.8.2:6881", "8.8.9.1:6881"));
  // When one of them turns out to be dead, another may come.
  lookup.OnLost(At("8.8.8.1:6881"));
  add(4, "8.8.8.3:6881");
  EXPECT_EQ(lookup.Next()->endpoint, At("8.8.8.3:6881"));
}

TEST(LookupTest, KeepsTheClosestWhenMany) {
  Lookup lookup(kOrigin);
  for (int distance = 1000; distance > 0; --distance) lookup.Add(NodeAt(distance));
  for (int distance = 1; distance <= 3; ++distance) EXPECT_EQ(lookup.Next(), NodeAt(distance));
  size_t rest = 3;
  while (true) {
    lookup.OnLost(NodeAt(static_cast<int>(rest)).endpoint);
    if (!lookup.Next().has_value()) break;
    ++rest;
  }
  EXPECT_EQ(rest, kMaxDhtSearchNodes);
}

}  // namespace
}  // namespace torrent
