// One peer's requests for the torrent's metadata (BEP 9), answered in order and a few at a time: an answer goes out
// when what is before it has nearly left, under the upload limit like a block. Thread: its worker's. Invariant: every
// request of a piece is answered, by its bytes or by a reject; at most kMaxMetadataAnswers wait.
#ifndef TORRENT_SWARM_METADATA_UPLOAD_H_
#define TORRENT_SWARM_METADATA_UPLOAD_H_

#include <cstdint>
#include <deque>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "swarm/sender.h"
#include "torrent/metainfo.h"

namespace torrent {

class MetadataUpload {
 public:
  MetadataUpload(const Metainfo* metainfo, RateLimiter* limit, Sender* sender)
      : metainfo_(metainfo), limit_(limit), sender_(sender) {}

  // Whether we give it at all. Not of a private torrent (BEP 27; as libtorrent): who is to have that gets the .torrent
  // from its tracker.
  bool offered() const { return !metainfo_->is_private; }
  uint32_t size() const { return static_cast<uint32_t>(metainfo_->info_bytes.size()); }

  // A request. `peer_id` is what the peer wants ut_metadata messages sent under; 0: nothing can be answered. Rejected
  // at once: a piece that is not there, more than kMaxMetadataAnswers at a time, more than kMaxMetadataServings times
  // all.
  void OnRequest(uint32_t piece, uint8_t peer_id);
  // Appends the answers that are due.
  void Say(uint8_t peer_id, TimePoint now);
  // When Say has something to do, should nothing else happen.
  TimePoint ResumeAt(TimePoint now) const;

 private:
  bool MayAppend() const;

  const Metainfo* const metainfo_;
  RateLimiter* const limit_;
  Sender* const sender_;
  std::deque<uint32_t> queue_;
  uint64_t served_bytes_ = 0;
  TimePoint limited_until_ = TimePoint::min();
};

}  // namespace torrent

#endif  // TORRENT_SWARM_METADATA_UPLOAD_H_
