// The command line as values. All that a user may type is checked here, before anything is opened or started; the man
// page (torrent.1) describes it in full.
#ifndef TORRENT_CLI_ARGUMENTS_H_
#define TORRENT_CLI_ARGUMENTS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "torrent/create.h"
#include "torrent/session.h"
#include "torrent/sha1.h"

namespace torrent {

// `sandbox`, of each: shut the process in (shut_in.h).

// torrent SOURCE...
struct DownloadArguments {
  std::vector<std::string> sources;
  SessionOptions session;
  TorrentOptions torrent;           // for every source; `wanted` is made of `select` when the files are known
  std::vector<std::string> select;  // expressions (metainfo/selection.h)
  std::chrono::seconds timeout{0};  // give up when nothing came for that long; 0: never
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool sandbox = true;
};

struct CreateArguments {
  CreateOptions options;
  std::string output;  // empty: the payload's name with .torrent, in the current folder
  bool force = false;  // replace `output`
  bool quiet = false;
  bool sandbox = true;
};

struct ShowArguments {
  std::string source;
  bool json = false;
  bool scrape = false;
  std::string output;  // write the .torrent there; empty: do not
  bool force = false;  // replace `output`
  // For the metadata of a magnet link.
  SessionOptions session;
  std::vector<std::string> peers;
  std::chrono::seconds timeout{120};
  bool sandbox = true;
};

// torrent magnet FILE
struct MagnetArguments {
  std::string source;
  bool sandbox = true;
};

// torrent dht [get INFOHASH]
struct DhtArguments {
  SessionOptions session;
  absl::optional<Infohash> infohash;  // to search peers of; without, the node is shown until a signal comes
  std::chrono::seconds timeout{60};   // of a search
  bool json = false;
  bool sandbox = true;
};

struct VerifyArguments {
  std::string source;
  std::string output_dir = ".";
  bool quiet = false;
  bool sandbox = true;
};

struct TrackerArguments {
  uint16_t port = 6969;
  std::string bind;  // an address; empty: all
  bool quiet = false;
  bool sandbox = true;
};

// --help and --version: text for stdout.
struct HelpArguments {
  std::string text;
  static constexpr bool sandbox = false;  // touches nothing
};

using Arguments = absl::variant<DownloadArguments, CreateArguments, ShowArguments, MagnetArguments, VerifyArguments,
                                TrackerArguments, DhtArguments, HelpArguments>;

// `argv` as main gets it. InvalidArgument with one line that names the option, what was wrong and what would be right.
absl::StatusOr<Arguments> ParseArguments(int argc, const char* const* argv);

}  // namespace torrent

#endif  // TORRENT_CLI_ARGUMENTS_H_
