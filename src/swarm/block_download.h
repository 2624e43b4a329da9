// One peer's downloading side, where a student should begin: which blocks it was asked for, what came, and the way of a
// block from the buffer that it was received in through the hash to the writer.
//
//   Ask:     claim blocks ─► requests on the wire        up to the pipeline's depth, one send for many
//   arrive:  head ─► Expects? ─► spans in the buffer ─► whole
//   Flush:   whole blocks ─► accepted by the queue ─► hashed where they lie ─► the writer's queue
//
// Thread: its worker's. Invariant: what was claimed is either in asked_, or arrived, or given back.
#ifndef TORRENT_SWARM_BLOCK_DOWNLOAD_H_
#define TORRENT_SWARM_BLOCK_DOWNLOAD_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "swarm/peer_link.h"
#include "swarm/pipeline.h"
#include "swarm/swarm_context.h"

namespace torrent {

class BlockDownload {
 public:
  BlockDownload(SwarmContext* context, PeerLink* link, TimePoint now);

  PieceQueue::Claimant* claimant() { return claimant_.get(); }
  Pipeline* pipeline() { return &pipeline_; }

  // Claims what the pipeline has room for, if it is half empty, and appends the requests to `out`. While the peer
  // chokes us only `allowed_fast` pieces are asked for.
  void Ask(bool choked, const std::vector<uint32_t>& allowed_fast, TimePoint now, std::string* out);
  // Whether more would be claimed than there was.
  bool hungry() const { return hungry_; }
  bool asked_any() const { return !asked_.empty(); }

  // A `piece` message begins: whether its block was asked for. When not, its bytes are waste; InvalidArgument when that
  // happened too often.
  absl::Status Expects(uint32_t piece_index, uint32_t begin, uint32_t length, TimePoint now, bool* expected);
  // A block that was expected is whole.
  void Arrived(BlockWrite block, TimePoint now);
  // Passes on what arrived since the last call: accepts, hashes, hands to the writer.
  void Flush(TimePoint now);

  // The peer choked us: nothing of what was asked will come.
  void GiveBackAll(TimePoint now);
  // The same because we do not want it now. Appends the `cancel`s.
  void CancelAll(TimePoint now, std::string* out);
  // The peer rejected a request (BEP 6); false when it was not asked.
  bool Rejected(uint32_t piece_index, uint32_t begin, TimePoint now);
  // Another source was faster: no longer wanted here. Appends the `cancel`.
  void Cancel(const BlockRef& block, TimePoint now, std::string* out);
  // Gives back what is overdue, and what the peer has too much of after it became slow. Appends the `cancel`s.
  void Review(TimePoint now, std::string* out);
  // When Review should come again.
  TimePoint ReviewAt() const;

 private:
  struct Asked {
    BlockRef block;
    TimePoint at;
    size_t ahead = 0;  // requests that waited for their answer before this one
  };
  // No longer waited for, but accepted for a while if it comes after all.
  void Forget(const Asked& asked, TimePoint now);
  void GiveBack(size_t first, TimePoint now);
  void EncodeCancelOf(const BlockRef& block, std::string* out) const;

  SwarmContext* const context_;
  PeerLink* const link_;
  std::unique_ptr<PieceQueue::Claimant> claimant_;
  Pipeline pipeline_;
  bool hungry_ = false;
  std::deque<Asked> asked_;     // in the order of the requests
  std::deque<Asked> given_up_;  // `at` is when
  int unasked_ = 0;

  std::vector<BlockWrite> arrived_;
  Pipeline::Wait wait_;  // of the first block in arrived_
  // Kept between calls so that a flush allocates nothing.
  std::vector<PieceQueue::Arrival> arrivals_;
  std::vector<BlockRef> claimed_;
  std::vector<uint32_t> hashed_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_BLOCK_DOWNLOAD_H_
