// Our nodes of both families, as one session has them, and the datagrams of strangers. First byte: 1, a read-only node.
// Then acts: from whom (below), how much later, two bytes of length, the datagram. In it "4:TXID" becomes the
// transaction id of the query that we last sent there, "5:TOKEN" the token that we last gave there: what a stranger
// cannot guess, and a node that we asked knows.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "dht/node.h"
#include "net/address_policy.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/reader.h"

namespace torrent::fuzz {
namespace {

// 0 to 7: one of these to the node of its family.
constexpr const char* kStrangers[] = {"8.8.8.8:6881",     "9.9.9.9:6881",        "8.8.4.4:2000",
                                      "10.0.0.1:6881",    "127.0.0.1:6881",      "[2001:4860::1]:6881",
                                      "[2001:db9::1]:53", "[2001:4860::1]:20000"};
// 8: whoever was asked last. 9: a search begins; 10: for an announce; 11: a stranger to begin with; 12: one that was
// heard of. All others are strangers too.
enum Act : uint8_t { kAsked = 8, kSearch, kAnnounce, kBootstrap, kHeard, kActs };

struct Known {
  std::string transaction, token;
};

class World {
 public:
  explicit World(bool read_only) : read_only_(read_only), v4_(OptionsFor(true), now_), v6_(OptionsFor(false), now_) {
    v4_.Join(&v6_);
    for (const char* text : kStrangers) strangers_.push_back(*Endpoint::Parse(text));
  }

  void Do(uint8_t act, uint8_t later, absl::string_view datagram) {
    now_ += later < 200 ? std::chrono::milliseconds(10) * later : Duration(std::chrono::minutes(later - 199));
    const Endpoint& stranger = act < kAsked ? strangers_[act] : strangers_[later % strangers_.size()];
    Node* const node = stranger.address.is_v4() ? &v4_ : &v6_;
    DhtSearch search;
    switch (act) {
      case kAnnounce:
        search.announce_port = 6881;
        ABSL_FALLTHROUGH_INTENDED;
      case kSearch:
        if (v4_.searches() > 40) break;
        search.for_peers = true;
        search.target = infohash_;
        node->BeginSearch(search, now_);
        break;
      case kBootstrap:
        node->AddBootstrap(stranger, later % 2 == 1, now_);
        break;
      case kHeard:
        node->AddHeard(stranger);
        break;
      case kAsked:
        Deliver(asked_, datagram);
        break;
      default:
        Deliver(stranger, datagram);
    }
    v4_.Step(now_);
    v6_.Step(now_);
    FUZZ_CHECK(v4_.stored_peers() <= kMaxDhtStoredPeers && v6_.stored_peers() <= kMaxDhtStoredPeers);
    FUZZ_CHECK(v4_.table().size() <= v4_.table().bucket_count() * kDhtBucketNodes);
  }

 private:
  Node::Options OptionsFor(bool v4) {
    Node::Options options;
    options.v4 = v4;
    options.id = NodeId::FromRaw("our own node's id 20");
    options.read_only = read_only_;
    options.send = [this](const Endpoint& to, const std::string& datagram) { Sent(to, datagram); };
    return options;
  }

  void Deliver(const Endpoint& from, absl::string_view datagram) {
    if (from.port == 0) return;
    const Known& known = known_[from];
    const std::string bytes =
        absl::StrReplaceAll(datagram, {{"4:TXID", absl::StrCat(known.transaction.size(), ":", known.transaction)},
                                       {"5:TOKEN", absl::StrCat(known.token.size(), ":", known.token)}});
    (from.address.is_v4() ? v4_ : v6_).Receive(from, bytes, now_);
  }

  void Sent(const Endpoint& to, const std::string& datagram) {
    FUZZ_CHECK(to.port != 0 && datagram.size() <= kMaxDhtSentBytes);
    const absl::StatusOr<KrpcMessage> message = ParseKrpc(datagram);
    FUZZ_CHECK(message.ok());
    if (const auto* query = std::get_if<KrpcQuery>(&*message)) {
      known_[to].transaction = query->transaction;
      asked_ = to;
    } else {
      FUZZ_CHECK(!read_only_);  // BEP 43
      if (const auto* reply = std::get_if<KrpcReply>(&*message)) known_[to].token = reply->token;
    }
  }

  const bool read_only_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  const Infohash infohash_ = Infohash::FromRaw("an infohash of 20 b.");
  std::map<Endpoint, Known> known_;
  std::vector<Endpoint> strangers_;
  Endpoint asked_;
  Node v4_, v6_;
};

}  // namespace

FUZZ_TARGET(dht_packet) {
  Reader reader(input);
  World world((reader.Byte() & 1) != 0);
  for (int i = 0; !reader.empty() && i < 200; i++) {
    const uint8_t act = reader.Byte() % kActs;
    const uint8_t later = reader.Byte();
    world.Do(act, later, reader.Part());
  }
}

}  // namespace torrent::fuzz
