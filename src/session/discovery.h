// What all torrents of a session share to find peers without a tracker of their own: our UDP port, the node of the DHT,
// local discovery. Each is a help, none a need: what the machine refuses is left out.
// Thread-safe.
#ifndef TORRENT_SESSION_DISCOVERY_H_
#define TORRENT_SESSION_DISCOVERY_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "dht/dht.h"
#include "lan/lan_discovery.h"
#include "net/bind_options.h"
#include "net/resolver.h"
#include "net/udp_port.h"
#include "storage/state_dir.h"
#include "torrent/session.h"
#include "tracker/udp_transactions.h"

namespace torrent {

class Discovery {
 public:
  // Opens the UDP port: with the number of `tcp_port`, where we listen (0: not at all), if that is free. Nothing is
  // sent yet. InvalidArgument for a bootstrap node that is not HOST:PORT. All arguments outlive this.
  static absl::StatusOr<std::unique_ptr<Discovery>> Start(const SessionOptions& options, uint16_t tcp_port,
                                                          const BindOptions& bind, Resolver* resolver,
                                                          const StateDir& state_dir);

  // Becomes a node of the DHT and listens to the local network, as far as the options ask for it. Not before the first
  // torrent that is not private: until then no datagram leaves.
  void Join();

  // Null: there is none.
  UdpTransactions* udp_trackers() const { return transactions_.get(); }
  // After Join.
  Dht* dht() const { return dht_.get(); }
  LanDiscovery* lan() const { return lan_.get(); }
  uint16_t udp_port() const { return port_ == nullptr ? 0 : port_->port(); }

  // See Session::SearchDht.
  absl::StatusOr<DhtSearchResult> Search(const Infohash& infohash, std::chrono::milliseconds timeout,
                                         const std::function<void(const std::vector<std::string>&)>& on_peers);

 private:
  Discovery(const SessionOptions& options, uint16_t tcp_port, const BindOptions& bind)
      : options_(options), tcp_port_(tcp_port), bind_(bind) {}

  const SessionOptions& options_;
  const uint16_t tcp_port_;
  const BindOptions& bind_;
  DhtOptions dht_options_;

  // What stands below uses what stands above, and goes first.
  std::unique_ptr<UdpPort> port_;
  std::unique_ptr<UdpTransactions> transactions_;
  std::once_flag joined_;  // no lock of ours: starting reads the nodes of the run before
  std::unique_ptr<Dht> dht_;
  std::unique_ptr<LanDiscovery> lan_;
};

}  // namespace torrent

#endif  // TORRENT_SESSION_DISCOVERY_H_
