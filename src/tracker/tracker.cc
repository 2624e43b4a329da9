#include "tracker/tracker.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace torrent {

absl::StatusOr<Tracker> Tracker::Create(absl::string_view text, TrackerOrigin origin, const TrackerContext& context) {
  absl::StatusOr<Url> url = Url::Parse(text);
  if (!url.ok()) return Annotate(url.status(), SafeUrlText(text));
  if (url->scheme != "http" && url->scheme != "https") {
    return absl::UnimplementedError(
        absl::StrCat(url->SafeForLog(), ": trackers over ", url->scheme, " are not spoken yet"));
  }
  ASSIGN_OR_RETURN(HttpTracker http, HttpTracker::Create(*std::move(url), origin, context));
  return Tracker(std::move(http));
}

}  // namespace torrent
