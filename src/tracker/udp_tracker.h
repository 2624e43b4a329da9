// One UDP tracker (BEP 15; BEP 41 for the path and query of its URL).
// Immutable and thread-safe; its caller sees to it that one announce is in flight at a time.
// Invariant: userinfo and query of its URL appear in no message.
#ifndef TORRENT_TRACKER_UDP_TRACKER_H_
#define TORRENT_TRACKER_UDP_TRACKER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "net/url.h"
#include "tracker/announce.h"
#include "tracker/tracker_context.h"

namespace torrent {

class UdpTracker {
 public:
  // PermissionDenied: a URL of a .torrent with a host in punycode or with arguments of an announce in it.
  // Unimplemented: no UDP port in `context`.
  static absl::StatusOr<UdpTracker> Create(Url url, TrackerOrigin origin, const TrackerContext& context);

  // Announces over IPv4 and then over IPv6, as far as the tracker and our UDP port have addresses of both; replies are
  // merged. Where a URL of a .torrent may lead is what it is for HTTP (CheckTarget): on loopback only to a path that
  // begins with /announce. Peers that a tracker standing there may not lead to count as skipped. Blocks: the name 10 s
  // at most, then kUdpTrackerTimeout, half of it for each family where there are two; until `cancel_fd` (-1: none)
  // becomes readable. FailedPrecondition: the tracker says no (TrackerRefusal). PermissionDenied: an address that the
  // torrent may not lead to. Unavailable: no way there. DeadlineExceeded, Cancelled, NotFound. Messages begin with
  // SafeUrl().
  absl::StatusOr<AnnounceReply> Announce(const AnnounceRequest& request, int cancel_fd) const;

  // Asks for the counts of `infohashes`, kMaxUdpScrapes in a datagram. Blocks and fails as Announce, for each datagram.
  absl::StatusOr<ScrapeReply> Scrape(absl::Span<const Infohash> infohashes, int cancel_fd) const;

  // For eyes and logs.
  std::string SafeUrl() const { return url_.SafeForLog(); }

 private:
  UdpTracker(Url url, TrackerOrigin origin, const TrackerContext& context);
  // Where the tracker may be asked, in the resolver's order; at least one.
  absl::StatusOr<std::vector<Endpoint>> Endpoints(int cancel_fd) const;
  // The reply that is no error. Messages begin with SafeUrl().
  absl::StatusOr<UdpTransactions::Reply> Ask(absl::Span<const Endpoint> endpoints,
                                             const std::function<std::string(uint64_t connection_id)>& request,
                                             Duration patience, int cancel_fd) const;

  Url url_;
  TrackerOrigin origin_;
  TrackerContext context_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_UDP_TRACKER_H_
