// What the command line asks of the web without a session: a .torrent by its URL, and the trackers' counts.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/http.h"
#include "net/udp_port.h"
#include "torrent/session.h"
#include "tracker/tracker.h"

namespace torrent {

absl::StatusOr<std::string> FetchMetainfo(const std::string& text) {
  ASSIGN_OR_RETURN(Url url, Url::Parse(text));
  Resolver resolver;
  HttpRequest request;
  request.url = url;
  request.policy = HttpPolicy::kUser;
  request.user_agent = "torrent/" TORRENT_VERSION;
  request.max_body_bytes = kMaxMetainfoBytes;
  absl::StatusOr<HttpResponse> response = HttpGet(request, &resolver, -1);
  if (!response.ok()) return Annotate(response.status(), url.SafeForLog());
  if (response->status != 200) {
    return absl::UnavailableError(absl::StrCat(url.SafeForLog(), ": HTTP status ", response->status, ", not 200"));
  }
  return std::move(response->body);
}

std::vector<ScrapeResult> ScrapeTrackers(const Metainfo& metainfo) {
  Resolver resolver;
  // Without a port the UDP trackers' results say so.
  const absl::StatusOr<std::unique_ptr<UdpPort>> port = UdpPort::Open(0, BindOptions());
  absl::optional<UdpTransactions> udp;
  if (port.ok()) udp.emplace(port->get());
  TrackerContext context;
  context.resolver = &resolver;
  context.udp = udp ? &*udp : nullptr;
  context.user_agent = "torrent/" TORRENT_VERSION;
  std::vector<ScrapeResult> results;
  for (const std::vector<std::string>& tier : metainfo.trackers) {
    for (const std::string& url : tier) {
      ScrapeResult result;
      result.tracker = SafeUrlText(url);
      absl::StatusOr<Tracker> tracker = Tracker::Create(url, TrackerOrigin::kTorrent, context);
      absl::StatusOr<ScrapeReply> reply =
          tracker.ok() ? tracker->Scrape({&metainfo.infohash, 1}, -1) : tracker.status();
      result.status = reply.status();
      if (reply.ok()) {
        for (const auto& [infohash, file] : reply->files) {
          if (infohash != metainfo.infohash) continue;
          result.complete = file.complete;
          result.incomplete = file.incomplete;
          result.downloaded = file.downloaded;
        }
      }
      results.push_back(std::move(result));
    }
  }
  return results;
}

}  // namespace torrent
