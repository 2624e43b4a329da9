#include "tracker/reply_rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "net/address_policy.h"

namespace torrent {

namespace {

// What a reply of the other family adds to the first.
void Merge(AnnounceReply other, AnnounceReply* reply) {
  absl::flat_hash_set<Endpoint> known(reply->peers.begin(), reply->peers.end());
  for (const Endpoint& peer : other.peers) {
    if (reply->peers.size() < kMaxTrackerPeers && known.insert(peer).second) reply->peers.push_back(peer);
  }
  reply->interval = std::max(reply->interval, other.interval);
  reply->min_interval = std::max(reply->min_interval, other.min_interval);
  if (!reply->complete) reply->complete = other.complete;
  if (!reply->incomplete) reply->incomplete = other.incomplete;
  reply->skipped_peers += other.skipped_peers;
  if (reply->warning.empty()) reply->warning = std::move(other.warning);
  if (reply->tracker_id.empty()) reply->tracker_id = std::move(other.tracker_id);
  if (!reply->external_ip) reply->external_ip = other.external_ip;
  reply->trackers.insert(reply->trackers.end(), other.trackers.begin(), other.trackers.end());
}

}  // namespace

std::chrono::seconds BoundedInterval(int64_t seconds, std::chrono::seconds least) {
  constexpr int64_t kMost = std::chrono::seconds(kMaxAnnounceInterval).count();
  return std::chrono::seconds(std::clamp<int64_t>(seconds, least.count(), kMost));
}

void PeerList::Add(const absl::optional<Endpoint>& peer) {
  if (!peer || peer->port == 0) {
    ++reply_->skipped_peers;
  } else if (reply_->peers.size() < kMaxTrackerPeers && known_.insert(*peer).second) {
    reply_->peers.push_back(*peer);
  }
}

void PeerList::AddCompact(absl::string_view list, size_t entry_bytes) {
  for (; list.size() >= entry_bytes; list.remove_prefix(entry_bytes)) {
    Add(Endpoint::FromCompact(AsBytes(list.substr(0, entry_bytes))));
  }
  if (!list.empty()) ++reply_->skipped_peers;
}

void SetSource(const Endpoint& tracker, AnnounceReply* reply) {
  reply->trackers.push_back(tracker);
  const auto allowed = std::stable_partition(reply->peers.begin(), reply->peers.end(), [&](const Endpoint& peer) {
    return MayLeadTo(tracker.address, peer, HintKind::kTracker);
  });
  reply->skipped_peers += static_cast<size_t>(reply->peers.end() - allowed);
  reply->peers.erase(allowed, reply->peers.end());
}

std::string WithoutSecrets(std::string text, const Url& url) {
  constexpr size_t kMinSecretBytes = 6;       // shorter ones are flags and numbers
  constexpr size_t kMinSecretPathBytes = 20;  // as in Url::SafeForLog
  std::vector<absl::string_view> secrets = absl::StrSplit(url.userinfo, ':');
  for (absl::string_view argument : absl::StrSplit(url.query(), absl::ByAnyChar("&;"))) {
    secrets.push_back(argument.substr(argument.find('=') + 1));
  }
  for (absl::string_view element : absl::StrSplit(url.path(), '/')) {
    if (element.size() >= kMinSecretPathBytes) secrets.push_back(element);
  }
  for (absl::string_view secret : secrets) {
    if (secret.size() >= kMinSecretBytes) absl::StrReplaceAll({{secret, "***"}}, &text);
  }
  return text;
}

absl::StatusOr<AnnounceReply> AnnounceOverBoth(
    Duration each, const std::function<absl::StatusOr<AnnounceReply>(bool v4, Duration patience)>& over) {
  absl::StatusOr<AnnounceReply> v4 = over(true, each);
  if (absl::IsCancelled(v4.status())) return v4;
  // A broken IPv6 route is common, and the peers that are known by now should not wait for it.
  const Duration patience = v4.ok() ? std::min<Duration>(kSecondFamilyPatience, each) : each;
  absl::StatusOr<AnnounceReply> v6 = over(false, patience);
  if (v4.ok()) {
    if (v6.ok()) Merge(*std::move(v6), &*v4);
    return v4;
  }
  return v6.ok() || IsTrackerRefusal(v6.status()) ? v6 : v4;
}

}  // namespace torrent
