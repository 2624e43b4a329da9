// What a node does with those who lie, forge their address, or ask too much.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dht/node.h"
#include "test/dht/stranger.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using NodeDefenceTest = NodeFixture;

TEST_F(NodeDefenceTest, TellsPeersToWhoReceivesWhatWeSend) {
  net_.AddNode("127.0.0.1:6881");
  AnnounceAt(us_, "127.0.0.50:6881", 7000);

  Stranger forged(&net_, "127.0.0.2:6881");
  forged.Ask(us_, KrpcMethod::kGetPeers, infohash_);
  net_.Run(milliseconds(500));
  EXPECT_THAT(forged.queries, ::testing::Not(IsEmpty())) << "is pinged first";
  EXPECT_THAT(forged.replies, IsEmpty());
  net_.Run(milliseconds(500));
  ASSERT_THAT(forged.replies, SizeIs(1));
  EXPECT_THAT(forged.replies[0].values, IsEmpty());
  EXPECT_NE(forged.replies[0].token, "");
  EXPECT_EQ(forged.replies[0].ip, At("127.0.0.2:6881"));

  Stranger real(&net_, "127.0.0.3:6881");
  real.answers = true;
  real.Ask(us_, KrpcMethod::kGetPeers, infohash_);
  net_.Run(milliseconds(100));
  ASSERT_THAT(real.replies, SizeIs(1));
  EXPECT_THAT(real.replies[0].values, ElementsAre(At("127.0.0.50:7000")));
  EXPECT_EQ(real.replies[0].transaction, "t1");

  Stranger known(&net_, "127.0.0.50:6881");
  known.Ask(us_, KrpcMethod::kGetPeers, infohash_);
  net_.Run(milliseconds(50));
  ASSERT_THAT(known.replies, SizeIs(1)) << "its token was proof enough";
  EXPECT_THAT(known.replies[0].values, SizeIs(1));
}

// BEP 43: who can be reached by nobody answers no ping, and must find peers all the same.
TEST_F(NodeDefenceTest, TellsAReadOnlyNodeAFewPeersInThePlaceOfNodes) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  std::vector<std::unique_ptr<Stranger>> known;
  for (int i = 0; i < 8; ++i) {
    const std::string at = absl::StrCat("127.0.2.", i + 1, ":6881");
    known.push_back(std::make_unique<Stranger>(&net_, at));
    Introduce(node, known.back().get(), at);
  }
  const auto ask_read_only = [this](Stranger* stranger) {
    stranger->Ask(us_, KrpcMethod::kGetPeers, infohash_, [](KrpcQuery* query) { query->read_only = true; });
    net_.Run(milliseconds(100));
  };
  Stranger before(&net_, "127.0.0.2:6881"), after(&net_, "127.0.0.3:6881");
  ask_read_only(&before);
  for (int i = 0; i < 20; ++i) AnnounceAt(us_, absl::StrCat("127.0.1.", i + 1, ":6881"), 7000);
  ask_read_only(&after);
  ASSERT_THAT(before.replies, SizeIs(1));
  ASSERT_THAT(after.replies, SizeIs(1));
  EXPECT_THAT(before.replies[0].nodes_v4, SizeIs(8));
  EXPECT_THAT(after.replies[0].values, SizeIs(6));
  EXPECT_THAT(after.replies[0].nodes_v4, SizeIs(4));
  EXPECT_LE(after.bytes, before.bytes);
  EXPECT_THAT(after.queries, IsEmpty());
}

TEST_F(NodeDefenceTest, AnswersNoMoreThanASmallReplyToTheUnproven) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  for (int i = 0; i < 20; ++i) AnnounceAt(us_, absl::StrCat("127.0.1.", i + 1, ":6881"), 7000);
  ASSERT_EQ(node->stored_peers(), 20u);
  Stranger forged(&net_, "127.0.0.2:6881");
  for (int i = 0; i < 10; ++i) {
    forged.Ask(us_, KrpcMethod::kGetPeers, infohash_);
    net_.Run(seconds(2));
  }
  ASSERT_THAT(forged.replies, SizeIs(10));
  for (const KrpcReply& reply : forged.replies) EXPECT_THAT(reply.values, IsEmpty());
}

TEST_F(NodeDefenceTest, TakesAnAnnounceWithItsOwnTokenAlone) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger stranger(&net_, "127.0.0.2:6000");
  stranger.Ask(us_, KrpcMethod::kAnnouncePeer, infohash_, [](KrpcQuery* query) {
    query->token = std::string(64, 'x');
    query->port = 7000;
  });
  net_.Run(milliseconds(50));
  ASSERT_THAT(stranger.errors, SizeIs(1));
  EXPECT_EQ(stranger.errors[0].code, 203);
  EXPECT_EQ(node->stored_peers(), 0u);

  stranger.Ask(us_, KrpcMethod::kGetPeers, infohash_);
  net_.Run(milliseconds(50));
  ASSERT_THAT(stranger.replies, SizeIs(1));
  const std::string token = stranger.replies[0].token;
  // Implied: the datagram's port.
  stranger.Ask(us_, KrpcMethod::kAnnouncePeer, infohash_, [&](KrpcQuery* query) {
    query->token = token;
    query->port = 1;
    query->implied_port = true;
  });
  net_.Run(milliseconds(50));
  Found found;
  node->BeginSearch(SearchFor(infohash_, &found), net_.now());
  EXPECT_THAT(found.peers, ElementsAre(At("127.0.0.2:6000")));
  // No client listens below 1024.
  stranger.Ask(us_, KrpcMethod::kAnnouncePeer, infohash_, [&](KrpcQuery* query) {
    query->token = token;
    query->port = 80;
  });
  net_.Run(milliseconds(50));
  EXPECT_THAT(stranger.errors, SizeIs(2));
  EXPECT_EQ(node->stored_peers(), 1u);
  // Somebody else's token.
  Stranger thief(&net_, "127.0.0.3:6000");
  thief.Ask(us_, KrpcMethod::kAnnouncePeer, infohash_, [&](KrpcQuery* query) {
    query->token = token;
    query->port = 7000;
  });
  net_.Run(milliseconds(50));
  EXPECT_THAT(thief.errors, SizeIs(1));
  EXPECT_EQ(node->stored_peers(), 1u);
}

TEST_F(NodeDefenceTest, AnswersUnknownQueriesWithAnErrorAndRubbishWithNothing) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger stranger(&net_, "127.0.0.2:6881");
  net_.Send(At("127.0.0.2:6881"), us_, "d1:ad2:id20:abcdefghij0123456789e1:q3:get1:t2:aa1:y1:qe");
  net_.Run(milliseconds(50));
  ASSERT_THAT(stranger.errors, SizeIs(1));
  EXPECT_EQ(stranger.errors[0].code, 204);
  const uint64_t sent = node->sent_bytes();
  for (const char* rubbish : {"", "d", "hello", "d1:t2:aa1:y1:qe", "d1:rd2:id20:abcdefghij0123456789e1:t4:aaaa1:y1:re",
                              "d1:eli201e3:abce1:t4:aaaa1:y1:ee"}) {
    const uint64_t dropped = node->dropped();
    net_.Send(At("127.0.0.2:6881"), us_, rubbish);
    net_.Run(milliseconds(50));
    EXPECT_EQ(node->dropped(), dropped + 1) << rubbish;
  }
  // From port 0 nobody can be answered.
  net_.Send(At("127.0.0.2:0"), us_, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe");
  net_.Run(milliseconds(50));
  EXPECT_EQ(node->sent_bytes(), sent);
}

TEST_F(NodeDefenceTest, BelievesOnlyWhomItAsked) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger asked(&net_, "127.0.0.2:6881");
  node->AddHeard(At("127.0.0.2:6881"));
  net_.Run(milliseconds(50));
  ASSERT_THAT(asked.queries, SizeIs(1));
  KrpcReply reply;
  reply.transaction = asked.queries[0].transaction;
  reply.id = RandomNodeId();
  EXPECT_EQ(reply.transaction.size(), 4u);
  const auto send = [&](absl::string_view from) {
    net_.Send(At(from), us_, EncodeKrpc(reply));
    net_.Run(milliseconds(50));
    return node->table().size();
  };
  EXPECT_EQ(send("127.0.0.2:6882"), 0u) << "another port";
  EXPECT_EQ(send("127.0.0.3:6881"), 0u) << "another address";
  reply.transaction[0] = static_cast<char>(reply.transaction[0] ^ 1);
  EXPECT_EQ(send("127.0.0.2:6881"), 0u) << "another transaction";
  reply.transaction[0] = static_cast<char>(reply.transaction[0] ^ 1);
  EXPECT_EQ(node->dropped(), 3u);
  EXPECT_EQ(send("127.0.0.2:6881"), 1u);
  const uint64_t dropped = node->dropped();
  send("127.0.0.2:6881");
  EXPECT_EQ(node->dropped(), dropped + 1) << "once";
}

TEST_F(NodeDefenceTest, DropsItsOwnIdAndItsOwnDatagrams) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  // One sends each datagram back as it is; one answers with the asker's id.
  net_.AddFake("127.0.0.2:6881",
               [&](const MemoryNet::Datagram& datagram) { net_.Send(datagram.to, datagram.from, datagram.bytes); });
  Stranger mirror(&net_, "127.0.0.3:6881");
  mirror.answers = true;
  mirror.id = node->id();
  node->AddHeard(At("127.0.0.2:6881"));
  node->AddHeard(At("127.0.0.3:6881"));
  net_.Run(seconds(1));
  EXPECT_THAT(mirror.queries, SizeIs(1));
  EXPECT_EQ(node->dropped(), 2u);
  EXPECT_EQ(node->table().size(), 0u);
}

TEST_F(NodeDefenceTest, ANodeWithAnotherIdThanExpectedLeaves) {
  Node* node = net_.AddNode("127.0.0.1:6881");
  Stranger liar(&net_, "127.0.0.2:6881");
  Introduce(node, &liar, "127.0.0.2:6881");
  ASSERT_EQ(node->table().size(), 1u);
  liar.id = RandomNodeId();
  Found found;
  node->BeginSearch(SearchFor(infohash_, &found), net_.now());
  net_.Run(seconds(3));
  EXPECT_TRUE(found.done);
  EXPECT_EQ(found.answered, 0u);
  EXPECT_EQ(node->table().size(), 0u);
}

TEST_F(NodeDefenceTest, FollowsNoHintFurtherInThanItsSourceStands) {
  Node* node = net_.AddNode("198.51.100.1:6881");
  const char* const kForbidden[] = {"127.0.0.9:6881", "10.0.0.9:6881",    "192.168.0.9:6881",
                                    "224.0.0.9:6881", "169.254.0.9:6881", "8.8.8.8:53"};
  std::vector<std::unique_ptr<Stranger>> victims;
  for (const char* at : kForbidden) victims.push_back(std::make_unique<Stranger>(&net_, at));
  Stranger allowed(&net_, "8.8.4.4:6881");
  Stranger guide(&net_, "9.9.9.9:6881");
  guide.answer_with = [&](KrpcReply* reply) {
    for (const char* at : kForbidden) {
      reply->nodes_v4.push_back({RandomNodeId(), At(at)});
      reply->values.push_back(At(at));
    }
    reply->nodes_v4.push_back({RandomNodeId(), At("8.8.4.4:6881")});
    reply->values.push_back(At("8.8.4.4:7000"));
    reply->token = "t";
  };
  Introduce(node, &guide, "9.9.9.9:6881");
  Found found;
  node->BeginSearch(SearchFor(infohash_, &found, 7000), net_.now());
  ASSERT_TRUE(net_.RunUntil([&] { return found.done; }, seconds(10)));
  EXPECT_THAT(found.peers, ElementsAre(At("8.8.4.4:7000")));
  EXPECT_THAT(allowed.queries, ::testing::Not(IsEmpty()));
  for (const auto& victim : victims) EXPECT_THAT(victim->queries, IsEmpty());
}

TEST_F(NodeDefenceTest, ASourceThatAsksTooMuchHearsNothingForAWhile) {
  net_.AddNode("127.0.0.1:6881");
  Stranger flood(&net_, "127.0.0.2:6881");
  for (int i = 0; i < 10'000; ++i) flood.Ask(us_, KrpcMethod::kPing);
  net_.Run(milliseconds(100));
  EXPECT_GT(flood.replies.size(), 30u);
  EXPECT_LE(flood.replies.size(), 50u);
  const size_t before = flood.replies.size();
  for (int i = 0; i < 28; ++i) {
    net_.Run(seconds(10));
    flood.Ask(us_, KrpcMethod::kPing);
  }
  net_.Run(milliseconds(50));
  EXPECT_EQ(flood.replies.size(), before);
  Stranger other(&net_, "127.0.0.3:6881");
  other.Ask(us_, KrpcMethod::kPing);
  net_.Run(seconds(21));
  EXPECT_THAT(other.replies, SizeIs(1));
  flood.Ask(us_, KrpcMethod::kPing);
  net_.Run(milliseconds(50));
  EXPECT_EQ(flood.replies.size(), before + 1);
}

TEST_F(NodeDefenceTest, AllRepliesTogetherAreBounded) {
  Node* node = net_.AddNode("198.51.100.1:6881");
  for (int i = 0; i < 9; ++i) {
    Stranger neighbour(&net_, absl::StrCat("9.", i, ".0.1:6881"));
    Introduce(node, &neighbour, absl::StrCat("9.", i, ".0.1:6881"));
    net_.Remove(At(absl::StrCat("9.", i, ".0.1:6881")));
  }
  net_.Run(seconds(30));
  const uint64_t before = node->sent_bytes();
  const TimePoint begun = net_.now();
  // Each from an address of its own, so that no source's bound is met.
  KrpcQuery query;
  query.transaction = "aa";
  query.method = KrpcMethod::kFindNode;
  for (int i = 0; i < 10'000; ++i) {
    query.id = query.target = RandomNodeId();
    net_.Send(At(absl::StrCat("8.", i / 250, ".", i % 250, ".1:6881")), At("198.51.100.1:6881"), EncodeKrpc(query));
    if (i % 10 == 9) net_.Run(milliseconds(10));
  }
  const double time = ToSeconds(net_.now() - begun);
  const auto sent = static_cast<double>(node->sent_bytes() - before);
  // What had been saved up, and the node's own housekeeping.
  EXPECT_LE(sent, 8000 * time + 4096 + 2000);
  EXPECT_GE(sent, 8000 * time * 0.8);
}

TEST_F(NodeDefenceTest, AReadOnlyNodeAnswersNobodyAndSaysSo) {
  Node::Options read_only;
  read_only.read_only = true;
  Node* quiet = net_.AddNode("127.0.0.1:6881", std::move(read_only));
  Node* other = net_.AddNode("127.0.0.2:6881");
  Stranger stranger(&net_, "127.0.0.3:6881");
  stranger.Ask(us_, KrpcMethod::kPing);
  Introduce(quiet, &stranger, "127.0.0.3:6881");
  EXPECT_THAT(stranger.replies, IsEmpty());
  ASSERT_THAT(stranger.queries, ::testing::Not(IsEmpty()));
  EXPECT_TRUE(stranger.queries[0].read_only);
  quiet->AddHeard(At("127.0.0.2:6881"));
  net_.Run(seconds(1));
  EXPECT_EQ(quiet->table().size(), 2u) << "it does ask";
  EXPECT_EQ(other->table().size(), 0u) << "nobody else can ask it";
}

}  // namespace
}  // namespace torrent
