// The messages of the DHT as bytes and as values (BEP 5 "KRPC protocol"; BEP 32 for `want` and `nodes6`, BEP 42 for
// `ip`, BEP 43 for `ro`): one bencoded dictionary a datagram, with `t` the transaction id, `y` what it is (q, r or e).
// Pure. Invariant: what ParseKrpc lets through has ids of 20 bytes, endpoints with an address and a port, and tokens
// and transaction ids within their bounds; what EncodeKrpc gives is at most kMaxDhtSentBytes long.
#ifndef TORRENT_DHT_KRPC_H_
#define TORRENT_DHT_KRPC_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "dht/node_id.h"

namespace torrent {

enum class KrpcMethod : uint8_t { kPing, kFindNode, kGetPeers, kAnnouncePeer, kUnknown };

struct KrpcQuery {
  std::string transaction;
  KrpcMethod method = KrpcMethod::kPing;
  NodeId id;      // the sender's
  NodeId target;  // of find_node; the infohash of get_peers and announce_peer
  // Of announce_peer: the port where the peer takes connections, unless `implied_port`: then the datagram's.
  uint16_t port = 0;
  bool implied_port = false;
  std::string token;
  // BEP 32: the families of nodes that the reply shall have. Neither: that of the datagram.
  bool want_v4 = false;
  bool want_v6 = false;
  bool read_only = false;  // BEP 43: the sender answers nobody
};

struct KrpcReply {
  std::string transaction;
  NodeId id;
  std::vector<NodeInfo> nodes_v4, nodes_v6;
  std::vector<Endpoint> values;  // peers
  std::string token;             // empty: none
  absl::optional<Endpoint> ip;   // BEP 42: the asker, as the sender sees it
};

struct KrpcError {
  std::string transaction;
  int64_t code = 0;
  std::string text;  // as it came: to be cleaned before it is shown
};

// Codes of BEP 5.
inline constexpr int64_t kKrpcProtocolError = 203;  // also: bad token
inline constexpr int64_t kKrpcMethodUnknown = 204;

using KrpcMessage = std::variant<KrpcQuery, KrpcReply, KrpcError>;

// InvalidArgument, for what is to be dropped: no message, or one that breaks its form (an id that is not 20 bytes, an
// announce without a port or a token). In a reply, a field that breaks its form is left out and the rest stays: `nodes`
// that is no multiple of 26 bytes (`nodes6`: 38), a value that is not 6 or 18, a token that is too long. Nodes and
// values without an address or port are left out one by one. An unknown method with a `target` or `info_hash` keeps it.
absl::StatusOr<KrpcMessage> ParseKrpc(absl::string_view datagram);

std::string EncodeKrpc(const KrpcQuery& query);
// As many of the values as there is room for. At most 8 nodes of each family.
std::string EncodeKrpc(const KrpcReply& reply);
std::string EncodeKrpc(const KrpcError& error);

}  // namespace torrent

#endif  // TORRENT_DHT_KRPC_H_
