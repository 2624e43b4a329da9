#include "swarm/our_handshakes.h"

#include "base/limits.h"

namespace torrent {

wire::Handshake OurHandshake(const SharedParts& shared, const Infohash& infohash, bool dht) {
  wire::Handshake ours;
  ours.fast = true;
  ours.extended = true;
  ours.dht = dht;
  ours.infohash = infohash;
  ours.peer_id = shared.peer_id;
  return ours;
}

wire::ExtensionHandshake OurExtensionHandshake(const SharedParts& shared, const Address& peer) {
  wire::ExtensionHandshake ours;
  ours.client = "torrent " TORRENT_VERSION;
  ours.request_queue = static_cast<uint32_t>(kMaxPeerRequests);
  if (shared.port != 0) ours.port = shared.port;
  ours.your_ip.assign(peer.bytes().begin(), peer.bytes().end());
  return ours;
}

}  // namespace torrent
