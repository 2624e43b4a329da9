// A whole peer worker, with a peer in the test's hand: what is told and heard of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/thread.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "swarm/our_handshakes.h"
#include "swarm/peer_handshake.h"
#include "swarm/peer_worker.h"
#include "test/support/peer_connection.h"
#include "test/swarm/fake_dht.h"
#include "test/swarm/swarm_room.h"
#include "wire/pex_message.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint8_t kTheirPexId = 77;

// The peer counts as one at 8.8.8.8, whatever it is really connected from.
class PeerGossipTest : public ::testing::Test {
 protected:
  void Begin(bool is_private = false, bool pex = true, bool peer_has_dht = true) {
    room_ = std::make_unique<SwarmRoom>(4, 1, /*complete=*/false, 0, is_private);
    room_->shared()->pex = pex;
    room_->shared()->dht = &dht_;
    room_->shared()->udp_port = 4711;
    Listener listener = *Listener::Open(0, BindOptions(), 1);
    peer_ = test::PeerConnection::Dial({Address::V4Loopback(), listener.port()});
    ASSERT_NE(peer_, nullptr);
    Listener::Accepted accepted = *listener.Accept(Now() + test::kPatience, -1);
    link_ = *room_->context()->registry.Add(*Endpoint::Parse("8.8.8.8:40000"), PeerSource::kIncoming, true);
    auto stream =
        std::make_shared<std::unique_ptr<Stream>>(std::make_unique<TcpStream>(std::move(accepted.fd), link_->endpoint));
    worker_ = *Thread::Start("peer", [this, stream] {
      PeerWorker worker(room_->context(), link_);
      const TimePoint deadline = Now() + test::kPatience;
      absl::StatusOr<wire::Handshake> theirs = ReadHandshakeHead(stream->get(), deadline, link_->mailbox.fd());
      ended_ = theirs.ok() ? worker.RunIncoming(std::move(*stream), *theirs, deadline) : theirs.status();
    });
    wire::Handshake ours = test::HandshakeOf(room_->payload().metainfo()->infohash, "gossip", true, true);
    ours.dht = peer_has_dht;
    ASSERT_TRUE(peer_->ShakeHands(ours, &theirs_));
    absl::optional<test::Received> facts = peer_->Expect(wire::MessageId::kExtended);
    ASSERT_TRUE(facts);
    facts_ = *wire::ParseExtensionHandshake(facts->payload);
  }
  absl::Status End() {
    if (link_ != nullptr) link_->mailbox.PostStop(absl::CancelledError("the test ends"));
    worker_.Join();
    return ended_;
  }
  ~PeerGossipTest() override { End().IgnoreError(); }

  void SayFacts(uint16_t port = 2000) {
    wire::ExtensionHandshake facts;
    facts.ids[static_cast<size_t>(wire::Extension::kPex)] = kTheirPexId;
    facts.port = port;
    facts.your_ip = {5, 5, 5, 5};
    Say(wire::kExtensionHandshakeId, wire::EncodeExtensionHandshake(facts));
  }
  void Say(uint8_t id, const std::string& payload) {
    std::string bytes;
    wire::EncodeExtended(id, payload, &bytes);
    EXPECT_TRUE(peer_->Send(bytes));
  }
  void SayPex(const std::vector<std::string>& added) {
    wire::PexMessage message;
    for (const std::string& text : added) {
      std::string compact;
      Endpoint::Parse(text)->AppendCompact(&compact);
      message.added.emplace_back().compact.assign(compact.begin(), compact.end());
    }
    Say(kOurPexId, wire::EncodePex(message));
  }
  // Until the worker has read all that was said: it answers a request while it chokes by a reject.
  void Settle() {
    ASSERT_TRUE(peer_->Send(test::Bytes(wire::EncodeRequest, 0u, 0u, 16u)));
    ASSERT_TRUE(peer_->Expect(wire::MessageId::kRejectRequest));
  }

  FakeDht dht_;
  std::unique_ptr<SwarmRoom> room_;
  std::unique_ptr<test::PeerConnection> peer_;
  std::shared_ptr<PeerLink> link_;
  absl::Status ended_;
  Thread worker_;
  wire::Handshake theirs_;
  wire::ExtensionHandshake facts_;
};

TEST_F(PeerGossipTest, ExchangesPeers) {
  Begin();
  EXPECT_EQ(facts_.ids[static_cast<size_t>(wire::Extension::kPex)], kOurPexId);
  room_->roster()->Set(500, *Endpoint::Parse("1.0.0.1:2000"), wire::kPexReachable | wire::kPexSeed);
  room_->roster()->Set(501, *Endpoint::Parse("10.0.0.1:2000"), 0);
  SayFacts();
  const absl::optional<test::Received> heard = peer_->Expect(wire::MessageId::kExtended);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->head.extended_id, kTheirPexId);
  const absl::StatusOr<wire::PexMessage> message = wire::ParsePex(heard->payload);
  ASSERT_TRUE(message.ok()) << message.status();
  ASSERT_EQ(message->added.size(), 1u) << "neither itself nor what only we can reach";
  EXPECT_EQ(*Endpoint::FromCompact(message->added[0].compact), *Endpoint::Parse("1.0.0.1:2000"));
  EXPECT_EQ(message->added[0].flags, wire::kPexReachable | wire::kPexSeed);

  SayPex({"1.0.0.2:2000", "127.0.0.1:2000", "192.168.1.1:2000", "1.0.0.3:22"});
  Settle();
  const PeerHints::News news = room_->hints()->Take();
  ASSERT_EQ(news.told.size(), 1u);
  EXPECT_EQ(news.told[0].endpoint, *Endpoint::Parse("1.0.0.2:2000"));
  EXPECT_EQ(news.told[0].teller, *Address::Parse("8.8.8.8"));
  ASSERT_EQ(news.seen.size(), 1u);
  EXPECT_EQ(news.seen[0].own, *Address::Parse("5.5.5.5"));
  EXPECT_THAT(news.listening, ElementsAre(*Endpoint::Parse("8.8.8.8:2000")));
}

TEST_F(PeerGossipTest, APeerListensAtOnePortOnly) {
  Begin();
  for (uint16_t port = 2000; port < 2100; port++) SayFacts(port);
  Settle();
  EXPECT_THAT(room_->hints()->Take().listening, ElementsAre(*Endpoint::Parse("8.8.8.8:2000")));
}

TEST_F(PeerGossipTest, OthersAreToldOfItWhileItIsHere) {
  Begin();
  PexRoster::Place place;
  Settle();
  EXPECT_FALSE(room_->roster()->HasNews(place)) << "nobody knows yet where it listens";
  SayFacts(2345);
  EXPECT_TRUE(peer_->Send(test::Bytes(wire::EncodeHaveAll)));
  Settle();
  wire::PexMessage message = room_->roster()->Next(&place, 9999, *Address::Parse("1.1.1.1"));
  ASSERT_EQ(message.added.size(), 1u);
  EXPECT_EQ(*Endpoint::FromCompact(message.added[0].compact), *Endpoint::Parse("8.8.8.8:2345"));
  EXPECT_EQ(message.added[0].flags, wire::kPexSeed) << "it came to us: whether it can be reached nobody knows";
  End().IgnoreError();
  message = room_->roster()->Next(&place, 9999, *Address::Parse("1.1.1.1"));
  EXPECT_EQ(message.dropped.size(), 1u);
}

// BEP 27.
TEST_F(PeerGossipTest, APrivateTorrentTellsAndHearsNobody) {
  Begin(/*is_private=*/true);
  EXPECT_FALSE(facts_.ids[static_cast<size_t>(wire::Extension::kPex)].value_or(0));
  EXPECT_FALSE(theirs_.dht);
  room_->roster()->Set(500, *Endpoint::Parse("1.0.0.1:2000"), 0);
  SayFacts();
  SayPex({"1.0.0.2:2000"});
  EXPECT_TRUE(peer_->Send(test::Bytes(wire::EncodePort, uint16_t{6882})));
  Settle();
  EXPECT_THAT(room_->hints()->Take().told, IsEmpty());
  EXPECT_THAT(dht_.told(), IsEmpty());
  PexRoster::Place place;
  EXPECT_EQ(room_->roster()->Next(&place, 9999, *Address::Parse("1.1.1.1")).added.size(), 1u) << "the test's own";
  // Longer than a first message takes elsewhere.
  EXPECT_FALSE(peer_->Expect(wire::MessageId::kExtended, std::chrono::seconds(4)));
  EXPECT_FALSE(peer_->closed());
}

TEST_F(PeerGossipTest, WithoutPexNeitherIsSpoken) {
  Begin(/*is_private=*/false, /*pex=*/false);
  EXPECT_FALSE(facts_.ids[static_cast<size_t>(wire::Extension::kPex)].value_or(0));
  EXPECT_TRUE(theirs_.dht) << "that is another thing";
  SayFacts();
  SayPex({"1.0.0.2:2000"});
  Settle();
  EXPECT_THAT(room_->hints()->Take().told, IsEmpty());
}

// Hazard 57.
TEST_F(PeerGossipTest, AFloodEndsTheConnection) {
  Begin();
  SayFacts();
  std::string bytes;
  for (int i = 0; i < kPexBurst + kMaxIgnoredPex + 1; i++) wire::EncodeExtended(kOurPexId, "de", &bytes);
  peer_->Send(bytes);
  EXPECT_TRUE(peer_->WaitClosed());
  worker_.Join();
  EXPECT_EQ(ended_.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(ended_.message()), ::testing::HasSubstr("peer exchange"));
}

TEST_F(PeerGossipTest, WhatIsNoPeerExchangeEndsTheConnection) {
  Begin();
  SayFacts();
  Say(kOurPexId, "i5e");
  EXPECT_TRUE(peer_->WaitClosed());
}

// BEP 5.
TEST_F(PeerGossipTest, TellsAndHearsWhereTheNodesOfTheDhtAre) {
  Begin();
  EXPECT_TRUE(theirs_.dht);
  const absl::optional<test::Received> port = peer_->Expect(wire::MessageId::kPort);
  ASSERT_TRUE(port);
  EXPECT_EQ(port->head.port, 4711);
  EXPECT_TRUE(peer_->Send(test::Bytes(wire::EncodePort, uint16_t{6882})));
  Settle();
  EXPECT_THAT(dht_.told(), ElementsAre("8.8.8.8:6882 by 8.8.8.8"));
  // Port 0 is none, and a peer that names many is not followed to all of them.
  for (uint16_t p = 0; p < 100; p++) EXPECT_TRUE(peer_->Send(test::Bytes(wire::EncodePort, p)));
  Settle();
  EXPECT_EQ(dht_.told().size(), static_cast<size_t>(kMaxDhtPortsOfPeer));
}

TEST_F(PeerGossipTest, TellsNoPortToAPeerWithoutADht) {
  Begin(false, true, /*peer_has_dht=*/false);
  ASSERT_TRUE(peer_->Send(test::Bytes(wire::EncodeRequest, 0u, 0u, 16u)));
  while (absl::optional<test::Received> message = peer_->Read()) {
    EXPECT_NE(message->head.id, wire::MessageId::kPort);
    if (message->head.id == wire::MessageId::kRejectRequest) return;
  }
  FAIL() << "the connection ended";
}

}  // namespace
}  // namespace torrent
