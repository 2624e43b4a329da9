#include "tracker/tracker.h"

#include "base/status.h"

namespace torrent {

absl::StatusOr<Tracker> Tracker::Create(absl::string_view text, TrackerOrigin origin, const TrackerContext& context) {
  absl::StatusOr<Url> url = Url::Parse(text);
  if (!url.ok()) return Annotate(url.status(), SafeUrlText(text));
  if (url->scheme == "udp") {
    ASSIGN_OR_RETURN(UdpTracker udp, UdpTracker::Create(*std::move(url), origin, context));
    return Tracker(std::move(udp));
  }
  ASSIGN_OR_RETURN(HttpTracker http, HttpTracker::Create(*std::move(url), origin, context));
  return Tracker(std::move(http));
}

}  // namespace torrent
