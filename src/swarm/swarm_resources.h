// What a torrent needs of its session, beyond what its workers do, in both of its phases (metadata, swarm). Owned by
// the session; outlives its torrents.
#ifndef TORRENT_SWARM_SWARM_RESOURCES_H_
#define TORRENT_SWARM_SWARM_RESOURCES_H_

#include <functional>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "storage/checkpoint.h"
#include "storage/piece_writer.h"
#include "storage/state_dir.h"
#include "swarm/peer_finder.h"
#include "swarm/swarm_context.h"
#include "torrent/session.h"
#include "tracker/udp_transactions.h"

namespace torrent {

struct SwarmResources {
  SharedParts shared;
  const StateDir* state_dir = nullptr;
  FilePool* files = nullptr;
  Checkpointer* checkpointer = nullptr;
  // The one writer of that device; made when it is first asked for.
  std::function<absl::StatusOr<PieceWriter*>(uint64_t device)> writer_of;
  Budget* announces = nullptr;
  Resolver* resolver = nullptr;
  UdpTransactions* udp_trackers = nullptr;  // on the session's UDP port; null: UDP trackers are skipped
  LanDiscovery* lan = nullptr;              // null: without
  EventListener* listener = nullptr;
  uint32_t tracker_key = 0;
  size_t writer_queue_bytes = kWriterQueueBytes;

  // The sources of peers of a torrent with these options; what the torrent itself names is still to be filled in.
  PeerFinder::Options Sources(const Infohash& infohash, const TorrentOptions& options) const;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_SWARM_RESOURCES_H_
