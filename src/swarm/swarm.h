// One torrent: its coordinator thread owns the peer book, the announces, the choke rounds and the list of workers. What
// the data path needs (piece queue, registry, writer queue) locks for itself and is handed to the workers as a
// SwarmContext; the coordinator owns these parts, it is not them.
//
//   open (look at the disk, hash what must be hashed) ─► run ─► complete? sync ─► seed or end ─► stop
//
// Thread-safe from outside; what is marked "coordinator" belongs to that thread.
// Invariant: the public state never says complete before every wanted piece is in a saved resume record.
#ifndef TORRENT_SWARM_SWARM_H_
#define TORRENT_SWARM_SWARM_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "net/stream.h"
#include "storage/checkpoint.h"
#include "storage/opening.h"
#include "storage/piece_writer.h"
#include "storage/record_file.h"
#include "storage/state_dir.h"
#include "swarm/choker.h"
#include "swarm/handover.h"
#include "swarm/own_address.h"
#include "swarm/peer_book.h"
#include "swarm/peer_finder.h"
#include "swarm/rate_meter.h"
#include "swarm/stall.h"
#include "swarm/swarm_context.h"
#include "swarm/swarm_resources.h"
#include "torrent/session.h"
#include "wire/handshake.h"

namespace torrent {

class PeerWorker;

class Swarm final : private WriteObserver, private CheckpointSource {
 public:
  // Opens the folder and takes the lock on the resume record; nothing is hashed yet. FailedPrecondition: another
  // process has the same download; the file system's own errors. With `after` it is to go on where another swarm
  // paused: nothing is made, and FailedPrecondition says that the folder is another one now, or cannot be written.
  static absl::StatusOr<std::unique_ptr<Swarm>> Create(TorrentId id, std::shared_ptr<const Metainfo> metainfo,
                                                       const TorrentOptions& options, const SwarmResources& resources,
                                                       const DiskPause* after = nullptr);
  // Stops, and waits for it.
  ~Swarm() override;

  // Before Start: goes on with what the fetching of the metadata left.
  void Adopt(Handover handover) { handover_ = std::move(handover); }
  // Before Start: where the disk fails in a way that may pass, `paused` hears of it on the coordinator's thread, as the
  // last thing before this swarm is stopped. Without it that is a failure.
  using Paused = std::function<void(DiskPause pause)>;
  void OnPaused(Paused paused) { paused_ = std::move(paused); }
  // Starts the coordinator. ResourceExhausted when there is no thread.
  absl::Status Start();
  void RequestStop() { Call(kStopRequested); }
  bool WaitStopped(TimePoint deadline) const;
  TorrentStatus Status() const;

  const Infohash& infohash() const { return metainfo_->infohash; }
  const std::string& folder() const { return store_->folder().canonical_path(); }

  // Serves a connection that was accepted for this torrent, on the calling thread, until it ends. Waits until the disk
  // was looked at. False: not now (no room for another, still looking at `handshake_deadline`, stopping); the stream is
  // closed then.
  bool RunIncoming(std::unique_ptr<Stream> stream, const wire::Handshake& theirs, TimePoint handshake_deadline);
  // The same for one that came in while the metadata was fetched; waits as long as the disk is looked at.
  bool RunAdopted(LiveConnection live);

 private:
  static constexpr uint32_t kStopRequested = 1u << 31;

  Swarm(TorrentId id, std::shared_ptr<const Metainfo> metainfo, const TorrentOptions& options,
        const SwarmResources& resources, std::unique_ptr<FileStore> store, StateLock lock, RecordFile record);

  // --- Any thread --------------------------------------------------------------------------------------------------
  void Call(uint32_t duties);
  void CarryOut(const PieceQueue::Effects& effects);
  void SetState(TorrentState state);
  void Fail(Failure failure, const absl::Status& error);
  // The disk failed: this swarm ends, and the torrent waits if that may help.
  void LoseDisk(const absl::Status& error);
  void TellPaused(const absl::Status& error);
  void OnWritten(absl::Span<const BlockWrite> blocks) override;
  void OnRoom() override;
  void OnWriteError(const absl::Status& error) override;
  void OnRecovered() override;
  void Snapshot(ResumeRecord* record) override;
  void OnSynced(const std::vector<bool>& pieces) override;
  void OnCheckpointError(const absl::Status& error) override;
  // The book knows who came to us by where it listens; port 0: it did not tell.
  static Endpoint EndpointInBook(const PeerLink& link);
  void EndOfPeer(PeerLink& link, const absl::Status& reason, bool on_own_thread);
  using PeerLife = std::function<absl::Status(PeerWorker*)>;
  bool ServeHere(const Endpoint& remote, TimePoint wait_until, const PeerLife& life);

  // --- Coordinator -------------------------------------------------------------------------------------------------
  void Run();
  absl::Status Open();
  absl::Status OpenFinder();
  void Loop();
  // Waits for a duty or `deadline`; answers the duties.
  uint32_t WaitForDuty(TimePoint deadline);
  // One bounded turn of hashing what no worker hashed, keeping evidence, judging. True: there is more.
  bool DoUpkeep();
  void ReapPeers(TimePoint now);
  void FindPeers(TimePoint now);
  void HearHints(TimePoint now);
  // `source` brought so many new addresses.
  void TellFound(PeerSource source, uint32_t added, TimePoint now);
  void Dial(TimePoint now);
  void GoOnWithAdopted(TimePoint now);
  // A worker on a thread of its own; what `life` holds is let go when it has ended. False: no thread or descriptor.
  bool StartWorker(const Endpoint& endpoint, PeerSource source, PeerLife life);
  void ChokeRound(TimePoint now);
  void FillSlots();
  std::vector<Choker::Peer> PeersForChoker(bool start_new_round, TimePoint now);
  void MeasureRates(TimePoint now);
  // Why nothing comes; of the peers' figures the caller knows the rest.
  Stall LookForStall(StallFigures figures, TimePoint now);
  // All that was wanted is written: sync it. False: not synced yet.
  bool Complete();
  bool SeededEnough(TimePoint now) const;
  void Stop();
  // The last checkpoint, tried until it is there or the time is over.
  bool SaveLast(bool ended, TimePoint deadline);
  std::vector<std::pair<std::string, int64_t>> RememberedForNextRun() const;

  const std::shared_ptr<const Metainfo> metainfo_;
  const TorrentOptions options_;
  const SwarmResources resources_;
  const Events events_;
  const std::unique_ptr<FileStore> store_;
  const StateLock state_lock_;
  RecordFile record_;
  const PieceLayout layout_;
  PeerRegistry registry_;
  PieceQueue queue_;
  Serving serving_;
  PeerHints hints_;
  PexRoster roster_;
  Paused paused_;
  bool after_pause_ = false;
  std::vector<uint32_t> replaced_files_;  // then

  std::unique_ptr<PieceWriter::Queue> writer_;
  std::unique_ptr<Checkpointer::Entry> checkpoint_;
  std::unique_ptr<SwarmContext> context_;

  // Coordinator.
  PeerBook book_;
  OwnAddress own_address_;
  Handover handover_;
  std::vector<Endpoint> banned_;  // for the next owner
  std::unique_ptr<PeerFinder> finder_;
  Choker choker_;
  absl::flat_hash_map<uint64_t, Thread> workers_;  // outgoing, by link
  TimePoint next_choke_round_;
  TimePoint next_rates_;
  TimePoint next_news_ = TimePoint::max();
  TimePoint last_news_ = TimePoint::min();
  TimePoint next_dial_ = TimePoint::min();
  TimePoint next_sync_try_ = TimePoint::min();
  TimePoint started_;
  TimePoint complete_since_ = TimePoint::max();
  uint64_t payload_seen_ = 0;  // bytes that had come at `last_payload_`
  TimePoint last_payload_;
  struct RoundFigures {
    uint64_t downloaded = 0, uploaded = 0;
  };
  absl::flat_hash_map<uint64_t, RoundFigures> at_last_round_;
  TimePoint last_round_;
  std::vector<std::pair<std::string, int64_t>> remembered_extra_;

  mutable Mutex mutex_;
  CondVar called_;
  mutable CondVar stopped_;
  CondVar opened_;  // accepting_ or ending_
  std::atomic<uint32_t> duties_{0};
  std::atomic<bool> news_called_{false};            // the coordinator knows that pieces were written
  bool accepting_ ABSL_GUARDED_BY(mutex_) = false;  // incoming connections
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool coordinator_ended_ ABSL_GUARDED_BY(mutex_) = false;
  struct EndedPeer {
    uint64_t link;
    Endpoint endpoint;
    PeerBook::Ending ending;
    bool own_thread;
    absl::optional<PeerSource> established;  // and not counted yet
  };
  std::vector<EndedPeer> ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<Endpoint> liars_ ABSL_GUARDED_BY(mutex_);
  absl::Status disk_lost_ ABSL_GUARDED_BY(mutex_);                              // why this swarm pauses
  std::vector<std::pair<std::string, int64_t>> extra_ ABSL_GUARDED_BY(mutex_);  // for the resume record
  TorrentStatus status_ ABSL_GUARDED_BY(mutex_);
  RateMeter download_rate_ ABSL_GUARDED_BY(mutex_);
  RateMeter upload_rate_ ABSL_GUARDED_BY(mutex_);

  Thread coordinator_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_SWARM_H_
