#include "dht/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Somebody who is no node: keeps what comes, and sends what the test says.
class Stranger {
 public:
  Stranger(MemoryNet* net, absl::string_view at) : net_(net), at_(At(at)) {
    net->AddFake(at, [this](const MemoryNet::Datagram& datagram) { Take(datagram); });
  }

  void Ask(const Endpoint& to, KrpcMethod method, const NodeId& target = NodeId(),
           const std::function<void(KrpcQuery*)>& change = nullptr) {
    KrpcQuery query;
    query.transaction = absl::StrCat("t", ++asked_);
    query.method = method;
    query.id = id;
    query.target = target;
    if (change) change(&query);
    net_->Send(at_, to, EncodeKrpc(query));
  }

  NodeId id = RandomNodeId();
  bool answers = false;                                   // whether it answers queries, and how
  std::function<void(KrpcReply*)> answer_with = nullptr;  // changes its answers
  std::vector<KrpcQuery> queries;
  std::vector<KrpcReply> replies;
  std::vector<KrpcError> errors;
  uint64_t bytes = 0;

 private:
  void Take(const MemoryNet::Datagram& datagram) {
    bytes += datagram.bytes.size();
    absl::StatusOr<KrpcMessage> message = ParseKrpc(datagram.bytes);
    ASSERT_TRUE(message.ok()) << message.status();
    if (auto* query = std::get_if<KrpcQuery>(&*message)) {
      queries.push_back(*query);
      if (!answers) return;
      KrpcReply reply;
      reply.transaction = query->transaction;
      reply.id = id;
      if (answer_with) answer_with(&reply);
      net_->Send(at_, datagram.from, EncodeKrpc(reply));
    } else if (auto* reply = std::get_if<KrpcReply>(&*message)) {
      replies.push_back(*reply);
    } else {
      errors.push_back(std::get<KrpcError>(*message));
    }
  }

  MemoryNet* const net_;
  const Endpoint at_;
  int asked_ = 0;
};

struct Found {
  std::vector<Endpoint> peers;
  bool done = false;
  uint32_t answered = 0;
};

DhtSearch SearchFor(const Infohash& infohash, Found* found, uint16_t announce_port = 0) {
  DhtSearch search;
  search.target = infohash;
  search.for_peers = true;
  search.announce_port = announce_port;
  search.on_peers = [found](const std::vector<Endpoint>& peers) {
    found->peers.insert(found->peers.end(), peers.begin(), peers.end());
  };
  search.on_done = [found](uint32_t answered, uint32_t) {
    found->done = true;
    found->answered = answered;
  };
  return search;
}

class NodeTest : public ::testing::Test {
 protected:
  // Makes `node` know `stranger`, which answers.
  void Introduce(Node* node, Stranger* stranger, absl::string_view at) {
    stranger->answers = true;
    node->AddHeard(At(at));
    net_.Run(milliseconds(100));
  }
  // Has a peer announced at `node`, by a stranger at `from`.
  void AnnounceAt(const Endpoint& node, absl::string_view from, uint16_t port) {
    Stranger announcer(&net_, from);
    announcer.Ask(node, KrpcMethod::kGetPeers, infohash_);
    net_.Run(seconds(2));
    ASSERT_THAT(announcer.replies, SizeIs(1));
    announcer.Ask(node, KrpcMethod::kAnnouncePeer, infohash_, [&](KrpcQuery* query) {
      query->token = announcer.replies[0].token;
      query->port = port;
    });
    net_.Run(milliseconds(50));
    ASSERT_THAT(announcer.replies, SizeIs(2));
    net_.Remove(At(from));
  }

  MemoryNet net_;
  const Infohash infohash_ = RandomNodeId();
  const Endpoint us_ = At("127.0.0.1:6881");
};

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

TEST_F(NodeTest, TellsPeersToWhoReceivesWhatWeSend) {
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

TEST_F(NodeTest, AnswersNoMoreThanASmallReplyToTheUnproven) {
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

TEST_F(NodeTest, TakesAnAnnounceWithItsOwnTokenAlone) {
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

TEST_F(NodeTest, AnswersUnknownQueriesWithAnErrorAndRubbishWithNothing) {
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

TEST_F(NodeTest, BelievesOnlyWhomItAsked) {
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

TEST_F(NodeTest, DropsItsOwnIdAndItsOwnDatagrams) {
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

TEST_F(NodeTest, ANodeWithAnotherIdThanExpectedLeaves) {
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

TEST_F(NodeTest, FollowsNoHintFurtherInThanItsSourceStands) {
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

TEST_F(NodeTest, ASourceThatAsksTooMuchHearsNothingForAWhile) {
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

TEST_F(NodeTest, AllRepliesTogetherAreBounded) {
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

TEST_F(NodeTest, AReadOnlyNodeAnswersNobodyAndSaysSo) {
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
