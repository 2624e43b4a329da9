// Local discovery (BEP 14): tells the local network which torrents we have by multicast, and hears who has the same.
// One for a session, for IPv4 (239.192.152.143:6771) and IPv6 ([ff15::efc0:988f]:6771).
// Thread-safe; its thread "lan" owns the sockets and waits in them. Invariant: an announce of a torrent each five
// minutes at most; what we sent ourselves (by its cookie) is not heard; TTL 1.
#ifndef TORRENT_LAN_LAN_DISCOVERY_H_
#define TORRENT_LAN_LAN_DISCOVERY_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "net/bind_options.h"
#include "net/endpoint.h"
#include "torrent/sha1.h"

namespace torrent {

// Where local discovery speaks and hears; other values than these are for tests.
struct LanGroups {
  Endpoint v4 = *Endpoint::Parse("239.192.152.143:6771");
  Endpoint v6 = *Endpoint::Parse("[ff15::efc0:988f]:6771");
};

class LanDiscovery {
 public:
  // `tcp_port`: where we listen; what is told (0: we only hear). ResourceExhausted: no descriptor or thread;
  // Unavailable: no interface that takes multicast. Interfaces that come later are joined at the next announce.
  static absl::StatusOr<std::unique_ptr<LanDiscovery>> Start(uint16_t tcp_port, const BindOptions& bind,
                                                             const LanGroups& groups = {});
  virtual ~LanDiscovery() = default;

  // While the handle lives, `infohash` is announced (at once, then each five minutes) and peers that announce it are
  // told to `on_peer`: the sender's address with the port that it named, once each five minutes, and of one address at
  // most one a minute. Only neighbours are heard (lan/lan_interfaces.h). The callback runs on the thread "lan", must be
  // short and must not destroy the handle; none runs once the handle is destroyed, which may outlive this object.
  class Torrent {
   public:
    virtual ~Torrent() = default;
  };
  virtual std::unique_ptr<Torrent> Add(const Infohash& infohash, std::function<void(const Endpoint& peer)> on_peer) = 0;
};

}  // namespace torrent

#endif  // TORRENT_LAN_LAN_DISCOVERY_H_
