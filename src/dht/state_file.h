// What a run of the DHT leaves to the next: our ids and the nodes that were well. A bencoded dictionary, mode 0600,
// replaced as a whole; read back by the strict decoder, and its nodes are believed only after they answered.
// Blocking; thread: the DHT's. Invariant: damage of any kind costs the beginning some seconds, and nothing else.
#ifndef TORRENT_DHT_STATE_FILE_H_
#define TORRENT_DHT_STATE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "dht/node_id.h"

namespace torrent {

struct DhtState {
  absl::optional<NodeId> id_v4, id_v6;
  std::vector<NodeInfo> nodes_v4, nodes_v6;
};

// `id` and `id6` of 20 bytes, `nodes` of 26 a node, `nodes6` of 38; at most kMaxDhtStateNodes of each.
std::string EncodeDhtState(const DhtState& state);
// Fields that break their form are left out; InvalidArgument when it is no dictionary at all.
absl::StatusOr<DhtState> DecodeDhtState(absl::string_view bytes);

// NotFound: there is none. InvalidArgument: no state, or larger than kMaxDhtStateBytes. Others as the system says.
absl::StatusOr<DhtState> LoadDhtState(const std::string& path);
// Writes beside it, forces that onto the disk, and renames. When it fails, what was there is there still.
absl::Status SaveDhtState(const std::string& path, const DhtState& state);

}  // namespace torrent

#endif  // TORRENT_DHT_STATE_FILE_H_
