// One torrent of a session through its life: from a magnet link it is first a fetch of metadata and then a swarm, under
// one id; from a .torrent, or where an earlier run kept the metadata, a swarm at once.
//
//   magnet ─► kept in the state folder? ─── yes ──────────────┐
//               └─ no: MetadataFetch ─► keep it, select files ─┴─► Swarm (none where only the metadata is wanted)
//
// Thread-safe. The step from one to the other is made on the fetch's own thread.
// Invariant: once there is a swarm it stays, and all questions go to it.
#ifndef TORRENT_SESSION_TORRENT_ENTRY_H_
#define TORRENT_SESSION_TORRENT_ENTRY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "swarm/metadata_fetch.h"
#include "swarm/swarm.h"
#include "torrent/magnet.h"
#include "torrent/session.h"

namespace torrent {

class TorrentEntry {
 public:
  // Started. Errors as Swarm::Create and Start.
  static absl::StatusOr<std::shared_ptr<TorrentEntry>> Start(TorrentId id, std::shared_ptr<const Metainfo> metainfo,
                                                             const TorrentOptions& options, SwarmResources resources);
  // Started. ResourceExhausted: no thread. What goes wrong once the files are known is the torrent's own failure.
  static absl::StatusOr<std::shared_ptr<TorrentEntry>> Start(TorrentId id, const Magnet& magnet,
                                                             const TorrentOptions& options, SwarmResources resources);

  ~TorrentEntry();

  const Infohash& infohash() const { return infohash_; }
  std::shared_ptr<const Metainfo> metainfo() const;
  TorrentStatus Status() const;
  bool WaitStopped(TimePoint deadline) const;
  void RequestStop();
  // Serves an accepted connection on the calling thread until it ends.
  void RunIncoming(std::unique_ptr<Stream> stream, const wire::Handshake& theirs, TimePoint handshake_deadline);

 private:
  TorrentEntry(TorrentId id, const Infohash& infohash, const TorrentOptions& options, SwarmResources resources)
      : id_(id), infohash_(infohash), options_(options), resources_(std::move(resources)) {}

  // On the fetch's thread, as its last act.
  void OnFetched(const Magnet& magnet, absl::StatusOr<FetchedMetadata> fetched);
  void GoOn(const Magnet& magnet, std::shared_ptr<const Metainfo> metainfo, Handover handover);
  absl::Status StartSwarm(const TorrentOptions& options, Handover handover);
  void End(Failure failure, const absl::Status& error);

  const TorrentId id_;
  const Infohash infohash_;
  const TorrentOptions options_;
  const SwarmResources resources_;
  std::unique_ptr<MetadataFetch> fetch_;  // null: none was needed

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stop_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // without a swarm
  TorrentStatus end_ ABSL_GUARDED_BY(mutex_);   // then
  std::shared_ptr<const Metainfo> metainfo_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Swarm> swarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_SESSION_TORRENT_ENTRY_H_
