// Fixture for tests of a node: a network in memory, and somebody in it who is no node.
#ifndef TORRENT_TEST_DHT_STRANGER_H_
#define TORRENT_TEST_DHT_STRANGER_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/dht/memory_net.h"

namespace torrent {

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

inline DhtSearch SearchFor(const Infohash& infohash, Found* found, uint16_t announce_port = 0) {
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

class NodeFixture : public ::testing::Test {
 protected:
  // Makes `node` know `stranger`, which answers.
  void Introduce(Node* node, Stranger* stranger, absl::string_view at) {
    stranger->answers = true;
    node->AddHeard(At(at));
    net_.Run(std::chrono::milliseconds(100));
  }
  // Has a peer announced at `node`, by a stranger at `from`.
  void AnnounceAt(const Endpoint& node, absl::string_view from, uint16_t port) {
    Stranger announcer(&net_, from);
    announcer.Ask(node, KrpcMethod::kGetPeers, infohash_);
    net_.Run(std::chrono::seconds(2));
    ASSERT_THAT(announcer.replies, ::testing::SizeIs(1));
    announcer.Ask(node, KrpcMethod::kAnnouncePeer, infohash_, [&](KrpcQuery* query) {
      query->token = announcer.replies[0].token;
      query->port = port;
    });
    net_.Run(std::chrono::milliseconds(50));
    ASSERT_THAT(announcer.replies, ::testing::SizeIs(2));
    net_.Remove(At(from));
  }

  MemoryNet net_;
  const Infohash infohash_ = RandomNodeId();
  const Endpoint us_ = At("127.0.0.1:6881");
};

}  // namespace torrent

#endif  // TORRENT_TEST_DHT_STRANGER_H_
