// What the core tells: one stream of typed events. The progress line, --json, the protocol trace and the tests are its
// readers; the core itself prints nothing. Thread: a listener is called on whichever thread the thing happened on,
// several at once, so it must be thread-safe and short. An event costs nothing when nobody asked for its kind: the core
// looks at `wanted` before it makes one.
#ifndef TORRENT_EVENT_H_
#define TORRENT_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/variant.h"

namespace torrent {

// Names a torrent within its session, from 0.
using TorrentId = uint32_t;

// The metadata of a magnet link is being fetched from peers (BEP 9): bytes of it so far, and in all (0: no peer has
// told).
struct MetadataProgressEvent {
  uint64_t done_bytes;
  uint64_t total_bytes;
};

// The files were looked at, and it is known what is there already.
struct MetadataEvent {
  std::string name;
  std::string infohash;  // 40 hex digits
  uint64_t total_bytes;
  uint32_t pieces;
};

// Hashing what is on disk before the swarm starts.
struct CheckEvent {
  uint64_t done_bytes;
  uint64_t total_bytes;
};

struct AnnounceEvent {
  std::string tracker;  // URL without userinfo and query
  std::string event;    // "started", "completed", "stopped" or ""
  absl::Status status;  // OK: it answered
  uint32_t peers;       // in its answer
  std::string warning;  // `warning message` of the reply, cleaned; also our own notices
};

enum class PeerSource : uint8_t { kTracker, kIncoming, kUser, kResume, kDht, kPex, kLan };
inline constexpr size_t kPeerSourceCount = 7;
absl::string_view PeerSourceName(PeerSource source);

// A source that brings addresses in batches brought new ones: the DHT, peers (PEX), the local network. A tracker's are
// in its AnnounceEvent.
struct PeersFoundEvent {
  PeerSource source;
  uint32_t added;  // that nobody had named before
  uint32_t known;  // of all sources
};

struct PeerConnectedEvent {
  std::string endpoint;
  PeerSource source;  // that named it first
  bool incoming;
  std::string client;  // guessed from the peer id (BEP 20), cleaned
};

struct PeerGoneEvent {
  std::string endpoint;
  absl::Status reason;
  uint64_t downloaded_bytes;  // payload
  uint64_t uploaded_bytes;
  bool banned;
};

// One peer message, for traces. `text` names it and its fields: "request piece 3 begin 16384 length 16384".
struct MessageEvent {
  std::string endpoint;
  bool sent;
  std::string text;
};

struct PieceEvent {
  enum class What : uint8_t { kVerified, kFailed, kWritten };
  What what;
  uint32_t piece_index;
};

struct ChokeRoundEvent {
  uint32_t unchoked;
  uint32_t interested;
};

// The disk said no (status), or yes again (OK).
struct DiskEvent {
  absl::Status status;
  bool waits = false;  // nothing is downloaded until it says yes again
};

// All that was wanted is written, verified and synced.
struct DoneEvent {
  uint64_t bytes;
  double seconds;
};

// This torrent ended with an error.
struct ErrorEvent {
  absl::Status status;
};

enum EventKind : uint32_t {
  kMetadataEvents = 1u << 0,
  kCheckEvents = 1u << 1,
  kAnnounceEvents = 1u << 2,
  kPeerEvents = 1u << 3,  // found, connected, gone
  kMessageEvents = 1u << 4,
  kPieceEvents = 1u << 5,
  kChokeEvents = 1u << 6,
  kDiskEvents = 1u << 7,
  kEndEvents = 1u << 8,  // done, error
  kMetadataProgressEvents = 1u << 9,
  kAllEvents = (1u << 10) - 1,
};

struct Event {
  TorrentId torrent;
  absl::variant<MetadataEvent, MetadataProgressEvent, CheckEvent, AnnounceEvent, PeersFoundEvent, PeerConnectedEvent,
                PeerGoneEvent, MessageEvent, PieceEvent, ChokeRoundEvent, DiskEvent, DoneEvent, ErrorEvent>
      what;
};

class EventListener {
 public:
  explicit EventListener(uint32_t wanted) : wanted_(wanted) {}
  virtual ~EventListener() = default;
  // A sum of EventKinds; constant.
  uint32_t wanted() const { return wanted_; }
  virtual void OnEvent(const Event& event) = 0;

 private:
  const uint32_t wanted_;
};

}  // namespace torrent

#endif  // TORRENT_EVENT_H_
