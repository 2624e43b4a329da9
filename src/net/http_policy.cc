#include "net/http_policy.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/address_policy.h"

namespace torrent {

namespace {

absl::Status Refuse(const Url& url, const Address& address, absl::string_view why) {
  return absl::PermissionDeniedError(
      absl::StrCat(url.SafeForLog(), " at ", address.ToString(), " (", ReachName(address.reach()), "): ", why));
}

// Escapes and ".." could lead a careless server from an announce to something else.
bool IsPlainTrackerPath(absl::string_view path) {
  return (absl::StartsWith(path, "/announce") || absl::StartsWith(path, "/scrape")) && !absl::StrContains(path, "..") &&
         path.find_first_of("%\\") == absl::string_view::npos;
}

}  // namespace

absl::Status CheckTarget(HttpPolicy policy, const Url& url, const Address& address) {
  if (policy == HttpPolicy::kUser) return absl::OkStatus();
  const Reach reach = address.reach();
  if (reach == Reach::kUnspecified || reach == Reach::kMulticast || reach == Reach::kLinkLocal) {
    return Refuse(url, address, "a torrent may not lead there");
  }
  if (policy == HttpPolicy::kTracker && reach == Reach::kLoopback && !IsPlainTrackerPath(url.path())) {
    return Refuse(url, address, "a tracker on this machine has a path that begins with /announce");
  }
  if (policy == HttpPolicy::kWebSeed && reach != Reach::kGlobal && !url.query().empty()) {
    return Refuse(url, address, "a web seed on a local address may have no query");
  }
  return absl::OkStatus();
}

absl::Status CheckRedirect(const Address& from, const Address& to) {
  if (from == to || MayLeadTo(from.reach(), to.reach())) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("a redirect may not lead from ", from.ToString(), " (",
                                                  ReachName(from.reach()), ") to ", to.ToString(), " (",
                                                  ReachName(to.reach()), ")"));
}

absl::Status CheckAnnounceUrl(const Url& url) {
  for (absl::string_view argument : absl::StrSplit(url.query(), absl::ByAnyChar("&;"))) {
    const std::string name = absl::AsciiStrToLower(PercentDecode(argument.substr(0, argument.find('='))));
    for (absl::string_view reserved :
         {"info_hash", "peer_id", "port", "event", "key", "left", "uploaded", "downloaded", "corrupt"}) {
      if (name == reserved) {
        return absl::PermissionDeniedError(
            absl::StrCat(url.SafeForLog(), ": the announce URL brings its own argument ", reserved));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace torrent
