#include "dht/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/dht/stranger.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using NodeTest = NodeFixture;

TEST_F(NodeTest, FindsWhatAnotherAnnounced) {
  net_.AddNode("127.0.0.1:6881");
  Node* b = net_.AddNode("127.0.0.2:6881");
  Node* c = net_.AddNode("127.0.0.3:6881");
  b->AddBootstrap(us_, false, net_.now());
  c->AddBootstrap(us_, false, net_.now());
  ASSERT_TRUE(net_.RunUntil([&] { return b->bootstrapped() && c->bootstrapped(); }, seconds(5)));
  Found announced, found;
  b->BeginSearch(SearchFor(infohash_, &announced, 7000), net_.now());
  ASSERT_TRUE(net_.RunUntil([&] { return announced.done; }, seconds(5)));
  c->BeginSearch(SearchFor(infohash_, &found), net_.now());
  ASSERT_TRUE(net_.RunUntil([&] { return found.done; }, seconds(5)));
  EXPECT_THAT(found.peers, ::testing::Each(At("127.0.0.2:7000")));
  EXPECT_THAT(found.peers, ::testing::Not(IsEmpty()));
  // Who has it in its own store is told at once.
  Found at_home;
  net_.nodes()[0]->BeginSearch(SearchFor(infohash_, &at_home), net_.now());
  EXPECT_THAT(at_home.peers, ElementsAre(At("127.0.0.2:7000")));
}

TEST_F(NodeTest, WhoAsksUsIsPingedAndTaken) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger silent(&net_, "127.0.0.2:6881");
  silent.Ask(us_, KrpcMethod::kPing);
  Stranger real(&net_, "127.0.0.3:6881");
  real.answers = true;
  real.Ask(us_, KrpcMethod::kPing);
  net_.Run(seconds(1));
  EXPECT_THAT(node->table().All(), ElementsAre(NodeInfo{real.id, At("127.0.0.3:6881")}));
}

TEST_F(NodeTest, OurIdFollowsOurAddressWhenSeveralAgree) {
  Node* node = net_.AddNode("198.51.100.1:6881");
  const NodeId at_first = node->id();
  std::vector<std::unique_ptr<Stranger>> voters;
  const auto vote = [&](absl::string_view from, absl::string_view claimed) {
    voters.push_back(std::make_unique<Stranger>(&net_, from));
    voters.back()->answer_with = [ip = At(claimed)](KrpcReply* reply) { reply->ip = ip; };
    Introduce(node, voters.back().get(), from);
  };
  vote("8.1.1.1:6881", "124.31.75.21:6881");
  vote("8.2.1.1:6881", "124.31.75.21:6881");
  vote("8.3.1.1:6881", "1.2.3.4:6881");
  // A network has one vote, however many it sends.
  for (int i = 1; i < 9; ++i) vote(absl::StrCat("8.3.1.", i, ":6881"), "1.2.3.4:6881");
  vote("8.4.1.1:6881", "127.0.0.1:6881");
  vote("8.5.1.1:6881", "124.31.75.21:6881");
  EXPECT_FALSE(node->external().has_value());
  EXPECT_EQ(node->id(), at_first);
  vote("8.6.1.1:6881", "124.31.75.21:6881");
  EXPECT_EQ(node->external(), Address::Parse("124.31.75.21"));
  EXPECT_NE(node->id(), at_first);
  EXPECT_TRUE(NodeIdFits(node->id(), *node->external()));
  EXPECT_GT(node->table().size(), 3u);
}

TEST_F(NodeTest, AnIdThatFitsIsKept) {
  Node::Options options;
  options.id = NodeIdFor(*Address::Parse("124.31.75.21"), 7);
  const NodeId kept = *options.id;
  Node* node = net_.AddNode("198.51.100.1:6881", std::move(options));
  std::vector<std::unique_ptr<Stranger>> voters;
  for (int i = 1; i <= 5; ++i) {
    const std::string at = absl::StrCat("8.", i, ".1.1:6881");
    voters.push_back(std::make_unique<Stranger>(&net_, at));
    voters.back()->answer_with = [](KrpcReply* reply) { reply->ip = At("124.31.75.21:6881"); };
    Introduce(node, voters.back().get(), at);
  }
  EXPECT_TRUE(node->external().has_value());
  EXPECT_EQ(node->id(), kept);
}

TEST_F(NodeTest, ASearchWaitsForTheFirstNode) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Found found;
  node->BeginSearch(SearchFor(infohash_, &found), net_.now());
  net_.Run(minutes(2));
  EXPECT_FALSE(found.done);
  // Two that are dead, and one that lives.
  Stranger live(&net_, "127.0.0.4:6881");
  live.answers = true;
  for (const char* at : {"127.0.0.2:6881", "127.0.0.3:6881", "127.0.0.4:6881"}) {
    node->AddBootstrap(At(at), false, net_.now());
  }
  EXPECT_TRUE(net_.RunUntil([&] { return found.done; }, milliseconds(300)));
  EXPECT_EQ(found.answered, 1u);
  EXPECT_TRUE(net_.RunUntil([&] { return node->bootstrapped(); }, seconds(5)));
}

TEST_F(NodeTest, ARouterIsAskedButNotKept) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger ordinary(&net_, "127.0.0.3:6881");
  ordinary.answers = true;
  Stranger router(&net_, "127.0.0.2:6881");
  router.answers = true;
  router.answer_with = [&](KrpcReply* reply) { reply->nodes_v4 = {{ordinary.id, At("127.0.0.3:6881")}}; };
  node->AddBootstrap(At("127.0.0.2:6881"), true, net_.now());
  ASSERT_TRUE(net_.RunUntil([&] { return node->bootstrapped(); }, seconds(3)));
  EXPECT_THAT(node->table().All(), ElementsAre(NodeInfo{ordinary.id, At("127.0.0.3:6881")}));
}

TEST_F(NodeTest, AsksDeadBootstrapNodesLessAndLess) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger dead(&net_, "127.0.0.2:6881");
  node->AddBootstrap(At("127.0.0.2:6881"), true, net_.now());
  net_.Run(minutes(1));
  const size_t first = dead.queries.size();
  EXPECT_GE(first, 3u);
  EXPECT_LE(first, 6u);
  net_.Run(minutes(30));
  EXPECT_LE(dead.queries.size(), first + 10);
  dead.answers = true;
  net_.Run(minutes(6));
  EXPECT_GE(dead.queries.size(), first + 5) << "but never stops";
}

TEST_F(NodeTest, AnIslandOfFewAsksItsFirstOnesAgain) {
  Node* a = net_.AddNode("127.0.0.1:6881");
  Node* b = net_.AddNode("127.0.0.2:6881");
  // At first nobody is there whom they were told of, but each other.
  for (Node* node : {a, b}) {
    node->AddBootstrap(At("127.0.0.3:6881"), false, net_.now());
    node->AddBootstrap(At(node == a ? "127.0.0.2:6881" : "127.0.0.1:6881"), false, net_.now());
  }
  ASSERT_TRUE(net_.RunUntil([&] { return a->bootstrapped() && b->bootstrapped(); }, seconds(3)));
  Node* c = net_.AddNode("127.0.0.3:6881");
  Node* d = net_.AddNode("127.0.0.4:6881");
  d->AddBootstrap(At("127.0.0.3:6881"), false, net_.now());
  EXPECT_TRUE(net_.RunUntil(
      [&] {
        return std::all_of(net_.nodes().begin(), net_.nodes().end(),
                           [](const auto& node) { return node->table().size() == 3; });
      },
      2 * kMinDhtBootstrapBackoff));
  EXPECT_THAT(c->table().All(), SizeIs(3));
}

TEST_F(NodeTest, ALateAnswerCounts) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger late(&net_, "127.0.0.2:6881");
  Introduce(node, &late, "127.0.0.2:6881");
  net_.Run(seconds(1));
  late.answers = false;
  late.queries.clear();
  Found found;
  node->BeginSearch(SearchFor(infohash_, &found), net_.now());
  net_.Run(milliseconds(1000));
  ASSERT_THAT(late.queries, SizeIs(1));
  EXPECT_FALSE(found.done);
  KrpcReply reply;
  reply.transaction = late.queries[0].transaction;
  reply.id = late.id;
  reply.values = {At("127.0.0.9:7000")};
  net_.Send(At("127.0.0.2:6881"), us_, EncodeKrpc(reply));
  net_.Run(milliseconds(50));
  EXPECT_TRUE(found.done);
  EXPECT_THAT(found.peers, ElementsAre(At("127.0.0.9:7000")));
}

TEST_F(NodeTest, ALineThatIsDownDoesNotEmptyTheTable) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  std::vector<std::unique_ptr<Stranger>> others;
  for (int i = 2; i < 8; ++i) {
    const std::string at = absl::StrCat("127.0.0.", i, ":6881");
    others.push_back(std::make_unique<Stranger>(&net_, at));
    Introduce(node, others.back().get(), at);
  }
  net_.Run(seconds(1));
  for (const auto& other : others) other->answers = false;
  for (int i = 0; i < 60; ++i) {
    Found found;
    node->BeginSearch(SearchFor(infohash_, &found), net_.now());
    ASSERT_TRUE(net_.RunUntil([&] { return found.done; }, seconds(20)));
  }
  EXPECT_EQ(node->table().size(), 6u);
  // When one of them answers, it is the others that are dead.
  others[0]->answers = true;
  for (int i = 0; i < 60; ++i) {
    Found found;
    node->BeginSearch(SearchFor(infohash_, &found), net_.now());
    net_.Run(seconds(10));
    ASSERT_TRUE(found.done);
  }
  EXPECT_EQ(node->table().size(), 1u);
}

TEST_F(NodeTest, EachFamilyFindsNodesForTheOther) {
  // Both have both families; only the IPv4 halves know each other.
  Node* a4 = net_.AddNode("127.0.0.1:6881");
  Node* a6 = net_.AddNode("[fd00::1]:6881");
  Node* b4 = net_.AddNode("127.0.0.2:6881");
  Node* b6 = net_.AddNode("[fd00::2]:6881");
  a4->Join(a6);
  b4->Join(b6);
  Stranger six(&net_, "[fd00::3]:6881");
  Introduce(a6, &six, "[fd00::3]:6881");
  b4->AddBootstrap(us_, false, net_.now());
  net_.Run(seconds(2));
  EXPECT_EQ(b4->table().size(), 1u);
  EXPECT_THAT(b6->table().All(), ::testing::Contains(NodeInfo{six.id, At("[fd00::3]:6881")}));
}

TEST_F(NodeTest, AnEndedSearchCallsNobody) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger other(&net_, "127.0.0.2:6881");
  other.answer_with = [](KrpcReply* reply) { reply->values = {At("127.0.0.9:7000")}; };
  Introduce(node, &other, "127.0.0.2:6881");
  Found found;
  const uint64_t search = node->BeginSearch(SearchFor(infohash_, &found), net_.now());
  node->Step(net_.now());
  EXPECT_TRUE(node->SearchHasBegun(search));
  node->EndSearch(search);
  net_.Run(seconds(20));
  EXPECT_FALSE(found.done);
  EXPECT_THAT(found.peers, IsEmpty());
}

TEST_F(NodeTest, ManySearchesTakeTurns) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger other(&net_, "127.0.0.2:6881");
  Introduce(node, &other, "127.0.0.2:6881");
  net_.Run(seconds(1));
  other.answers = false;
  other.queries.clear();
  std::vector<Found> found(40);
  for (Found& one : found) node->BeginSearch(SearchFor(RandomNodeId(), &one), net_.now());
  net_.Run(milliseconds(100));
  EXPECT_THAT(other.queries, SizeIs(kMaxDhtActiveSearches));
  net_.Run(seconds(10));
  for (const Found& one : found) EXPECT_TRUE(one.done);
}

}  // namespace
}  // namespace torrent
