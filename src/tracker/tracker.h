// A tracker of any scheme: the one place that knows which schemes there are.
// Immutable and thread-safe; blocks its caller.
#ifndef TORRENT_TRACKER_TRACKER_H_
#define TORRENT_TRACKER_TRACKER_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tracker/http_tracker.h"

namespace torrent {

class Tracker {
 public:
  // InvalidArgument: not a URL. PermissionDenied: a URL that may not be asked (net/http_policy.h).
  // Unimplemented: a scheme that this program does not speak (udp). Messages name the URL as SafeUrl does.
  static absl::StatusOr<Tracker> Create(absl::string_view url, TrackerOrigin origin, const TrackerContext& context);

  // See HttpTracker.
  absl::StatusOr<AnnounceReply> Announce(const AnnounceRequest& request, int cancel_fd) const {
    return http_.Announce(request, cancel_fd);
  }
  absl::StatusOr<ScrapeReply> Scrape(absl::Span<const Infohash> infohashes, int cancel_fd) const {
    return http_.Scrape(infohashes, cancel_fd);
  }

  // Without userinfo, query and passkeys: for eyes and logs.
  std::string SafeUrl() const { return http_.SafeUrl(); }

 private:
  explicit Tracker(HttpTracker http) : http_(std::move(http)) {}
  HttpTracker http_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_TRACKER_H_
