// Which addresses we follow when others name them: a hint never leads further in than its source stands, so that a
// stranger cannot make this machine knock at doors that only it can reach. Pure.
#ifndef TORRENT_NET_ADDRESS_POLICY_H_
#define TORRENT_NET_ADDRESS_POLICY_H_

#include "net/endpoint.h"

namespace torrent {

// Who named the address.
enum class HintKind {
  kUser,      // typed at the shell: exempt, as long as it can be connected to at all
  kTracker,   // an announce's peer list; its source is the address that was really connected to
  kIncoming,  // the listening port that a connected peer told about itself
  kPex,       // BEP 11
  kDht,       // BEP 5
  kLan,       // BEP 14
};

// Whether somebody at `source` may name addresses of reach `target`: global leads to global only, private to private or
// global, loopback anywhere. Link-local, multicast and unspecified targets: never.
bool MayLeadTo(Reach source, Reach target);

// Whether the endpoint that somebody at `source` named may be connected to. Port 0 never; ports under 1024 never from
// DHT and PEX, because no client listens there and services do.
bool MayLeadTo(const Address& source, const Endpoint& hinted, HintKind kind);

}  // namespace torrent

#endif  // TORRENT_NET_ADDRESS_POLICY_H_
