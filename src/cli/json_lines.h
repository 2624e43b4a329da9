// Events as JSON for --json: one object a line, each with "v":1 and "event". The man page (torrent.1, JSON) is the
// schema; a field may be added to it, none changes its meaning while v is 1. Pure.
#ifndef TORRENT_CLI_JSON_LINES_H_
#define TORRENT_CLI_JSON_LINES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "torrent/event.h"
#include "torrent/metainfo.h"
#include "torrent/session.h"

namespace torrent {

// The line of an event, without its newline; none for kinds that are not told (hashing is told by progress).
absl::optional<std::string> JsonOfEvent(const Event& event);

std::string JsonOfProgress(TorrentId torrent, const TorrentStatus& status);
std::string JsonOfDone(TorrentId torrent, const TorrentStatus& status);
// `torrent`: none when it never started; then `source` is what was typed.
std::string JsonOfError(absl::optional<TorrentId> torrent, absl::string_view source, int exit_code,
                        absl::string_view message);
// That `lines` lines were left out because nobody read them in time.
std::string JsonOfGap(uint64_t lines);

// `torrent dht --json`: the node as it is now; a peer that a search found.
std::string JsonOfDht(const DhtStatus& status);
std::string JsonOfDhtPeer(absl::string_view endpoint);

// `torrent show --json`: one object, over several lines.
std::string JsonOfMetainfo(const Metainfo& metainfo, const std::vector<ScrapeResult>* scrapes);

}  // namespace torrent

#endif  // TORRENT_CLI_JSON_LINES_H_
