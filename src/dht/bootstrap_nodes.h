// Where a DHT that knows nobody begins: nodes that serve everybody's first question, by name. Who they are changes with
// the years; this is the one place that says it.
#ifndef TORRENT_DHT_BOOTSTRAP_NODES_H_
#define TORRENT_DHT_BOOTSTRAP_NODES_H_

#include <cstdint>

namespace torrent {

struct BootstrapName {
  const char* host;
  uint16_t port;
};

inline constexpr BootstrapName kBootstrapNodes[] = {
    {"dht.libtorrent.org", 25401},
    {"dht.transmissionbt.com", 6881},
    {"router.bt.ouinet.work", 6881},
    // Silent in May 2026; most clients have named them since 2005, so they may come back.
    {"router.bittorrent.com", 6881},
    {"router.utorrent.com", 6881},
};

}  // namespace torrent

#endif  // TORRENT_DHT_BOOTSTRAP_NODES_H_
