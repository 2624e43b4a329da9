// Why a download stands still: what its figures say, in the order in which a person would look. Pure.
#ifndef TORRENT_SWARM_STALL_H_
#define TORRENT_SWARM_STALL_H_

#include <cstdint>

#include "base/clock.h"
#include "torrent/session.h"

namespace torrent {

// Shorter pauses are ordinary: a peer that chokes, the end of a pipeline.
inline constexpr Duration kStallAfter = std::chrono::seconds(5);

struct StallFigures {
  bool wants_payload = false;  // is a download, and not complete
  bool disk_full = false;
  Duration without_payload{};  // since the last block, or since the start
  uint32_t known = 0;          // addresses
  uint32_t connected = 0;      // peers, handshakes done
  uint32_t interesting = 0;    // of these: they have something that is missing
  uint32_t unchoking = 0;      // of these
};

Stall DecideStall(const StallFigures& figures);

}  // namespace torrent

#endif  // TORRENT_SWARM_STALL_H_
