// The messages of UDP trackers (BEP 15, with the URL as BEP 41 adds it) as bytes; numbers in network order. Pure.
//
//   request  8 connection id | 4 action | 4 transaction id | ...      connect: 8 protocol id in place of the connection
//   id reply    4 action | 4 transaction id | body                       error: the body is a text
#ifndef TORRENT_TRACKER_UDP_MESSAGES_H_
#define TORRENT_TRACKER_UDP_MESSAGES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "net/url.h"
#include "tracker/announce.h"

namespace torrent {

enum class UdpAction : uint32_t { kConnect = 0, kAnnounce = 1, kScrape = 2, kError = 3 };

// --- Requests, each with a transaction id of zero: who sends it draws one (SetUdpTransactionId) ----------------------
std::string UdpConnectRequest();
// 98 bytes, and the path and query of `url` (BEP 41, option 2, in parts of at most 255 bytes) where it has any:
// trackers that do not know them ignore what follows the 98.
std::string UdpAnnounceRequest(uint64_t connection_id, const AnnounceRequest& request, const Url& url);
// 16 bytes and 20 an infohash, of which there are at most kMaxUdpScrapes.
std::string UdpScrapeRequest(uint64_t connection_id, absl::Span<const Infohash> infohashes);

void SetUdpTransactionId(uint32_t id, std::string* request);
UdpAction ActionOfUdpRequest(absl::string_view request);

// --- Replies --------------------------------------------------------------------------------------------------------
struct UdpReplyHead {
  UdpAction action;
  uint32_t transaction_id;
  absl::string_view body;  // of the datagram that was read
};
// Nothing for what is no reply: another action, or shorter than the action's least (8 bytes; connect 16, announce 20).
absl::optional<UdpReplyHead> ReadUdpReplyHead(absl::string_view datagram);

// The body of a connect's reply, at least 8 bytes.
uint64_t ReadUdpConnectionId(absl::string_view body);
// The body of an announce's reply, at least 12 bytes: interval, leechers, seeders, then 6 bytes a peer in a datagram
// over IPv4 and 18 over IPv6. `trackers` stays empty.
AnnounceReply ReadUdpAnnounce(absl::string_view body, bool v4);
// The body of a scrape's reply: 12 bytes an infohash asked for, in that order: seeders, completed, leechers. Infohashes
// that it has no bytes for are left out.
ScrapeReply ReadUdpScrape(absl::string_view body, absl::Span<const Infohash> infohashes);

}  // namespace torrent

#endif  // TORRENT_TRACKER_UDP_MESSAGES_H_
