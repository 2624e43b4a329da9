// The distributed hash table that finds peers without a tracker (BEP 5; 32 for IPv6, 42 for node ids, 43 for read-only
// nodes, 45 for addresses): our node of it, alive on a thread of its own, for all torrents of a session.
// Thread-safe. Invariant: nothing leaves before Start and after the destructor; an address that came from the DHT was
// checked against the address policy (net/address_policy.h) before it is handed out.
#ifndef TORRENT_DHT_DHT_H_
#define TORRENT_DHT_DHT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "net/endpoint.h"
#include "net/resolver.h"
#include "net/udp_port.h"
#include "torrent/dht.h"
#include "torrent/sha1.h"

namespace torrent {

struct DhtOptions {
  UdpPort* port = nullptr;       // outlives the node; its kDht datagrams are taken
  Resolver* resolver = nullptr;  // for the names of bootstrap nodes; outlives the node
  std::string state_path;        // the table is kept there (0600, replaced atomically); empty: not at all
  // Names and ports of nodes to begin with. `bootstrap` are routers (bootstrap_nodes.h): asked, but not kept in the
  // table, and only at global addresses. Those that the user typed (`--dht-bootstrap`) are nodes like others and may
  // stand anywhere, also on loopback.
  std::vector<std::pair<std::string, uint16_t>> bootstrap;
  std::vector<std::pair<std::string, uint16_t>> user_bootstrap;
  bool read_only = false;  // BEP 43: we ask and do not answer (nobody can reach us: --no-listen)
};

class Dht {
 public:
  // ResourceExhausted: no thread. Missing or damaged state is no error.
  static absl::StatusOr<std::unique_ptr<Dht>> Start(DhtOptions options);
  // Ends all searches (`on_done` of none is called), saves the table and joins the thread. Handles may outlive it.
  virtual ~Dht() = default;

  // A search is for peers of `infohash`, in both tables at once, and announces us to the closest nodes when it has
  // found them (`announce_port` is our TCP port; 0: do not announce). It waits while both tables are empty, for ever if
  // need be; a family that alone is empty is waited for kDhtFamilyPatience once the other is through. Callbacks run on
  // the DHT's thread, must be short, and must not call back into the DHT; none runs once the Search is destroyed.
  struct SearchOptions {
    Infohash infohash;
    uint16_t announce_port = 0;
    // New peers as they arrive, each once a search.
    std::function<void(const std::vector<Endpoint>& peers)> on_peers;
    // The search has ended, with its announces; how many nodes answered it, and how many hops it took to the closest
    // (1: it was in our own table).
    std::function<void(uint32_t answered, uint32_t hops)> on_done;
  };
  class Search {
   public:
    virtual ~Search() = default;  // ends it; no callback of it runs any more when this returns
  };
  virtual std::unique_ptr<Search> GetPeers(SearchOptions options) = 0;

  // A node that somebody named: a peer (its PORT message), a .torrent or magnet (`nodes`). Pinged before it is trusted.
  // `source` is where it stands who named it, for the address policy; nothing for what the user typed.
  virtual void AddNode(const Endpoint& node, const absl::optional<Address>& source) = 0;
  // The same by name, as a .torrent has it; resolved on the way. Anybody may have written it, so only global addresses
  // and ports from 1024 on are followed.
  virtual void AddNode(const std::string& host, uint16_t port) = 0;

  virtual DhtStatus Status() const = 0;
};

}  // namespace torrent

#endif  // TORRENT_DHT_DHT_H_
