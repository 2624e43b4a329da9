// Fetching an `info` value (BEP 9) from many peers at once. Its pieces have no hash of their own; only the whole has
// one, the infohash. So:
//
//   peers that claim the same size fill one copy together ─► SHA-1 right? done
//        ├─ wrong, by one peer: a liar ─► banned
//        └─ wrong, by several: that size is *spoiled*; from then on each of its peers fills a copy alone, side by side,
//           and who fills it wrong has convicted itself
//
// A size that only a liar claims is therefore the liar's problem. Memory is taken as pieces arrive, and all copies
// together hold at most kMaxPeerMetadataBytes: where there is no room for all, smaller ones go first, and among equal
// ones who held room longest gives way.
// Thread-safe: each peer's worker calls for its peer. Takes `now`: tested without waiting. Nothing is hashed under the
// lock.
#ifndef TORRENT_SWARM_METADATA_ASSEMBLY_H_
#define TORRENT_SWARM_METADATA_ASSEMBLY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "torrent/sha1.h"
#include "wire/metadata_message.h"

namespace torrent {

class MetadataAssembly {
 public:
  // Names a connection; never used twice.
  using PeerKey = uint64_t;

  // `work_returned` is called, on any thread and under no lock, when peers that had nothing to be asked for may have
  // now (TakeTurn answered `hungry`), but for what passing time brings.
  MetadataAssembly(const Infohash& infohash, std::function<void()> work_returned);
  ~MetadataAssembly();

  // A peer that speaks ut_metadata, with the `metadata_size` of its extension handshake; without one it is asked all
  // the same, now and then. Also for a later handshake. InvalidArgument: it claims another size than before.
  absl::Status Join(PeerKey peer, absl::optional<uint32_t> size, TimePoint now);
  // What it was asked for goes to others.
  void Leave(PeerKey peer);

  struct Turn {
    std::vector<uint32_t> requests;     // to be sent to it now
    TimePoint next = TimePoint::max();  // when the next turn may bring something
    bool hungry = false;                // it could be asked for more than there is
  };
  Turn TakeTurn(PeerKey peer, TimePoint now);

  // A data message. InvalidArgument: end the connection. DataLoss: a proven liar.
  absl::Status Arrived(PeerKey peer, const wire::MetadataMessage& data, TimePoint now);
  void Rejected(PeerKey peer, uint32_t piece, TimePoint now);

  // Whether the value is there. From then on no turn brings anything.
  bool complete() const { return complete_.load(std::memory_order_acquire); }
  // The value, once.
  std::string Take();

  // Of the copy that is furthest.
  struct Progress {
    uint32_t done_bytes = 0;
    uint32_t total_bytes = 0;  // 0: no peer has claimed a size
  };
  Progress progress() const;
  // By all copies.
  size_t held_bytes() const;

 private:
  struct Copy;
  struct Size;
  struct Peer;

  Size* AddClaimLocked(Peer* peer, uint32_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Copy* CopyOfLocked(Peer* peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes room for a copy that has none; `*next` is when to try again where that fails.
  bool BeginLocked(Copy* copy, TimePoint now, TimePoint* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Drops what it holds.
  void DropLocked(Copy* copy) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUpRequestsLocked(Peer* peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status JudgeLocked(Peer* peer, Copy* copy, bool good) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Infohash infohash_;
  const std::function<void()> work_returned_;
  std::atomic<bool> complete_{false};
  mutable Mutex mutex_;
  // Pointers to values stay: a node each.
  std::map<PeerKey, Peer> peers_ ABSL_GUARDED_BY(mutex_);
  std::map<uint32_t, Size> sizes_ ABSL_GUARDED_BY(mutex_);
  std::vector<Copy*> begun_ ABSL_GUARDED_BY(mutex_);  // those that have room
  size_t reserved_ ABSL_GUARDED_BY(mutex_) = 0;       // bytes, by the sizes of these
  std::string whole_ ABSL_GUARDED_BY(mutex_);
  uint32_t complete_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_METADATA_ASSEMBLY_H_
