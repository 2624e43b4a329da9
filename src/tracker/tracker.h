// A tracker of any scheme: the one place that knows which schemes there are.
// Immutable and thread-safe; blocks its caller.
#ifndef TORRENT_TRACKER_TRACKER_H_
#define TORRENT_TRACKER_TRACKER_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "absl/types/variant.h"
#include "tracker/http_tracker.h"
#include "tracker/udp_tracker.h"

namespace torrent {

class Tracker {
 public:
  // InvalidArgument: not a URL. PermissionDenied: a URL that may not be asked (net/http_policy.h).
  // Unimplemented: a scheme that is not spoken in this run (udp, where `context` has no UDP port). Messages name the
  // URL as SafeUrl does.
  static absl::StatusOr<Tracker> Create(absl::string_view url, TrackerOrigin origin, const TrackerContext& context);

  // See HttpTracker and UdpTracker.
  absl::StatusOr<AnnounceReply> Announce(const AnnounceRequest& request, int cancel_fd) const {
    return absl::visit([&](const auto& tracker) { return tracker.Announce(request, cancel_fd); }, tracker_);
  }
  absl::StatusOr<ScrapeReply> Scrape(absl::Span<const Infohash> infohashes, int cancel_fd) const {
    return absl::visit([&](const auto& tracker) { return tracker.Scrape(infohashes, cancel_fd); }, tracker_);
  }

  // Without userinfo, query and passkeys: for eyes and logs.
  std::string SafeUrl() const {
    return absl::visit([](const auto& tracker) { return tracker.SafeUrl(); }, tracker_);
  }

 private:
  using Spoken = absl::variant<HttpTracker, UdpTracker>;
  explicit Tracker(Spoken tracker) : tracker_(std::move(tracker)) {}
  Spoken tracker_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_TRACKER_H_
