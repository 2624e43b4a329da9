// The client for a program that embeds it: a session runs torrents side by side, which share its port, its limits and
// its connections. `src/cli` is written against this header and its neighbours alone. Thread-safe. Nothing here prints;
// events (torrent/event.h) and Status() say what goes on.
#ifndef TORRENT_SESSION_H_
#define TORRENT_SESSION_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "torrent/dht.h"
#include "torrent/event.h"
#include "torrent/magnet.h"
#include "torrent/metainfo.h"

namespace torrent {

struct SessionOptions {
  uint16_t port = 6881;        // taken: the next free one is; 0: any
  bool listen = true;          // incoming connections at all
  std::string bind;            // an address or an interface name; empty: all
  int64_t download_limit = 0;  // bytes a second over all torrents; 0: none
  int64_t upload_limit = 0;
  int max_peers = 200;        // connections over all torrents
  uint64_t memory_bytes = 0;  // buffers, queues and tables; 0: by the machine (64 MiB at most)
  std::string state_dir;      // empty: $XDG_STATE_HOME/torrent
  // What speaks to strangers without being told whom: off unless asked for.
  bool dht = false;                        // be a node of the distributed hash table (BEP 5), and ask it for peers
  bool lan = false;                        // tell and hear the local network (BEP 14)
  std::vector<std::string> dht_bootstrap;  // "host:port": nodes to begin with, beside the usual ones
  bool dht_routers = true;                 // the usual ones: well-known routers on the internet
  bool pex = true;                         // tell peers of peers (BEP 11); never in private torrents
};

struct TorrentOptions {
  std::string output_dir = ".";
  std::vector<bool> wanted;           // by file; empty: all (metainfo/selection parses `--select`)
  bool allocate = false;              // reserve the space of wanted files
  bool overwrite = false;             // files that are there and not this torrent's
  bool wait_for_space = true;         // disk full or gone: wait until it can be used; otherwise an error
  bool seed = false;                  // go on uploading when complete
  double seed_ratio = 0;              // stop seeding at uploaded / size; 0: no bound
  std::chrono::seconds seed_time{0};  // stop seeding after that long; 0: no bound
  std::vector<std::string> peers;     // "address:port" to try in any case
  std::vector<std::string> trackers;  // in addition to the torrent's, typed by the user

  // Of a magnet link, whose files are not known yet: makes `wanted` once they are, called on a thread of the session.
  // Empty: what the link selects (BEP 53), or all.
  std::function<absl::StatusOr<std::vector<bool>>(const Metainfo&)> select;
  bool metadata_only = false;  // kStopped as soon as MetainfoOf has it; no file is touched
};

enum class TorrentState : uint8_t {
  kMetadata,  // asking peers what a magnet link's files are
  kChecking,  // hashing what is on disk
  kDownloading,
  kWaitingForDisk,  // full, or gone; goes on by itself
  kSyncing,         // all written; being synced
  kSeeding,
  kStopping,
  kStopped,  // ended: complete, by RequestStop, or with `error`
};

// Why a torrent ended; the command line makes its exit codes of it.
enum class Failure : uint8_t { kNone, kDisk, kNetwork, kOther };

// Why a download has had no payload for some seconds.
enum class Stall : uint8_t {
  kNone,  // it has, or it is no download
  kDiskFull,
  kNoPeersKnown,
  kNoneAnswers,  // peers are known, and none is connected
  kLackPieces,   // connected peers have nothing of what is missing
  kAllChoke,     // those that have some choke us
  kNoneSends,    // they do not, and send nothing all the same
};

// Peers by where their addresses came from; by the first source, where several named one.
struct PeersOfSource {
  uint32_t known = 0;           // addresses
  uint32_t connected = 0;       // now
  uint32_t ever_connected = 0;  // in this run
};

struct TorrentStatus {
  TorrentState state = TorrentState::kChecking;
  Failure failure = Failure::kNone;
  absl::Status error;                 // of failure, or of the disk that is waited for
  uint64_t metadata_bytes = 0;        // while kMetadata: fetched so far
  uint64_t metadata_total_bytes = 0;  // 0: no peer has told
  uint64_t wanted_bytes = 0;          // of the pieces that hold wanted files, pad bytes not counted
  uint64_t done_bytes = 0;            // of them, written and verified
  uint64_t checked_bytes = 0;         // while kChecking
  uint64_t check_total_bytes = 0;
  uint64_t downloaded_bytes = 0;  // payload received in this run
  uint64_t uploaded_bytes = 0;
  uint64_t uploaded_before_bytes = 0;  // in earlier runs
  uint64_t wasted_bytes = 0;           // received twice or unasked
  uint64_t corrupt_bytes = 0;          // of pieces whose hash differed
  double download_rate = 0;            // bytes a second, over the last seconds
  double upload_rate = 0;
  uint32_t connected_peers = 0;
  uint32_t connected_seeds = 0;
  uint32_t known_peers = 0;
  uint32_t unchoked_by_peers = 0;
  std::array<PeersOfSource, kPeerSourceCount> peers_by_source{};  // by PeerSource
  Stall stall = Stall::kNone;
  bool complete = false;  // all wanted is written, verified and synced
  double seconds = 0;     // since the swarm started, checking not counted; stands still at completion
};

class Session {
 public:
  // Opens the port and starts the shared threads. Unavailable when no port can be had, InvalidArgument for `bind` or
  // `state_dir`. `listener` may be null; it must outlive the session.
  static absl::StatusOr<std::unique_ptr<Session>> Start(const SessionOptions& options, EventListener* listener);
  // Stops everything, within 5 seconds (see Stop).
  virtual ~Session() = default;

  // Starts a torrent; its own thread checks the disk and then joins the swarm. InvalidArgument for options that do not
  // fit the torrent, AlreadyExists when this session or another process has it in the same folder, or the file system's
  // own error.
  virtual absl::StatusOr<TorrentId> Add(std::shared_ptr<const Metainfo> metainfo, const TorrentOptions& options) = 0;

  // Starts a torrent from a magnet link: its metadata is fetched from peers (kMetadata) unless an earlier run kept it
  // in the state folder, and then it goes on as if that had been added, under the same id. Errors as above; those that
  // need the files (a selection, the folder) become the torrent's own.
  virtual absl::StatusOr<TorrentId> Add(const Magnet& magnet, const TorrentOptions& options) = 0;

  // What torrent this is; null while the metadata is not there.
  virtual std::shared_ptr<const Metainfo> MetainfoOf(TorrentId id) const = 0;

  virtual TorrentStatus Status(TorrentId id) const = 0;
  // Waits until `id` is kStopped or `timeout` has passed; true when it is kStopped.
  virtual bool WaitStopped(TorrentId id, std::chrono::milliseconds timeout) = 0;
  // The port that is listened on; 0 without.
  virtual uint16_t port() const = 0;

  // Our node of the distributed hash table, which this starts if no torrent did; nothing without one.
  virtual absl::optional<DhtStatus> Dht() = 0;
  // Searches it for peers of `infohash` without announcing anything; `on_peers` hears of them as they come, on another
  // thread. Blocks until the search has ended, or `timeout`. FailedPrecondition: there is no node.
  // DeadlineExceeded: no node of the network answered within `timeout`.
  virtual absl::StatusOr<DhtSearchResult> SearchDht(
      const Infohash& infohash, std::chrono::milliseconds timeout,
      const std::function<void(const std::vector<std::string>& peers)>& on_peers) = 0;

  // Asks all torrents to stop in order (README of src: "Stop"); returns at once, may be called from any thread, twice
  // too.
  virtual void RequestStop() = 0;
  // RequestStop, then waits; false when something hung beyond `deadline` (a resolver, a dead disk): then the caller
  // should leave by _exit, and the resume records are true all the same.
  virtual bool Stop(std::chrono::milliseconds deadline = std::chrono::milliseconds(5000)) = 0;
};

// Hashes what is under `output_dir` and tells which files are whole. Blocks; uses all cores.
struct FileCheck {
  enum class Result : uint8_t { kWhole, kMissing, kBad };  // kBad: shorter, longer, or a piece differs
  Result result = Result::kMissing;
  uint64_t bad_bytes = 0;  // in pieces that differ
};
struct VerifyReport {
  std::vector<FileCheck> files;  // by file index; pad files are kWhole
  uint32_t good_pieces = 0;
  bool whole() const { return all_whole; }
  bool all_whole = false;
};
absl::StatusOr<VerifyReport> VerifyFiles(const Metainfo& metainfo, const std::string& output_dir,
                                         const std::function<void(uint64_t done, uint64_t total)>& progress);

// Fetches a .torrent over http(s). Blocks for at most a minute.
absl::StatusOr<std::string> FetchMetainfo(const std::string& url);

// Asks each tracker of a torrent how many peers there are (BEP 48), one after the other.
struct ScrapeResult {
  std::string tracker;
  absl::Status status;
  int64_t complete = 0, incomplete = 0, downloaded = 0;
};
std::vector<ScrapeResult> ScrapeTrackers(const Metainfo& metainfo);

}  // namespace torrent

#endif  // TORRENT_SESSION_H_
