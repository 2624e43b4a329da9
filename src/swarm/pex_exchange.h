// Peer exchange on one connection (BEP 11): when the peer is told of whom, and what of that which it tells is believed.
// Thread: the connection's worker. Takes `now`: tested without waiting.
// Invariant: at most a message each kPexInterval is sent; of what comes too often nothing is read.
#ifndef TORRENT_SWARM_PEX_EXCHANGE_H_
#define TORRENT_SWARM_PEX_EXCHANGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/limits.h"
#include "swarm/pex_roster.h"

namespace torrent {

class PexExchange {
 public:
  // `roster` outlives it; `link` and `peer` are of this connection.
  PexExchange(PexRoster* roster, uint64_t link, const Address& peer) : roster_(roster), link_(link), peer_(peer) {}

  // --- What we tell ------------------------------------------------------------------------------------------------
  // Whether the peer hears us: it named ut_pex, or took that back.
  void SetHeard(bool heard, TimePoint now);
  // The payload of the message that is due; empty when none is, or when there is nobody to tell of.
  std::string NextMessage(TimePoint now);
  // Not before that NextMessage has one.
  TimePoint NextLook() const { return heard_ ? next_look_ : TimePoint::max(); }

  // --- What the peer tells -----------------------------------------------------------------------------------------
  // The addresses of a message that may be followed; none when it came too soon. InvalidArgument when it is malformed,
  // or when too many came too soon: such a peer is sent away.
  absl::StatusOr<std::vector<Endpoint>> Hear(absl::string_view payload, TimePoint now);

 private:
  bool IsTooSoon(TimePoint now);

  PexRoster* const roster_;
  const uint64_t link_;
  const Address peer_;

  bool heard_ = false;
  PexRoster::Place place_;
  TimePoint next_look_ = TimePoint::min();

  // What may come is a bucket that a message takes from.
  int may_come_ = kPexBurst;
  TimePoint filled_ = TimePoint::min();
  int ignored_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEX_EXCHANGE_H_
