// What the DHT left to the next run, as it may have become on the disk.
#include "base/limits.h"
#include "dht/state_file.h"
#include "test/fuzz/fuzz_target.h"

namespace torrent::fuzz {

FUZZ_TARGET(dht_state) {
  const absl::StatusOr<DhtState> state = DecodeDhtState(input);
  if (!state.ok()) return;
  FUZZ_CHECK(state->nodes_v4.size() <= kMaxDhtStateNodes && state->nodes_v6.size() <= kMaxDhtStateNodes);
  const absl::StatusOr<DhtState> again = DecodeDhtState(EncodeDhtState(*state));
  FUZZ_CHECK(again.ok() && again->id_v4 == state->id_v4 && again->id_v6 == state->id_v6);
  FUZZ_CHECK(again->nodes_v4 == state->nodes_v4 && again->nodes_v6 == state->nodes_v6);
}

}  // namespace torrent::fuzz
