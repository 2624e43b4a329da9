// What holds for the replies of all trackers, whatever protocol brought them: bounds, which peers they may name, what
// of a tracker's text may be shown, and how the replies over two address families become one. Pure, but for
// AnnounceOverBoth, which blocks as long as what it calls.
#ifndef TORRENT_TRACKER_REPLY_RULES_H_
#define TORRENT_TRACKER_REPLY_RULES_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "net/endpoint.h"
#include "net/url.h"
#include "tracker/announce.h"

namespace torrent {

// An interval as a tracker names it, in seconds: at least `least`, at most kMaxAnnounceInterval.
std::chrono::seconds BoundedInterval(int64_t seconds, std::chrono::seconds least);

// Collects peers into a reply, each once, up to kMaxTrackerPeers. Its owner's thread.
class PeerList {
 public:
  explicit PeerList(AnnounceReply* reply) : reply_(reply) {}

  // Nothing, or port 0: counts as skipped.
  void Add(const absl::optional<Endpoint>& peer);
  // `entry_bytes` a peer, address and port in network order (BEP 23, BEP 7, BEP 15). A rest that is no whole entry is
  // one bad entry.
  void AddCompact(absl::string_view list, size_t entry_bytes);

 private:
  AnnounceReply* const reply_;
  absl::flat_hash_set<Endpoint> known_;
};

// `reply` came from `tracker`: notes that, and drops the peers that somebody standing there may not lead to
// (net/address_policy.h); they count as skipped.
void SetSource(const Endpoint& tracker, AnnounceReply* reply);

// `text` by the tracker at `url` without what is secret in that URL: "unknown passkey 0123..." is for its user's eyes,
// but also for the log that he posts.
std::string WithoutSecrets(std::string text, const Url& url);

// The same announce over IPv4, then over IPv6: a tracker takes each for one of our addresses, and names peers of each
// (BEP 7, BEP 15). OK if one was answered; the replies are merged. `over` announces over one family, for `patience` at
// most: `each`, but kSecondFamilyPatience for the second if the first has answered.
absl::StatusOr<AnnounceReply> AnnounceOverBoth(
    Duration each, const std::function<absl::StatusOr<AnnounceReply>(bool v4, Duration patience)>& over);

}  // namespace torrent

#endif  // TORRENT_TRACKER_REPLY_RULES_H_
