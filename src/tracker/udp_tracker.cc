#include "tracker/udp_tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/http_policy.h"
#include "tracker/reply_rules.h"
#include "tracker/udp_messages.h"

namespace torrent {

absl::StatusOr<UdpTracker> UdpTracker::Create(Url url, TrackerOrigin origin, const TrackerContext& context) {
  if (context.udp == nullptr) {
    return absl::UnimplementedError(absl::StrCat(url.SafeForLog(), ": no UDP port is open, which its scheme needs"));
  }
  if (origin == TrackerOrigin::kTorrent) {
    RETURN_IF_ERROR(CheckAnnounceUrl(url));
    if (url.IsIdna()) {
      return absl::PermissionDeniedError(
          absl::StrCat(url.SafeForLog(), ": a host name in punycode (xn--) may look like another one"));
    }
  }
  return UdpTracker(std::move(url), origin, context);
}

UdpTracker::UdpTracker(Url url, TrackerOrigin origin, const TrackerContext& context)
    : url_(std::move(url)), origin_(origin), context_(context) {}

absl::StatusOr<std::vector<Endpoint>> UdpTracker::Endpoints(int cancel_fd) const {
  const absl::StatusOr<std::vector<Address>> addresses =
      context_.resolver->Resolve(url_.host, Now() + kResolveTimeout, cancel_fd);
  if (!addresses.ok()) return Annotate(addresses.status(), SafeUrl());
  std::vector<Endpoint> endpoints;
  absl::Status refused;
  for (const Address& address : *addresses) {
    absl::Status status = CheckTarget(PolicyOf(origin_), url_, address);
    if (status.ok() && !context_.udp->Speaks(address)) {
      status = absl::UnavailableError(
          absl::StrCat(SafeUrl(), " at ", address.ToString(), ": no ", address.is_v4() ? "IPv4" : "IPv6", " here"));
    }
    if (status.ok()) {
      endpoints.push_back({address, url_.port});
    } else {
      refused = status;
    }
  }
  if (endpoints.empty()) return refused;
  return endpoints;
}

absl::StatusOr<UdpTransactions::Reply> UdpTracker::Ask(
    absl::Span<const Endpoint> endpoints, const std::function<std::string(uint64_t connection_id)>& request,
    Duration patience, int cancel_fd) const {
  absl::StatusOr<UdpTransactions::Reply> reply = context_.udp->Ask(endpoints, request, Now() + patience, cancel_fd);
  if (!reply.ok()) return Annotate(reply.status(), SafeUrl());
  if (reply->action == UdpAction::kError) {
    const std::string reason = WithoutSecrets(CleanText(reply->body, kMaxTrackerTextBytes), url_);
    return TrackerRefusal(absl::StrCat(SafeUrl(), ": the tracker refuses: ", reason), absl::nullopt);
  }
  return reply;
}

absl::StatusOr<AnnounceReply> UdpTracker::Announce(const AnnounceRequest& request, int cancel_fd) const {
  ASSIGN_OR_RETURN(std::vector<Endpoint> endpoints, Endpoints(cancel_fd));
  const auto first_v6 = std::stable_partition(endpoints.begin(), endpoints.end(),
                                              [](const Endpoint& endpoint) { return endpoint.address.is_v4(); });
  const auto count_v4 = static_cast<size_t>(first_v6 - endpoints.begin());
  const absl::Span<const Endpoint> v4 = absl::MakeConstSpan(endpoints).first(count_v4);
  const absl::Span<const Endpoint> v6 = absl::MakeConstSpan(endpoints).subspan(count_v4);
  const auto over = [&](bool is_v4, Duration patience) -> absl::StatusOr<AnnounceReply> {
    ASSIGN_OR_RETURN(
        const UdpTransactions::Reply reply,
        Ask(
            is_v4 ? v4 : v6, [&](uint64_t id) { return UdpAnnounceRequest(id, request, url_); }, patience, cancel_fd));
    AnnounceReply read = ReadUdpAnnounce(reply.body, is_v4);
    SetSource(reply.from, &read);
    return read;
  };
  const Duration total = context_.udp->times().total;
  return v4.empty() || v6.empty() ? over(!v4.empty(), total) : AnnounceOverBoth(total / 2, over);
}

absl::StatusOr<ScrapeReply> UdpTracker::Scrape(absl::Span<const Infohash> infohashes, int cancel_fd) const {
  ASSIGN_OR_RETURN(const std::vector<Endpoint> endpoints, Endpoints(cancel_fd));
  ScrapeReply all;
  for (; !infohashes.empty(); infohashes.remove_prefix(std::min(infohashes.size(), kMaxUdpScrapes))) {
    const absl::Span<const Infohash> some = infohashes.subspan(0, kMaxUdpScrapes);
    ASSIGN_OR_RETURN(const UdpTransactions::Reply reply,
                     Ask(
                         endpoints, [&](uint64_t id) { return UdpScrapeRequest(id, some); },
                         context_.udp->times().total, cancel_fd));
    const ScrapeReply read = ReadUdpScrape(reply.body, some);
    all.files.insert(all.files.end(), read.files.begin(), read.files.end());
  }
  return all;
}

}  // namespace torrent
