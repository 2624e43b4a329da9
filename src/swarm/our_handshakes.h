// What we say of ourselves to every peer (BEP 3, 10), in a swarm and while its metadata is fetched.
#ifndef TORRENT_SWARM_OUR_HANDSHAKES_H_
#define TORRENT_SWARM_OUR_HANDSHAKES_H_

#include <cstdint>

#include "swarm/swarm_context.h"
#include "torrent/sha1.h"
#include "wire/extension.h"
#include "wire/handshake.h"

namespace torrent {

// The ids under which peers send us extension messages (BEP 10: who receives chooses them).
inline constexpr uint8_t kOurMetadataId = 2;  // ut_metadata, BEP 9
inline constexpr uint8_t kOurPexId = 5;       // ut_pex, BEP 11

// `dht`: whether we have a node that the peer may be told of.
wire::Handshake OurHandshake(const SharedParts& shared, const Infohash& infohash, bool dht);

// What holds for any torrent; which extensions are spoken, and what we have, is still to be filled in. `peer` is where
// the peer stands, which it is told.
wire::ExtensionHandshake OurExtensionHandshake(const SharedParts& shared, const Address& peer);

}  // namespace torrent

#endif  // TORRENT_SWARM_OUR_HANDSHAKES_H_
