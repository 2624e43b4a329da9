// Which HTTP requests may be sent where: URLs come from strangers' .torrent files, and a request to 127.0.0.1 or
// 169.254.169.254 would be made from inside. Judged by the address really connected to, never by the name. Pure.
#ifndef TORRENT_NET_HTTP_POLICY_H_
#define TORRENT_NET_HTTP_POLICY_H_

#include "absl/status/status.h"
#include "net/address.h"
#include "net/url.h"

namespace torrent {

enum class HttpPolicy {
  kUser,     // the user typed the URL: any address
  kTracker,  // from a metainfo: on loopback only paths that begin with /announce or /scrape; never link-local
  kWebSeed,  // from a metainfo: no query on non-global addresses; never link-local
};

// Whether `url` may be requested from `address`, on which a connection would be or was made. PermissionDenied says why
// not.
absl::Status CheckTarget(HttpPolicy policy, const Url& url, const Address& address);

// Whether a redirect from a server at `from` may lead to `to`: never further in. PermissionDenied says why not.
absl::Status CheckRedirect(const Address& from, const Address& to);

// Whether an announce URL of a metainfo comes with arguments of an announce already in it (info_hash, peer_id, port,
// event ... in any case), with which it would announce somebody else's. PermissionDenied names the argument.
absl::Status CheckAnnounceUrl(const Url& url);

}  // namespace torrent

#endif  // TORRENT_NET_HTTP_POLICY_H_
