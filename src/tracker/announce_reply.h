// The bodies that HTTP trackers answer with: bencoded dictionaries (BEP 3), with compact peer lists (BEP 23, 7), our
// own address (BEP 24), `retry in` (BEP 31), and scrape (BEP 48). Pure.
// Invariant: one bad entry in a list costs that entry, nothing else.
#ifndef TORRENT_TRACKER_ANNOUNCE_REPLY_H_
#define TORRENT_TRACKER_ANNOUNCE_REPLY_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tracker/announce.h"

namespace torrent {

// Reads the body of an announce: a dictionary with `interval`, and `peers` as a string of 6 bytes a peer (address and
// port in network order) or as a list of dictionaries {ip, port}; `peers6` with 18 bytes a peer. Names in place of an
// `ip` are not looked up: they count as skipped. `trackers` stays empty. InvalidArgument: not a bencoded dictionary.
// FailedPrecondition: it holds a `failure reason` (see TrackerRefusal).
absl::StatusOr<AnnounceReply> ParseAnnounceReply(absl::string_view body);

// Reads the body of a scrape: {files: {20 bytes: {complete, downloaded, incomplete}}}. Entries with other keys are left
// out, missing counts are 0. Errors as above.
absl::StatusOr<ScrapeReply> ParseScrapeReply(absl::string_view body);

}  // namespace torrent

#endif  // TORRENT_TRACKER_ANNOUNCE_REPLY_H_
