// Node ids of the DHT: how far apart two are (BEP 5: xor, as a number), and which ids an address may have (BEP 42), so
// that who has few addresses cannot choose where in the table it stands.
// Pure; ids are immutable values of 20 bytes.
#ifndef TORRENT_DHT_NODE_ID_H_
#define TORRENT_DHT_NODE_ID_H_

#include <cstdint>

#include "net/address.h"
#include "net/endpoint.h"
#include "torrent/sha1.h"

namespace torrent {

using NodeId = Sha1Hash;

inline constexpr int kNodeIdBits = 160;

// A node as others name it: 26 bytes in `nodes`, 38 in `nodes6`.
struct NodeInfo {
  NodeId id;
  Endpoint endpoint;
  friend bool operator==(const NodeInfo& a, const NodeInfo& b) { return a.id == b.id && a.endpoint == b.endpoint; }
};

NodeId RandomNodeId();
// How many bits are the same from the first on; 160 for equal ids.
int SharedPrefixBits(const NodeId& a, const NodeId& b);
// Whether `a` is closer to `target` than `b`.
bool IsCloser(const NodeId& a, const NodeId& b, const NodeId& target);
// Shares exactly the first `bits` bits with `id`, in [0, 160); the rest is random.
NodeId RandomIdSharing(const NodeId& id, int bits);

// BEP 42: the first 21 bits from the address and `r`, the last byte `r`, the rest random.
NodeId NodeIdFor(const Address& address, uint8_t r);
// Whether a node at `address` may have `id`. Addresses that are not global may have any: there, nobody from outside
// chooses.
bool NodeIdFits(const NodeId& id, const Address& address);

}  // namespace torrent

#endif  // TORRENT_DHT_NODE_ID_H_
