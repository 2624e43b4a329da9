// The first phase of a magnet link: finds peers of an infohash and fetches the torrent's metadata from them (BEP 9).
// Its coordinator thread owns the peer book and the sources of peers, and starts a metadata worker a peer. It ends when
// the metadata is there, or by RequestStop, and then hands all on that the swarm goes on with.
//
// Thread-safe from outside; what is marked "coordinator" belongs to that thread.
// Invariant: what is handed on as metadata has the infohash.
#ifndef TORRENT_SWARM_METADATA_FETCH_H_
#define TORRENT_SWARM_METADATA_FETCH_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "swarm/handover.h"
#include "swarm/metadata_assembly.h"
#include "swarm/metadata_worker.h"
#include "swarm/peer_book.h"
#include "swarm/peer_finder.h"
#include "swarm/swarm.h"
#include "torrent/magnet.h"
#include "torrent/session.h"

namespace torrent {

// The torrent, with the trackers, web seeds and nodes of its link, and what was found of its swarm.
struct FetchedMetadata {
  std::shared_ptr<const Metainfo> metainfo;
  Handover handover;
};

class MetadataFetch {
 public:
  // Called once, as the last act of the coordinator. Cancelled: it was stopped. InvalidArgument, Unimplemented: the
  // metadata is there, and no torrent that we can use.
  using OnDone = std::function<void(absl::StatusOr<FetchedMetadata>)>;

  // `options.peers` and `options.trackers` are asked too; with `metadata_only` all connections end with the fetch.
  static absl::StatusOr<std::unique_ptr<MetadataFetch>> Create(TorrentId id, const Magnet& magnet,
                                                               const TorrentOptions& options,
                                                               const SwarmResources& resources, OnDone on_done);
  // Stops, and waits for it.
  ~MetadataFetch();

  // Starts the coordinator. ResourceExhausted when there is no thread.
  absl::Status Start();
  void RequestStop() { Call(kStopRequested); }
  // RequestStop, and waits until `on_done` has returned.
  void Join();
  // kMetadata, or kStopping.
  TorrentStatus Status() const;

  // Serves a connection that was accepted for this infohash, on the calling thread, until it ends, or until the
  // metadata is there: then it is answered, for the swarm.
  absl::optional<LiveConnection> RunIncoming(std::unique_ptr<Stream> stream, const wire::Handshake& theirs,
                                             TimePoint handshake_deadline);

 private:
  static constexpr uint32_t kStopRequested = 1u << 0;
  static constexpr uint32_t kLookAround = 1u << 1;

  MetadataFetch(TorrentId id, const Magnet& magnet, const TorrentOptions& options, const SwarmResources& resources,
                OnDone on_done);

  // --- Any thread --------------------------------------------------------------------------------------------------
  void Call(uint32_t duties);
  void EndOfPeer(const PeerLink& link, const absl::Status& reason, absl::optional<LiveConnection> live);
  void RunOutgoing(const std::shared_ptr<PeerLink>& link, Budget::Slot half_open, Budget::Slot connection);

  // --- Coordinator -------------------------------------------------------------------------------------------------
  void Run();
  void Loop();
  void WaitForDuty(TimePoint deadline);
  void ReapPeers(TimePoint now);
  void FindPeers(TimePoint now);
  void Dial(TimePoint now);
  // One peer that gave nothing makes room.
  void ShedUseless(TimePoint now);
  void Measure(TimePoint now);
  // All connections end, or are handed over.
  void EndConnections(const absl::Status& reason, TimePoint begin);
  void TellTrackers(TimePoint begin);
  absl::StatusOr<FetchedMetadata> Conclude(bool goes_on);

  const Magnet magnet_;
  const TorrentOptions options_;
  const SwarmResources resources_;
  const Events events_;
  const OnDone on_done_;
  PeerRegistry registry_;
  MetadataAssembly assembly_;
  PeerHints hints_;
  MetadataContext context_;

  // Coordinator.
  PeerBook book_;
  const std::shared_ptr<FinderTies> ties_;
  std::unique_ptr<PeerFinder> finder_;
  absl::flat_hash_map<uint64_t, Thread> workers_;  // outgoing, by link
  TimePoint started_;
  TimePoint next_dial_ = TimePoint::min();
  TimePoint next_measure_ = TimePoint::min();
  MetadataAssembly::Progress told_;
  std::vector<LiveConnection> live_;
  absl::flat_hash_set<Endpoint> came_in_;  // where peers listen whose connections are handed over on their threads

  mutable Mutex mutex_;
  CondVar called_;
  std::atomic<uint32_t> duties_{0};
  struct EndedPeer {
    uint64_t link;
    Endpoint endpoint;
    PeerBook::Ending ending;
    bool own_thread;
    bool goes_on;                         // handed over
    absl::optional<LiveConnection> live;  // where it is outgoing
  };
  std::vector<EndedPeer> ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<Endpoint> liars_ ABSL_GUARDED_BY(mutex_);  // all so far
  TorrentStatus status_ ABSL_GUARDED_BY(mutex_);

  Thread coordinator_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_METADATA_FETCH_H_
