// What is missing, who is asked for it, and what came: the one class that knows the state of every piece, and the only
// one that moves a piece from one state to the next:
//
//   missing ──► in flight ──► verified ──► written ──► (synced, see storage/checkpoint)
//      ▲            │
//      └────────────┘ its hash differed, or its only source left
//
// Workers hold a Claimant each and ask it for blocks (the ladder is in piece_queue_claim.cc). Nothing happens under the
// lock but bookkeeping: no I/O, no hashing, no call into another locking class. What a change means for others is told
// by Effects, which the caller carries out after the call.
// Thread-safe.
// Invariants: a piece is in exactly one state; a block that was accepted is never accepted again, so that a duplicate
// cannot touch a piece that is verified; what a claimant was asked and did not deliver is free again when it is gone.
#ifndef TORRENT_SWARM_PIECE_QUEUE_H_
#define TORRENT_SWARM_PIECE_QUEUE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "metainfo/piece_layout.h"
#include "net/endpoint.h"
#include "swarm/piece_in_flight.h"
#include "swarm/rarity_order.h"
#include "wire/bitfield.h"

namespace torrent {

class PieceQueue {
 public:
  class Claimant;

  // What has to be done elsewhere because of a call.
  struct Effects {
    // Requests that another source has answered meanwhile: to be cancelled at those claimants.
    std::vector<std::pair<ClaimantId, BlockRef>> cancels;
    // Peers that are proven to have sent other bytes than the piece has.
    std::vector<Endpoint> liars;
    std::vector<uint32_t> verified;
    std::vector<uint32_t> failed;
    std::vector<uint32_t> written;
    bool upkeep_due = false;     // a TakeCatchUp, TakeFailed or TakeVerdict has something
    bool work_returned = false;  // blocks became free: who had nothing to claim may ask again
  };

  // One block that came whole, and what the queue says of it.
  struct Arrival {
    BlockRef block;
    enum class Outcome : uint8_t {
      kLost,      // another was first, or nobody wants it: drop it
      kAccepted,  // hand it to the writer
      kHash,      // the same, and pass it through `hasher` first, in the order of the arrivals; then HashDone
    } outcome = Outcome::kLost;
    Sha1* hasher = nullptr;
  };

  // How a claimant is doing, by its own measure.
  struct Pace {
    double bytes_per_second = 0;  // 0: not known yet
    Duration latency{};           // from a request to the first byte of its answer
  };

  // `released` is called, without the lock, with the effects of a claimant's end.
  PieceQueue(std::shared_ptr<const Metainfo> metainfo, const PieceLayout* layout, uint64_t seed,
             std::function<void(const Effects&)> released);
  ~PieceQueue();

  // --- Before the first claimant -----------------------------------------------------------------------------------
  // Pieces that are on disk, pieces that are wanted, and blocks on disk of pieces that are not whole.
  void Begin(const wire::Bitfield& have, const wire::Bitfield& wanted,
             absl::Span<const std::pair<uint32_t, wire::Bitfield>> partial, Effects* effects);

  // --- Claimants ---------------------------------------------------------------------------------------------------
  std::unique_ptr<Claimant> AddClaimant(const Endpoint& endpoint);

  // --- The writer's and the coordinator's side -----------------------------------------------------------------------
  void OnWritten(absl::Span<const BlockRef> blocks, Effects* effects);

  // Hash work that no worker did in passing: blocks on disk next to what was hashed, at most 1 MiB of them. The taker
  // holds the token: it reads them from the files, passes them through `hasher`, and calls HashDone.
  struct CatchUp {
    uint32_t piece_index;
    uint32_t first_block;
    uint32_t block_count;
    Sha1* hasher;
  };
  absl::optional<CatchUp> TakeCatchUp();
  // Ends the hash work on these pieces; a piece that is hashed to its end is judged.
  void HashDone(absl::Span<const uint32_t> pieces, Effects* effects);

  // The file could not be read back: the piece starts again, and nobody is to blame.
  void HashFailed(uint32_t piece_index, Effects* effects);

  // A piece that failed with several contributors and is whole on disk: its blocks' hashes are to be kept
  // (KeepEvidence) before anything is requested again.
  absl::optional<uint32_t> TakeFailed();
  void KeepEvidence(uint32_t piece_index, std::vector<Sha1Hash> block_hashes, Effects* effects);
  // A piece with kept evidence that is good now: Judge with the hashes of its good blocks convicts who sent others.
  absl::optional<uint32_t> TakeVerdict();
  void Judge(uint32_t piece_index, absl::Span<const Sha1Hash> good_hashes, Effects* effects);

  // A piece that was written is not there any more (a file was cut or removed): missing again.
  void Lose(uint32_t piece_index, Effects* effects);

  // --- What others look at -------------------------------------------------------------------------------------------
  // Whether a piece is written: may be announced and served.
  bool IsWritten(uint32_t piece_index) const;
  // Written pieces, and the place in the log of written pieces that belongs to this answer.
  wire::Bitfield Written(size_t* log_place) const;
  // The length of that log, without the lock.
  size_t NewsCount() const { return news_count_.load(std::memory_order_acquire); }
  // Blocks on disk of unfinished pieces, for the resume record.
  std::vector<std::pair<uint32_t, wire::Bitfield>> PartialBlocks() const;
  // All wanted pieces are written.
  bool Complete() const { return complete_.load(std::memory_order_acquire); }
  // Pieces of kMissing state and in flight together: 0 when complete.
  uint32_t UnfinishedPieces() const;
  uint64_t wanted_bytes() const { return wanted_bytes_; }
  uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }
  uint64_t corrupt_bytes() const { return corrupt_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Evidence {
    std::vector<Sha1Hash> block_hashes;
    std::vector<ClaimantId> contributors;  // by block
  };

  // What is kept of a claimant.
  struct Source {
    ClaimantId id = 0;
    Endpoint endpoint;
    wire::Bitfield pieces;
    bool counted = false;  // its pieces are counted in the rarity order; a seed's are not
    PieceInFlight* current = nullptr;
    uint32_t last_begun = kNoPiece;  // its neighbour comes next where rarity allows
    uint32_t suggested = kNoPiece;
    uint32_t outstanding = 0;  // blocks requested of it and not answered
    Pace pace;
  };
  static constexpr uint32_t kNoPiece = 0xffffffff;

  // How many of `count` blocks it may be asked for now, by how far the end is.
  size_t ShareLocked(const Source& source, size_t count) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The rungs of the ladder (piece_queue_claim.cc).
  PieceInFlight* NextPieceLocked(Source* source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PieceInFlight* AbandonedPieceLocked(Source* source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PieceInFlight* NewPieceLocked(Source* source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PieceInFlight* PieceToJoinLocked(Source* source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::optional<uint32_t> PickMissingLocked(const Source& source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayBeginLocked(uint32_t piece_index, const Source& source) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsSlowForNewPieceLocked(const Source& source) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ShouldTakeOverLocked(const PieceInFlight& piece, const Source& source, uint32_t now_ms) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsSuspectLocked(uint32_t piece_index, const Source& source) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PieceInFlight* StartPieceLocked(uint32_t piece_index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeFreeLocked(PieceInFlight* piece, Source* source, size_t count, uint32_t now_ms, std::vector<BlockRef>* out)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeHeldLocked(Source* source, size_t count, uint32_t now_ms, std::vector<BlockRef>* out, Effects* effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayTakeFreeLocked(const PieceInFlight& piece, const Source& source) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveCurrentLocked(Source* source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  PieceInFlight* FindLocked(uint32_t piece_index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FreeBlockLocked(PieceInFlight* piece, uint32_t block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateOpenLocked(PieceInFlight* piece) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetOwnerLocked(PieceInFlight* piece, ClaimantId owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBackLocked(Source* source, absl::Span<const BlockRef> blocks, Effects* effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeBackAllLocked(PieceInFlight* piece, Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReleaseExclusiveLocked(PieceInFlight* piece, Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JudgeHashLocked(PieceInFlight* piece, Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What may follow once a piece has no block in the writer's queue: written, evidence, or a new start.
  void SettleLocked(PieceInFlight* piece, Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RestartLocked(PieceInFlight* piece, Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BecomeWrittenLocked(uint32_t piece_index, Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndLocked(PieceInFlight* piece) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateCompleteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveSource(ClaimantId id);
  // On the clock of BlockInFlight.
  uint32_t Milliseconds(TimePoint now) const;
  Endpoint EndpointOfLocked(ClaimantId id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<const Metainfo> metainfo_;
  const PieceLayout* const layout_;
  const TimePoint start_;
  const std::function<void(const Effects&)> released_;
  uint64_t wanted_bytes_ = 0;  // constant after Begin
  std::atomic<uint64_t> written_bytes_{0};
  std::atomic<uint64_t> corrupt_bytes_{0};
  std::atomic<size_t> news_count_{0};
  std::atomic<bool> complete_{false};

  mutable Mutex mutex_;
  Random random_ ABSL_GUARDED_BY(mutex_);
  wire::Bitfield wanted_ ABSL_GUARDED_BY(mutex_);
  wire::Bitfield written_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> written_log_ ABSL_GUARDED_BY(mutex_);
  // Missing pieces that are wanted, as an order and as bits.
  RarityOrder missing_ ABSL_GUARDED_BY(mutex_);
  wire::Bitfield missing_bits_ ABSL_GUARDED_BY(mutex_);
  uint32_t pieces_begun_ ABSL_GUARDED_BY(mutex_) = 0;

  absl::flat_hash_map<uint32_t, std::unique_ptr<PieceInFlight>> in_flight_ ABSL_GUARDED_BY(mutex_);
  size_t blocks_in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<PieceInFlight*> open_ ABSL_GUARDED_BY(mutex_);  // with free blocks
  int abandoned_ ABSL_GUARDED_BY(mutex_) = 0;                 // how many of those have no owner
  std::vector<uint32_t> catch_up_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> to_examine_ ABSL_GUARDED_BY(mutex_);  // failed, on disk, evidence to be kept
  std::vector<uint32_t> to_judge_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint32_t, std::vector<Evidence>> evidence_ ABSL_GUARDED_BY(mutex_);

  ClaimantId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<ClaimantId, std::unique_ptr<Source>> sources_ ABSL_GUARDED_BY(mutex_);
  double total_rate_ ABSL_GUARDED_BY(mutex_) = 0;                         // of all sources
  absl::flat_hash_set<ClaimantId> proven_liars_ ABSL_GUARDED_BY(mutex_);  // by a piece that was theirs alone
  // Where claimants that are gone were, as long as something of theirs may still be judged.
  absl::flat_hash_map<ClaimantId, Endpoint> departed_ ABSL_GUARDED_BY(mutex_);
};

// Anything that has pieces and a rate, as the queue sees it: a peer worker; later a web seed too. Gives back what did
// not arrive when it dies, so no exit of a worker can lose work.
// Thread: its worker's. A thin handle: what the queue keeps of it is a Source under the queue's lock.
class PieceQueue::Claimant {
 public:
  ~Claimant();
  Claimant(const Claimant&) = delete;
  Claimant& operator=(const Claimant&) = delete;

  ClaimantId id() const { return id_; }

  // What the peer has. SetBitfield replaces.
  void SetBitfield(wire::Bitfield pieces);
  // False when that was known.
  bool AddPiece(uint32_t piece_index);
  bool IsSeed() const;
  // Whether it has a piece that is wanted and not verified. One pass over bitmaps.
  bool IsInteresting() const;
  bool HasPiece(uint32_t piece_index) const;
  // Appends the pieces that were written since `*log_place` and that the peer does not have, and moves the place.
  void NewsSince(size_t* log_place, std::vector<uint32_t>* pieces) const;

  // Appends up to `count` blocks to request now, best first; fewer or none when this peer has no more that is wanted.
  // `only`, when it is not empty: the pieces that it may be asked for (BEP 6, allowed fast).
  void Claim(size_t count, const Pace& pace, TimePoint now, absl::Span<const uint32_t> only, std::vector<BlockRef>* out,
             Effects* effects);
  // These will not be answered (choked, rejected, overdue).
  void GiveBack(absl::Span<const BlockRef> blocks, Effects* effects);
  // Whole blocks from this peer, in the order in which they came.
  void Accept(absl::Span<Arrival> arrivals, Effects* effects);
  // Takes `piece_index` first, if it is missing and the peer has it (BEP 6, suggest piece).
  void Suggest(uint32_t piece_index);

 private:
  friend class PieceQueue;
  Claimant(PieceQueue* queue, ClaimantId id) : queue_(queue), id_(id) {}

  PieceQueue* const queue_;
  const ClaimantId id_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PIECE_QUEUE_H_
