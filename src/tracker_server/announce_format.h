// What our tracker reads and writes: the arguments of announce and scrape URLs, and the bencoded replies to them (BEP
// 3; BEP 7 and 23 compact lists, BEP 24 external ip, BEP 48 scrape). Pure.
#ifndef TORRENT_TRACKER_SERVER_ANNOUNCE_FORMAT_H_
#define TORRENT_TRACKER_SERVER_ANNOUNCE_FORMAT_H_

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tracker/announce.h"
#include "tracker_server/announce_table.h"

namespace torrent {

// Name and value, percent-decoded; a name may stand several times.
using QueryArguments = std::multimap<std::string, std::string>;

struct AnnounceQuery {
  ServedAnnounce announce;
  bool compact = true;   // `compact` is not 0
  bool peer_ids = true;  // `no_peer_id` is not set; of non-compact replies only
};

// Reads the arguments of an announce that came from `source`; an `ip` in them is not believed. InvalidArgument: a text
// for `failure reason` that names what is missing or wrong.
absl::StatusOr<AnnounceQuery> ParseAnnounceQuery(const QueryArguments& arguments, const Address& source);
// The infohashes of a scrape: 1 to kMaxServedScrapes.
absl::StatusOr<std::vector<Infohash>> ParseScrapeQuery(const QueryArguments& arguments);

std::string EncodeAnnounceReply(const ServedAnswer& answer, const AnnounceQuery& query, std::chrono::seconds interval);
std::string EncodeScrapeReply(absl::Span<const std::pair<Infohash, ScrapeReply::File>> files);
std::string EncodeFailure(absl::string_view reason);

}  // namespace torrent

#endif  // TORRENT_TRACKER_SERVER_ANNOUNCE_FORMAT_H_
