#include "swarm/stall.h"

namespace torrent {

Stall DecideStall(const StallFigures& figures) {
  if (!figures.wants_payload) return Stall::kNone;
  if (figures.disk_full) return Stall::kDiskFull;
  if (figures.without_payload < kStallAfter) return Stall::kNone;
  if (figures.connected == 0) return figures.known == 0 ? Stall::kNoPeersKnown : Stall::kNoneAnswers;
  if (figures.interesting == 0) return Stall::kLackPieces;
  return figures.unchoking == 0 ? Stall::kAllChoke : Stall::kNoneSends;
}

}  // namespace torrent
