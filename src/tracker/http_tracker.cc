#include "tracker/http_tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/http_policy.h"
#include "tracker/announce_reply.h"
#include "tracker/reply_rules.h"

namespace torrent {

namespace {

// RFC 3986, 2.1: everything but the unreserved characters as %XX. Infohashes are raw bytes.
std::string PercentEncode(absl::string_view bytes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

// Adds arguments to what query the target has.
void AddArguments(std::string* target, absl::string_view arguments) {
  const size_t query = target->find('?');
  if (query == std::string::npos) {
    target->push_back('?');
  } else if (query + 1 < target->size() && target->back() != '&') {
    target->push_back('&');
  }
  target->append(arguments.data(), arguments.size());
}

// Trackers that refuse often do so with a status of 4xx and the reason in the body all the same.
template <typename Reply>
absl::StatusOr<Reply> ReadReply(const HttpResponse& response, absl::StatusOr<Reply> (*parse)(absl::string_view)) {
  absl::StatusOr<Reply> reply = parse(response.body);
  if (IsTrackerRefusal(reply.status())) {
    const std::string reason = WithoutSecrets(std::string(reply.status().message()), response.url);
    return TrackerRefusal(absl::StrCat(response.url.SafeForLog(), ": ", reason), RetryIn(reply.status()));
  }
  if (response.status != 200) {
    return absl::UnavailableError(
        absl::StrCat(response.url.SafeForLog(), ": the tracker answers HTTP status ", response.status));
  }
  if (!reply.ok()) return Annotate(reply.status(), response.url.SafeForLog());
  return reply;
}

}  // namespace

absl::StatusOr<HttpTracker> HttpTracker::Create(Url url, TrackerOrigin origin, const TrackerContext& context) {
  if (origin == TrackerOrigin::kTorrent) RETURN_IF_ERROR(CheckAnnounceUrl(url));
  return HttpTracker(std::move(url), origin, context);
}

HttpTracker::HttpTracker(Url url, TrackerOrigin origin, const TrackerContext& context)
    : url_(std::move(url)), origin_(origin), context_(context) {}

Url HttpTracker::AnnounceUrl(const AnnounceRequest& request) const {
  const absl::string_view peer_id(reinterpret_cast<const char*>(request.peer_id.data()), request.peer_id.size());
  const bool stopped = request.event == TrackerEvent::kStopped;
  std::string arguments = absl::StrCat(
      "info_hash=", PercentEncode(request.infohash.Raw()), "&peer_id=", PercentEncode(peer_id), "&port=", request.port,
      "&uploaded=", request.uploaded, "&downloaded=", request.downloaded, "&left=", request.left,
      "&compact=1&numwant=", stopped ? 0 : request.numwant, "&key=", absl::StrFormat("%08X", request.key));
  if (request.event != TrackerEvent::kNone) absl::StrAppend(&arguments, "&event=", TrackerEventName(request.event));
  if (!request.tracker_id.empty()) absl::StrAppend(&arguments, "&trackerid=", PercentEncode(request.tracker_id));
  if (!request.ipv6.empty()) absl::StrAppend(&arguments, "&ipv6=", PercentEncode(request.ipv6));
  Url url = url_;
  AddArguments(&url.target, arguments);
  return url;
}

absl::StatusOr<Url> HttpTracker::ScrapeUrl(absl::Span<const Infohash> infohashes) const {
  // BEP 48: "scrape" in the place of "announce" at the beginning of the last path element.
  const std::string path(url_.path());
  const size_t last = path.rfind('/') + 1;
  absl::string_view rest = absl::string_view(path).substr(last);
  if (!absl::ConsumePrefix(&rest, "announce")) {
    return absl::UnimplementedError("the tracker has no scrape: its URL does not end with /announce");
  }
  Url url = url_;
  url.target = absl::StrCat(path.substr(0, last), "scrape", rest, url_.target.substr(path.size()));
  for (const Infohash& infohash : infohashes) {
    AddArguments(&url.target, absl::StrCat("info_hash=", PercentEncode(infohash.Raw())));
  }
  return url;
}

absl::StatusOr<HttpResponse> HttpTracker::Get(const Url& url, Family family, Duration total_timeout,
                                              int cancel_fd) const {
  HttpRequest request;
  request.url = url;
  request.policy = PolicyOf(origin_);
  request.allow_idna = origin_ == TrackerOrigin::kUser;
  request.family = family;
  request.bind = context_.bind;
  request.user_agent = context_.user_agent;
  request.ca_file = context_.ca_file;
  request.max_body_bytes = kMaxTrackerBodyBytes;
  request.connect_timeout = std::min<Duration>(kHttpConnectTimeout, total_timeout);
  request.total_timeout = total_timeout;
  return HttpGet(request, context_.resolver, cancel_fd);
}

absl::StatusOr<AnnounceReply> HttpTracker::AnnounceOver(Family family, const Url& url, Duration total_timeout,
                                                        int cancel_fd) const {
  ASSIGN_OR_RETURN(const HttpResponse response, Get(url, family, total_timeout, cancel_fd));
  ASSIGN_OR_RETURN(AnnounceReply reply, ReadReply(response, ParseAnnounceReply));
  reply.warning = WithoutSecrets(std::move(reply.warning), response.url);
  SetSource(response.remote, &reply);
  return reply;
}

absl::StatusOr<AnnounceReply> HttpTracker::Announce(const AnnounceRequest& request, int cancel_fd) const {
  const Url url = AnnounceUrl(request);
  const absl::StatusOr<std::vector<Address>> addresses =
      context_.resolver->Resolve(url.host, Now() + kResolveTimeout, cancel_fd);
  if (!addresses.ok()) return Annotate(addresses.status(), SafeUrl());
  const bool has_v4 = std::any_of(addresses->begin(), addresses->end(), [](const Address& a) { return a.is_v4(); });
  const bool has_v6 = std::any_of(addresses->begin(), addresses->end(), [](const Address& a) { return a.is_v6(); });
  if (!has_v4 || !has_v6) return AnnounceOver(Family::kAny, url, kHttpTotalTimeout, cancel_fd);

  return AnnounceOverBoth(kHttpTotalTimeout, [&](bool v4, Duration patience) {
    return AnnounceOver(v4 ? Family::kV4 : Family::kV6, url, patience, cancel_fd);
  });
}

absl::StatusOr<ScrapeReply> HttpTracker::Scrape(absl::Span<const Infohash> infohashes, int cancel_fd) const {
  ASSIGN_OR_RETURN(const Url url, ScrapeUrl(infohashes));
  ASSIGN_OR_RETURN(const HttpResponse response, Get(url, Family::kAny, kHttpTotalTimeout, cancel_fd));
  return ReadReply(response, ParseScrapeReply);
}

}  // namespace torrent
