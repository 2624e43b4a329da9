// What a session tells of its node of the distributed hash table (BEP 5), and of a search in it. Plain values.
#ifndef TORRENT_DHT_H_
#define TORRENT_DHT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace torrent {

struct DhtStatus {
  std::string id;  // of our node, 40 hex digits (that of IPv4)
  uint32_t nodes_v4 = 0;
  uint32_t nodes_v6 = 0;
  uint32_t good_nodes = 0;    // answered within the last 15 minutes
  uint32_t lookups = 0;       // under way
  uint64_t lookups_done = 0;  // in this run
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  uint64_t dropped = 0;     // datagrams refused: malformed, over a limit, from where nobody was asked
  std::string external_v4;  // our addresses as several nodes saw them (BEP 42); empty: not known
  std::string external_v6;
  bool bootstrapped = false;  // somebody answered
};

struct DhtSearchResult {
  std::vector<std::string> peers;  // "address:port", each once
  uint32_t answered = 0;           // nodes
  uint32_t hops = 0;               // to the closest
};

}  // namespace torrent

#endif  // TORRENT_DHT_H_
