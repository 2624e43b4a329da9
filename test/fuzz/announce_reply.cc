// The bodies of HTTP trackers. The first byte chooses where the tracker stands.
#include "tracker/announce_reply.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "net/address_policy.h"
#include "test/fuzz/fuzz_target.h"
#include "tracker/reply_rules.h"

namespace torrent::fuzz {

FUZZ_TARGET(announce_reply) {
  if (input.empty()) return;
  const Endpoint places[] = {*Endpoint::Parse("8.8.8.8:80"), *Endpoint::Parse("10.0.0.1:80"),
                             *Endpoint::Parse("127.0.0.1:80"), *Endpoint::Parse("[2001:4860::1]:80")};
  const Endpoint tracker = places[static_cast<uint8_t>(input[0]) % 4];
  const absl::string_view body = input.substr(1);
  absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply(body);
  if (reply.ok()) {
    SetSource(tracker, &*reply);
    FUZZ_CHECK(reply->peers.size() <= kMaxTrackerPeers && IsUtf8(reply->warning));
    FUZZ_CHECK(reply->interval >= kMinAnnounceInterval && reply->interval <= kMaxAnnounceInterval);
    FUZZ_CHECK(reply->min_interval.count() >= 0 && reply->min_interval <= reply->interval);
    for (const Endpoint& peer : reply->peers) FUZZ_CHECK(MayLeadTo(tracker.address, peer, HintKind::kTracker));
  } else if (IsTrackerRefusal(reply.status())) {
    FUZZ_CHECK(IsUtf8(absl::string_view(reply.status().message().data(), reply.status().message().size())));
    if (const auto wait = RetryIn(reply.status())) FUZZ_CHECK(wait->count() >= 0);
  }
  const absl::StatusOr<ScrapeReply> scrape = ParseScrapeReply(body);
  const Url url = *Url::Parse("http://name:pass@tracker.example/0123456789abcdef0123/announce?key=secret");
  WithoutSecrets(std::string(body), url);
}

}  // namespace torrent::fuzz
