// A torrent's state as one line: for a terminal, cut to its width, and in words for a log. Pure: status in, text out.
#ifndef TORRENT_CLI_PROGRESS_LINE_H_
#define TORRENT_CLI_PROGRESS_LINE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "torrent/session.h"

namespace torrent {

// Seconds until all is there at the present rate; none while nothing comes, or when nothing is missing.
absl::optional<double> SecondsLeft(const TorrentStatus& status);

// "checking", "downloading", "waiting for disk", ...: for people and for --json.
absl::string_view TorrentStateName(TorrentState state);

// Why nothing comes, for --json: "all choke us"; empty where it does come.
absl::string_view StallName(Stall stall);
// The same for people, with the peers' number: "no peers known", "17 known, none answers", "5 connected, all choke us".
std::string StallText(const TorrentStatus& status);

// Name, bar, percent, rates both ways, time left, peers connected/known, seeds, why nothing comes; at most `columns`
// wide. What does not fit is left out, the least important first; the name and the bar take what is left. `unicode`:
// the terminal shows UTF-8. `name` is clean text (no control characters), as all names of a Metainfo are.
std::string ProgressLine(absl::string_view name, const TorrentStatus& status, int columns, bool unicode);

// A bar of its own for hashing: "checking  [####------]  43.2%  512 MiB of 1.0 GiB".
std::string HashingLine(absl::string_view name, uint64_t done, uint64_t total, int columns, bool unicode);

// "name: 43.2% of 1.0 GiB, down 11.2 MiB/s, up 0 B/s, 1:05 left, 12 of 80 peers, 5 seeds"
std::string ProgressText(absl::string_view name, const TorrentStatus& status);

// The peers that we were connected to, by where they came from: "peers: 12 tracker, 30 dht, 4 pex"; empty without any.
std::string SourcesText(const TorrentStatus& status);

// The last line: "name: 1.0 GiB in 1:05, 15.8 MiB/s on average, 0 B wasted, 0 B corrupt; peers: 12 tracker, 4 pex"
std::string SummaryText(absl::string_view name, const TorrentStatus& status);

}  // namespace torrent

#endif  // TORRENT_CLI_PROGRESS_LINE_H_
