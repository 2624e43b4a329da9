// A connection while only the infohash is known: handshakes, requests for the metadata (BEP 9), and keep-alives; of
// what the peer says besides, nothing is lost (early_messages.h). When the metadata is there, the connection itself is
// handed on, and a peer worker goes on with it.
//
//   connect ─► handshake ─► have none, extension handshake ─► loop { ask; wait; hear } ─► hand over
//
// Thread: its own (outgoing), or the one that accepted the connection (incoming).
// Invariant: whatever way it ends, its requests are given back and its link is out of the registry.
#ifndef TORRENT_SWARM_METADATA_WORKER_H_
#define TORRENT_SWARM_METADATA_WORKER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "net/stream.h"
#include "swarm/early_messages.h"
#include "swarm/events.h"
#include "swarm/handover.h"
#include "swarm/metadata_assembly.h"
#include "swarm/peer_hints.h"
#include "swarm/peer_link.h"
#include "swarm/peer_registry.h"
#include "swarm/pex_exchange.h"
#include "swarm/swarm_context.h"
#include "wire/extension.h"

namespace torrent {

// What the workers of one fetch share; outlives them.
struct MetadataContext {
  const SharedParts& shared;
  const Infohash infohash;
  const Events events;
  MetadataAssembly& assembly;
  PeerRegistry& registry;
  // A piece arrived, or an address. Any thread, no lock held.
  const std::function<void()> arrived;
  PeerHints& hints;
  std::atomic<int64_t> early_room{kMaxEarlyBytes};
};

class MetadataWorker {
 public:
  MetadataWorker(MetadataContext* context, std::shared_ptr<PeerLink> link);
  ~MetadataWorker();

  // Connects and lives until one side ends it, or the link is told to stop. OK: told so with an OK status, and the
  // connection stands; take it.
  absl::Status RunOutgoing(Budget::Slot half_open);
  // The same for a connection that was accepted and whose first 48 bytes were read.
  absl::Status RunIncoming(std::unique_ptr<Stream> stream, wire::Handshake theirs, TimePoint handshake_deadline);
  // Once, after OK. Its slot is the caller's to fill.
  LiveConnection Take();

 private:
  wire::Handshake Greeting() const;
  absl::Status Live();
  void SayExtensionHandshake();
  absl::Status HandOver();
  absl::Status SendOut(TimePoint now);
  absl::Status Wait(TimePoint deadline, bool* readable);
  absl::Status ReadIn(TimePoint now);
  absl::Status CheckTimes(TimePoint now) const;
  absl::Status HandleExtended(uint8_t extended_id, absl::string_view payload, TimePoint now);
  absl::Status HandleExtensionHandshake(absl::string_view payload, TimePoint now);
  absl::Status HandleMetadata(absl::string_view payload, TimePoint now);
  absl::Status HandlePex(absl::string_view payload, TimePoint now);

  MetadataContext* const context_;
  const std::shared_ptr<PeerLink> link_;
  std::unique_ptr<Stream> stream_;
  wire::Handshake theirs_;
  std::unique_ptr<EarlyMessages> early_;
  wire::ExtensionIds extension_ids_;
  PexExchange pex_;  // heard only: whom to tell of is not known yet
  std::string out_;
  TimePoint last_received_;
  TimePoint last_sent_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_METADATA_WORKER_H_
