// One torrent of a session through its life: from a magnet link it is first a fetch of metadata and then a swarm, under
// one id; from a .torrent, or where an earlier run kept the metadata, a swarm at once.
//
//   magnet ─► kept in the state folder? ─── yes ──────────────┐
//               └─ no: MetadataFetch ─► keep it, select files ─┴─► Swarm (none where only the metadata is wanted)
//                                                                   │ disk gone ▲ back, as a thread of its own sees
//                                                                   └─► pause ──┘
//
// Thread-safe. The step from the fetch to the swarm is made on the fetch's own thread.
// Invariant: all questions go to the swarm that is there; in a pause the last one's answers stand.
#ifndef TORRENT_SESSION_TORRENT_ENTRY_H_
#define TORRENT_SESSION_TORRENT_ENTRY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/thread.h"
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
  absl::Status AddSwarm(std::shared_ptr<Swarm> swarm);
  // On the coordinator of the swarm that ends with it.
  void OnPaused(DiskPause pause);
  // The thread of a pause: looks at the disk now and then until it can be used, or a stop is asked for.
  void WaitForDisk(DiskPause* pause);
  bool WaitUnlessStopped(Duration wait);
  void End(Failure failure, const absl::Status& error);

  const TorrentId id_;
  const Infohash infohash_;
  const TorrentOptions options_;
  const SwarmResources resources_;
  std::unique_ptr<MetadataFetch> fetch_;  // null: none was needed
  // Whoever starts a swarm; one at a time.
  TorrentOptions swarm_options_;
  TimePoint went_on_ = TimePoint() - kDiskLostCalm;  // after the last pause
  Duration retry_ = kDiskLostFirstRetry;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stop_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // without a swarm
  TorrentStatus end_ ABSL_GUARDED_BY(mutex_);   // then
  std::shared_ptr<const Metainfo> metainfo_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Swarm> swarm_ ABSL_GUARDED_BY(mutex_);
  Thread waiting_ ABSL_GUARDED_BY(mutex_);        // the last pause's; joined without the lock
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;   // swarm_ has ended, or is null; another is to come
  TorrentStatus before_ ABSL_GUARDED_BY(mutex_);  // what earlier swarms have done; the answer in a pause
};

}  // namespace torrent

#endif  // TORRENT_SESSION_TORRENT_ENTRY_H_
