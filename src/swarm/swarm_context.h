// What the workers of one swarm share, handed to each as one reference: constants, and parts that lock for themselves.
// Owned by the swarm; outlives all of its workers.
#ifndef TORRENT_SWARM_SWARM_CONTEXT_H_
#define TORRENT_SWARM_SWARM_CONTEXT_H_

#include <atomic>
#include <functional>
#include <memory>

#include "base/budget.h"
#include "base/buffer_pool.h"
#include "base/rate_limiter.h"
#include "dht/dht.h"
#include "metainfo/piece_layout.h"
#include "net/bind_options.h"
#include "storage/file_store.h"
#include "storage/piece_writer.h"
#include "swarm/events.h"
#include "swarm/peer_hints.h"
#include "swarm/peer_registry.h"
#include "swarm/pex_roster.h"
#include "swarm/piece_queue.h"
#include "swarm/serving.h"
#include "torrent/metainfo.h"

namespace torrent {

// What all swarms of a session share. Outlives them.
struct SharedParts {
  BufferPool* buffers = nullptr;
  RateLimiter* download = nullptr;
  RateLimiter* upload = nullptr;
  Budget* connections = nullptr;
  Budget* half_open = nullptr;
  BindOptions bind;
  wire::PeerId peer_id{};
  uint16_t port = 0;      // that we listen on; 0: not at all
  uint16_t udp_port = 0;  // of the DHT's node; 0: nobody can reach it
  Dht* dht = nullptr;     // null: without
  bool pex = true;        // peer exchange, where the torrent is not private
};

// Why the coordinator should look around now.
enum Duty : uint32_t {
  kInterestChanged = 1u << 0,  // a peer became interested (or left a slot): a slot may be given at once
  kUpkeep = 1u << 1,           // the piece queue has hash work, evidence or a verdict
  kPeerLeft = 1u << 2,
  kPiecesWritten = 1u << 3,
  kInbox = 1u << 4,  // results of announces, what peers told, disk errors, a request to stop
};

struct SwarmContext {
  const SharedParts& shared;
  const std::shared_ptr<const Metainfo> metainfo;
  const PieceLayout& layout;
  const Events events;
  PieceQueue& queue;
  PeerRegistry& registry;
  FileStore& files;
  PieceWriter::Queue& writer;
  Serving& serving;
  // Wakes the coordinator for these duties. Cheap; any thread.
  const std::function<void(uint32_t duties)> call;
  // Carries out what a call of the piece queue asks for elsewhere. Any thread, no lock held.
  const std::function<void(const PieceQueue::Effects&)> carry_out;
  // What peers tell, for the coordinator, who is then called with kInbox.
  PeerHints& hints;
  // What peers are told.
  PexRoster& roster;

  std::atomic<uint64_t> downloaded{0};  // payload bytes, of peers that are gone too
  std::atomic<uint64_t> uploaded{0};
  std::atomic<uint64_t> wasted{0};
  // The disk is full or broken: nobody reads payload.
  std::atomic<bool> disk_waits{false};
};

}  // namespace torrent

#endif  // TORRENT_SWARM_SWARM_CONTEXT_H_
