// A live connection as the rest of the swarm sees it: what its worker says about itself, and the mailbox by which
// others reach the worker. The worker writes, the coordinator reads; each figure is right by itself. Thread-safe; lives
// as long as its worker or who looks at it, whichever is longer.
#ifndef TORRENT_SWARM_PEER_LINK_H_
#define TORRENT_SWARM_PEER_LINK_H_

#include <atomic>
#include <string>

#include "base/clock.h"
#include "net/endpoint.h"
#include "swarm/mailbox.h"
#include "torrent/event.h"
#include "wire/peer_id.h"

namespace torrent {

struct PeerLink {
  PeerLink(uint64_t id, const Endpoint& endpoint, PeerSource source, bool incoming, Wakeup wakeup)
      : id(id), endpoint(endpoint), source(source), incoming(incoming), started(Now()), mailbox(std::move(wakeup)) {}

  const uint64_t id;  // of the connection; never used twice in a swarm
  const Endpoint endpoint;
  const PeerSource source;
  const bool incoming;
  const TimePoint started;
  Mailbox mailbox;

  std::atomic<ClaimantId> claimant{0};
  std::atomic<bool> established{false};  // handshakes are through
  std::atomic<uint64_t> downloaded{0};   // payload bytes
  std::atomic<uint64_t> uploaded{0};
  std::atomic<bool> am_choking{true};
  std::atomic<bool> am_interested{false};
  std::atomic<bool> peer_choking{true};
  std::atomic<bool> peer_interested{false};
  std::atomic<bool> idle{false};  // unchoked, and takes nothing
  std::atomic<bool> is_seed{false};
  std::atomic<bool> snubbed{false};         // gave nothing for a minute that it was asked for
  std::atomic<bool> hungry{false};          // would claim more than there was
  std::atomic<bool> waits_for_room{false};  // does not read until the writer has room
  std::atomic<bool> wants_news{false};      // lacks pieces, so a `have` may matter to it
  std::atomic<bool> counted{false};         // by the coordinator, among those that were connected
  // Where one that came to us can be dialled, as it told (BEP 10, `p`); 0: it did not.
  std::atomic<uint16_t> listening_port{0};
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_LINK_H_
