// One peer's uploading side: what it asked for, whether it may have it, and the blocks on their way (BEP 3; BEP 6 for
// rejects and for the pieces that a choked peer may have all the same).
// Thread: its worker's. Invariant: with the fast extension every request is answered, by its block or by a reject.
#ifndef TORRENT_SWARM_BLOCK_UPLOAD_H_
#define TORRENT_SWARM_BLOCK_UPLOAD_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "swarm/peer_link.h"
#include "swarm/sender.h"
#include "swarm/swarm_context.h"
#include "swarm/upload_queue.h"
#include "wire/message.h"

namespace torrent {

class BlockUpload {
 public:
  BlockUpload(SwarmContext* context, PeerLink* link, Sender* sender)
      : context_(context), link_(link), sender_(sender) {}

  void set_fast(bool fast) { fast_ = fast; }
  // Offers these pieces to the peer while it is choked (BEP 6): appends `allowed fast` for each that we have.
  void OfferFast(const std::vector<uint32_t>& pieces);

  bool choking() const { return choking_; }
  // Chokes or unchokes, and answers what that leaves unanswered.
  void SetChoking(bool choke);

  // InvalidArgument: out of the torrent, or one of too many.
  absl::Status OnRequest(const wire::Message& message);
  void OnCancel(const wire::Message& message);

  // Sends what waits, blocks as far as stream and limit allow. `*progress`: something left. Errors end the connection.
  absl::Status Send(TimePoint now, bool* progress);
  // A block could go but for the limit: not before that.
  TimePoint ResumeAt() const { return resume_at_; }
  bool has_requests() const { return !queue_.empty() || sender_->block_pending(); }
  // Blocks are ready to go as soon as the stream takes more.
  bool wants_to_write() const { return sender_->pending() || (!queue_.empty() && resume_at_ == TimePoint::max()); }

 private:
  void Reject(const BlockRequest& request);
  bool IsFastPiece(uint32_t piece_index) const;
  // The next request goes to the sender, or is rejected.
  void StartNext();

  SwarmContext* const context_;
  PeerLink* const link_;
  Sender* const sender_;
  bool fast_ = false;
  bool choking_ = true;
  UploadQueue queue_;
  absl::flat_hash_map<uint32_t, uint64_t>
      fast_pieces_;                // offered, and how many bytes of it were asked for while choked
  int requests_while_choked_ = 0;  // since the last choke
  uint32_t sending_piece_ = 0;     // of the block that the sender has
  TimePoint resume_at_ = TimePoint::max();
};

}  // namespace torrent

#endif  // TORRENT_SWARM_BLOCK_UPLOAD_H_
