#include "dht/krpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/random.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const NodeId kAlphabet = NodeId::FromRaw("abcdefghij0123456789");
const NodeId kLetters = NodeId::FromRaw("mnopqrstuvwxyz123456");

constexpr absl::string_view kPing = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
constexpr absl::string_view kFindNode =
    "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe";
constexpr absl::string_view kGetPeers =
    "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe";
constexpr absl::string_view kGetPeersReply =
    "d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re";
constexpr absl::string_view kAnnounce =
    "d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe"
    "1:q13:announce_peer1:t2:aa1:y1:qe";

std::string ReplyWith(absl::string_view fields) {
  return absl::StrCat("d1:rd2:id20:abcdefghij0123456789", fields, "e1:t2:aa1:y1:re");
}

TEST(KrpcTest, SpeaksTheMessagesOfBep5) {
  KrpcQuery ping = ParseQueryOrDie(kPing);
  EXPECT_EQ(ping.method, KrpcMethod::kPing);
  EXPECT_EQ(ping.id, kAlphabet);
  EXPECT_EQ(ping.transaction, "aa");
  EXPECT_EQ(EncodeKrpc(ping), kPing);

  KrpcQuery find_node = ParseQueryOrDie(kFindNode);
  EXPECT_EQ(find_node.method, KrpcMethod::kFindNode);
  EXPECT_EQ(find_node.target, kLetters);
  EXPECT_EQ(EncodeKrpc(find_node), kFindNode);

  KrpcQuery get_peers = ParseQueryOrDie(kGetPeers);
  EXPECT_EQ(get_peers.method, KrpcMethod::kGetPeers);
  EXPECT_EQ(get_peers.target, kLetters);
  EXPECT_EQ(EncodeKrpc(get_peers), kGetPeers);

  KrpcQuery announce = ParseQueryOrDie(kAnnounce);
  EXPECT_EQ(announce.method, KrpcMethod::kAnnouncePeer);
  EXPECT_TRUE(announce.implied_port);
  EXPECT_EQ(announce.port, 6881);
  EXPECT_EQ(announce.token, "aoeusnth");
  EXPECT_EQ(EncodeKrpc(announce), kAnnounce);

  KrpcReply reply = ParseReplyOrDie(kGetPeersReply);
  EXPECT_EQ(reply.token, "aoeusnth");
  EXPECT_THAT(reply.values, ElementsAre(At("97.120.106.101:11893"), At("105.100.104.116:28269")));
  EXPECT_EQ(EncodeKrpc(reply), kGetPeersReply);
  EXPECT_EQ(EncodeKrpc(ParseReplyOrDie("d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re")),
            "d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re");

  constexpr absl::string_view kError = "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee";
  absl::StatusOr<KrpcMessage> error = ParseKrpc(kError);
  ASSERT_TRUE(error.ok() && std::holds_alternative<KrpcError>(*error));
  EXPECT_EQ(std::get<KrpcError>(*error).code, 201);
  EXPECT_EQ(EncodeKrpc(std::get<KrpcError>(*error)), kError);
}

TEST(KrpcTest, SpeaksTheAdditions) {
  KrpcQuery query = ParseQueryOrDie(kFindNode);
  query.want_v4 = query.want_v6 = query.read_only = true;
  const KrpcQuery again = ParseQueryOrDie(EncodeKrpc(query));
  EXPECT_TRUE(again.want_v4 && again.want_v6 && again.read_only);
  EXPECT_THAT(EncodeKrpc(query), ::testing::HasSubstr("4:wantl2:n42:n6e"));
  EXPECT_THAT(EncodeKrpc(query), ::testing::HasSubstr("2:roi1e"));

  KrpcReply reply;
  reply.transaction = "aa";
  reply.id = kAlphabet;
  reply.ip = At("1.2.3.4:1026");
  reply.nodes_v4 = {{kLetters, At("5.6.7.8:6881")}};
  reply.nodes_v6 = {{kLetters, At("[2001:db8::1]:6881")}};
  const std::string bytes = EncodeKrpc(reply);
  EXPECT_THAT(bytes, ::testing::StartsWith(absl::StrCat("d2:ip6:", absl::HexStringToBytes("010203040402"), "1:rd")));
  const KrpcReply back = ParseReplyOrDie(bytes);
  EXPECT_EQ(back.ip, reply.ip);
  EXPECT_EQ(back.nodes_v4, reply.nodes_v4);
  EXPECT_EQ(back.nodes_v6, reply.nodes_v6);
}

TEST(KrpcTest, RefusesWhatIsNoMessage) {
  for (const std::string& bad : {
           std::string(),
           std::string("x"),
           std::string("le"),
           std::string("de"),
           std::string("d1:y1:qe"),
           std::string("d1:t2:aae"),
           std::string("d1:t2:aa1:y1:ze"),
           std::string("d1:t0:1:y1:re"),
           std::string("d1:t2:aa1:y1:qe"),
           std::string("d1:t2:aa1:y1:re"),
           std::string("d1:t2:aa1:y1:ee"),
           std::string("d1:eli201ee1:t2:aa1:y1:ee"),
           std::string(kPing) + "x",
           std::string(kPing.substr(0, kPing.size() - 1)),
           // ids of 19, 21 and 20 zero bytes
           std::string("d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe"),
           std::string("d1:rd2:id21:abcdefghij01234567890e1:t2:aa1:y1:re"),
           absl::StrCat("d1:rd2:id20:", std::string(20, '\0'), "e1:t2:aa1:y1:re"),
           // no target; a short one
           std::string("d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe"),
           std::string("d1:ad2:id20:abcdefghij01234567899:info_hash3:abce1:q9:get_peers1:t2:aa1:y1:qe"),
           absl::StrCat("d1:rd2:id20:abcdefghij0123456789e1:t65:", std::string(65, 't'), "1:y1:re"),
           std::string(70000, 'd'),
           std::string(1000, 'l'),
       }) {
    EXPECT_FALSE(ParseKrpc(bad).ok()) << absl::CHexEscape(bad);
  }
}

TEST(KrpcTest, RefusesAnAnnounceWithoutPortOrToken) {
  const auto announce = [](absl::string_view before, absl::string_view after) {
    return absl::StrCat("d1:ad2:id20:abcdefghij0123456789", before, "9:info_hash20:mnopqrstuvwxyz123456", after,
                        "e1:q13:announce_peer1:t2:aa1:y1:qe");
  };
  EXPECT_TRUE(ParseKrpc(announce("", "4:porti6881e5:token1:x")).ok());
  EXPECT_TRUE(ParseKrpc(announce("12:implied_porti1e", "4:porti0e5:token1:x")).ok());
  EXPECT_TRUE(ParseKrpc(announce("12:implied_porti1e", "5:token1:x")).ok());
  EXPECT_FALSE(ParseKrpc(announce("", "4:porti0e5:token1:x")).ok());
  EXPECT_FALSE(ParseKrpc(announce("12:implied_porti0e", "4:porti0e5:token1:x")).ok());
  EXPECT_FALSE(ParseKrpc(announce("", "4:porti65536e5:token1:x")).ok());
  EXPECT_FALSE(ParseKrpc(announce("", "4:porti-1e5:token1:x")).ok());
  EXPECT_FALSE(ParseKrpc(announce("", "5:token1:x")).ok());
  EXPECT_FALSE(ParseKrpc(announce("", "4:porti6881e")).ok());
  EXPECT_TRUE(ParseKrpc(announce("", absl::StrCat("4:porti6881e5:token64:", std::string(64, 't')))).ok());
  EXPECT_FALSE(ParseKrpc(announce("", absl::StrCat("4:porti6881e5:token65:", std::string(65, 't')))).ok());
}

TEST(KrpcTest, LeavesOutFieldsOfReplies) {
  const std::string node = absl::StrCat(kLetters.Raw(), absl::HexStringToBytes("010203041ae1"));
  EXPECT_THAT(ParseReplyOrDie(ReplyWith(absl::StrCat("5:nodes52:", node, node))).nodes_v4, SizeIs(2));
  // One byte more or less, and none of them counts.
  EXPECT_THAT(ParseReplyOrDie(ReplyWith(absl::StrCat("5:nodes53:", node, node, "x"))).nodes_v4, IsEmpty());
  EXPECT_THAT(ParseReplyOrDie(ReplyWith(absl::StrCat("5:nodes51:", node, node.substr(1)))).nodes_v4, IsEmpty());
  EXPECT_THAT(ParseReplyOrDie(ReplyWith(absl::StrCat("6:nodes626:", node))).nodes_v6, IsEmpty());
  // Port 0; 0.0.0.0; an IPv4 address in IPv6's form.
  const std::string no_port = absl::StrCat(kLetters.Raw(), absl::HexStringToBytes("010203040000"));
  const std::string nowhere = absl::StrCat(kLetters.Raw(), absl::HexStringToBytes("000000001ae1"));
  EXPECT_THAT(ParseReplyOrDie(ReplyWith(absl::StrCat("5:nodes78:", no_port, node, nowhere))).nodes_v4, SizeIs(1));
  const std::string mapped =
      absl::StrCat(kLetters.Raw(), absl::HexStringToBytes("00000000000000000000ffff010203041ae1"));
  EXPECT_THAT(ParseReplyOrDie(ReplyWith(absl::StrCat("6:nodes638:", mapped))).nodes_v6, IsEmpty());
  // Values of 5, 7 and 6 bytes, a number, and one without a port.
  EXPECT_THAT(
      ParseReplyOrDie(ReplyWith(absl::StrCat("6:valuesl5:aaaaa7:aaaaaaa6:axje.ui7e6:aaaa", std::string(2, '\0'), "e")))
          .values,
      ElementsAre(At("97.120.106.101:11893")));
  EXPECT_EQ(ParseReplyOrDie(ReplyWith(absl::StrCat("5:token64:", std::string(64, 't')))).token.size(), 64u);
  EXPECT_EQ(ParseReplyOrDie(ReplyWith(absl::StrCat("5:token65:", std::string(65, 't')))).token, "");
}

TEST(KrpcTest, NeverSendsMoreThan1024Bytes) {
  KrpcReply reply;
  reply.transaction = std::string(kMaxDhtTransactionBytes, 't');
  reply.id = kAlphabet;
  reply.ip = At("[2001:db8::1]:6881");
  reply.token = std::string(8, 'x');
  reply.nodes_v4.assign(20, {kLetters, At("1.2.3.4:6881")});
  reply.nodes_v6.assign(20, {kLetters, At("[2001:db8::1]:6881")});
  for (const char* peer : {"1.2.3.4:6881", "[2001:db8::1]:6881"}) {
    reply.values.assign(500, At(peer));
    const std::string bytes = EncodeKrpc(reply);
    EXPECT_LE(bytes.size(), kMaxDhtSentBytes);
    EXPECT_GT(bytes.size(), kMaxDhtSentBytes - 22) << "there is room for another";
    const KrpcReply back = ParseReplyOrDie(bytes);
    EXPECT_THAT(back.nodes_v4, SizeIs(kDhtBucketNodes));
    EXPECT_THAT(back.nodes_v6, SizeIs(kDhtBucketNodes));
  }
}

TEST(KrpcTest, KeepsTheTargetOfAnUnknownMethod) {
  const KrpcQuery query =
      ParseQueryOrDie("d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q3:get1:t2:aa1:y1:qe");
  EXPECT_EQ(query.method, KrpcMethod::kUnknown);
  EXPECT_EQ(query.target, kLetters);
}

// Whatever comes is parsed or refused; what is parsed keeps its promises, and can be said again.
TEST(KrpcTest, SurvivesDamagedMessages) {
  Random random(1);
  const std::string node = absl::StrCat(kLetters.Raw(), absl::HexStringToBytes("010203041ae1"));
  const std::vector<std::string> originals = {
      std::string(kPing),
      std::string(kFindNode),
      std::string(kGetPeersReply),
      std::string(kAnnounce),
      ReplyWith(absl::StrCat("5:nodes26:", node)),
      "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
  };
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes = originals[random.Below(originals.size())];
    for (uint64_t damage = 1 + random.Below(3); damage > 0 && !bytes.empty(); --damage) {
      const size_t at = random.Below(bytes.size());
      switch (random.Below(4)) {
        case 0:
          bytes[at] = static_cast<char>(random.Next());
          break;
        case 1:
          bytes.erase(at, 1 + random.Below(5));
          break;
        case 2:
          bytes.insert(at, 1, "0123456789deil:"[random.Below(15)]);
          break;
        default:
          bytes.insert(at, bytes.substr(random.Below(bytes.size()), random.Below(30)));
      }
    }
    // A buffer of exactly that size, so that the sanitizer sees a read beyond it.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    absl::StatusOr<KrpcMessage> message = ParseKrpc(absl::string_view(exact.data(), exact.size()));
    if (!message.ok()) continue;
    ++accepted;
    if (auto* query = std::get_if<KrpcQuery>(&*message)) {
      ASSERT_FALSE(query->id == NodeId());
      ASSERT_LE(query->token.size(), kMaxDhtTokenBytes);
      ASSERT_TRUE(query->method != KrpcMethod::kAnnouncePeer || query->implied_port || query->port != 0);
      ASSERT_TRUE(ParseKrpc(EncodeKrpc(*query)).ok());
    } else if (auto* reply = std::get_if<KrpcReply>(&*message)) {
      for (const NodeInfo& info : reply->nodes_v4) ASSERT_NE(info.endpoint.port, 0);
      for (const Endpoint& peer : reply->values) ASSERT_NE(peer.port, 0);
      ASSERT_LE(EncodeKrpc(*reply).size(), kMaxDhtSentBytes);
      ASSERT_TRUE(ParseKrpc(EncodeKrpc(*reply)).ok());
    }
  }
  EXPECT_GT(accepted, 3'000) << "most were refused for their form alone: nothing deeper was tried";
}

}  // namespace
}  // namespace torrent
