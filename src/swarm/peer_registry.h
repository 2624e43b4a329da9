// The live connections of a swarm: who may be added, who is reached how, and how all are stopped.
// Thread-safe. Lock order: the registry's before a mailbox's. Invariant: a link is in here from before its worker
// starts until after it ended; one established connection a peer id.
#ifndef TORRENT_SWARM_PEER_REGISTRY_H_
#define TORRENT_SWARM_PEER_REGISTRY_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "swarm/peer_link.h"

namespace torrent {

class PeerRegistry {
 public:
  explicit PeerRegistry(const wire::PeerId& own_id) : own_id_(own_id) {}

  // A link for a connection that is about to begin. ResourceExhausted: no descriptor for its wake-up. Cancelled: after
  // StopAll.
  absl::StatusOr<std::shared_ptr<PeerLink>> Add(const Endpoint& endpoint, PeerSource source, bool incoming);
  void Remove(const PeerLink& link);

  // Settles who stays once the peer named itself: OK, and the link counts as that peer's. FailedPrecondition: it is
  // ourselves. AlreadyExists: connected already. When both sides connected to each other at once, both keep the
  // connection that the side with the greater peer id made; the other is told to stop.
  absl::Status Admit(const std::shared_ptr<PeerLink>& link, const wire::PeerId& peer_id);

  void PostCancel(ClaimantId claimant, const BlockRef& block);
  // Stops all connections with that address: the port alone tells peers of one machine apart only where it is not
  // global.
  void StopLiar(const Endpoint& endpoint);
  // Wakes those for whom `choose` is true, of those whose handshakes are through.
  void WakeIf(const std::function<bool(const PeerLink&)>& choose);
  // No Add succeeds any more, and all that are here are asked to leave.
  void StopAll(const absl::Status& reason);
  // Waits until nobody is left, or `deadline`; true when nobody is.
  bool WaitEmpty(TimePoint deadline);

  std::vector<std::shared_ptr<PeerLink>> Links() const;
  size_t size() const;

 private:
  const wire::PeerId own_id_;
  mutable Mutex mutex_;
  CondVar removed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<uint64_t, std::shared_ptr<PeerLink>> links_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<wire::PeerId, std::shared_ptr<PeerLink>> by_peer_id_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_REGISTRY_H_
