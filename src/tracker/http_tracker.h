// One HTTP or HTTPS tracker (BEP 3; BEP 7 for two address families, BEP 48 for scrape).
// Immutable and thread-safe; its caller sees to it that one announce is in flight at a time.
// Invariant: userinfo and query of its URL appear in no message.
#ifndef TORRENT_TRACKER_HTTP_TRACKER_H_
#define TORRENT_TRACKER_HTTP_TRACKER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/http.h"
#include "tracker/announce.h"
#include "tracker/tracker_context.h"

namespace torrent {

class HttpTracker {
 public:
  // PermissionDenied: a URL of a .torrent with arguments of an announce in it.
  static absl::StatusOr<HttpTracker> Create(Url url, TrackerOrigin origin, const TrackerContext& context);

  // Announces over IPv4 and then over IPv6, as far as the tracker has addresses of both: it takes each for one of our
  // addresses, and names peers of each (BEP 7). OK if one of them was answered; the replies are merged. Peers that a
  // tracker standing there may not lead to (net/address_policy.h) count as skipped. Blocks: connecting 15 s at most,
  // all 60 s, the second family 3 s if the first has answered, and 60 s more if not; until `cancel_fd` (-1: none)
  // becomes readable. Errors of HttpGet, of ParseAnnounceReply, and Unavailable for HTTP statuses other than 200; their
  // messages begin with SafeUrl().
  absl::StatusOr<AnnounceReply> Announce(const AnnounceRequest& request, int cancel_fd) const;

  // Asks for the counts of `infohashes`. Unimplemented: the tracker's URL has no scrape form (BEP 48: the last path
  // element must begin with "announce").
  absl::StatusOr<ScrapeReply> Scrape(absl::Span<const Infohash> infohashes, int cancel_fd) const;

  // The announce URL with the arguments of `request` added to its query.
  Url AnnounceUrl(const AnnounceRequest& request) const;
  absl::StatusOr<Url> ScrapeUrl(absl::Span<const Infohash> infohashes) const;

  // For eyes and logs.
  std::string SafeUrl() const { return url_.SafeForLog(); }

 private:
  HttpTracker(Url url, TrackerOrigin origin, const TrackerContext& context);
  absl::StatusOr<AnnounceReply> AnnounceOver(Family family, const Url& url, Duration total_timeout,
                                             int cancel_fd) const;
  absl::StatusOr<HttpResponse> Get(const Url& url, Family family, Duration total_timeout, int cancel_fd) const;

  Url url_;
  TrackerOrigin origin_;
  TrackerContext context_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_HTTP_TRACKER_H_
