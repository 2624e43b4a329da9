// What a client and a tracker tell each other (BEP 3, "trackers"; BEP 7, 24, 31, 48), whatever protocol carries it.
// Plain values; thread-safe like any value.
#ifndef TORRENT_TRACKER_ANNOUNCE_H_
#define TORRENT_TRACKER_ANNOUNCE_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "net/endpoint.h"
#include "torrent/sha1.h"

namespace torrent {

// BEP 3, `event`. kNone is one of the regular announces in between.
enum class TrackerEvent : uint8_t { kNone, kStarted, kCompleted, kStopped };

// "started", "completed", "stopped", or "" for kNone, as it stands in URLs.
absl::string_view TrackerEventName(TrackerEvent event);

struct AnnounceRequest {
  Infohash infohash;
  std::array<uint8_t, 20> peer_id{};
  uint16_t port = 0;        // where we listen
  uint64_t uploaded = 0;    // payload since `started`, in bytes
  uint64_t downloaded = 0;  // payload since `started`, in bytes
  uint64_t left = 0;        // bytes still missing; 0: a seeder
  TrackerEvent event = TrackerEvent::kNone;
  int numwant = 80;  // peers asked for; with kStopped none are
  // Random, and the same in all announces of one run: by it a tracker knows us again when our address has changed.
  uint32_t key = 0;
  std::string tracker_id;  // `tracker id` of this tracker's last reply
  // Our global IPv6 address as text, for a tracker that is reached over IPv4 only (BEP 7); empty: not sent.
  std::string ipv6;
};

struct AnnounceReply {
  std::chrono::seconds interval{0};      // to the next announce, within kMinAnnounceInterval..kMaxAnnounceInterval
  std::chrono::seconds min_interval{0};  // never announce earlier than this, <= interval; 0: not named
  absl::optional<int64_t> complete;      // seeders
  absl::optional<int64_t> incomplete;    // leechers
  std::vector<Endpoint> peers;           // each once, kMaxTrackerPeers at most
  size_t skipped_peers = 0;              // entries that were no address with a port, or not this tracker's to name
  std::string warning;                   // `warning message`, cleaned; empty: none
  std::string tracker_id;                // goes into the next request; empty: keep the last one
  absl::optional<Address> external_ip;   // ours, as the tracker sees it (BEP 24)
  // What was really connected to: the source of every address above. One for each family that answered.
  std::vector<Endpoint> trackers;
};

struct ScrapeReply {
  struct File {
    int64_t complete = 0;    // seeders
    int64_t downloaded = 0;  // how often `completed` was announced
    int64_t incomplete = 0;  // leechers
  };
  std::vector<std::pair<Infohash, File>> files;
};

// The error for an answer that says no (`failure reason`): FailedPrecondition. `message` is for eyes, so cleaned.
// `retry_in` (BEP 31): how long not to ask again; kNever: do not ask again at all.
inline constexpr std::chrono::seconds kNever = std::chrono::seconds::max();
absl::Status TrackerRefusal(absl::string_view message, absl::optional<std::chrono::seconds> retry_in);
// Whether `status` was made by TrackerRefusal: the tracker is there, and does not want us.
bool IsTrackerRefusal(const absl::Status& status);
// The `retry_in` that TrackerRefusal put into `status`; nothing for other errors.
absl::optional<std::chrono::seconds> RetryIn(const absl::Status& status);

}  // namespace torrent

#endif  // TORRENT_TRACKER_ANNOUNCE_H_
