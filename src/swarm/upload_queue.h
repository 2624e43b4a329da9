// Requests of a peer that wait for their answer, bounded, in the order in which they came (BEP 3, request and cancel).
// Thread: its worker's.
#ifndef TORRENT_SWARM_UPLOAD_QUEUE_H_
#define TORRENT_SWARM_UPLOAD_QUEUE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "base/limits.h"

namespace torrent {

struct BlockRequest {
  uint32_t piece_index;
  uint32_t begin;
  uint32_t length;
  friend bool operator==(const BlockRequest& a, const BlockRequest& b) {
    return a.piece_index == b.piece_index && a.begin == b.begin && a.length == b.length;
  }
};

class UploadQueue {
 public:
  // False: full (kMaxPeerRequests, which our extension handshake tells as `reqq`).
  bool Add(const BlockRequest& request) {
    if (requests_.size() >= kMaxPeerRequests) return false;
    requests_.push_back(request);
    return true;
  }
  // Whether it was waiting.
  bool Cancel(const BlockRequest& request) {
    auto found = std::find(requests_.begin(), requests_.end(), request);
    if (found == requests_.end()) return false;
    requests_.erase(found);
    return true;
  }
  bool empty() const { return requests_.empty(); }
  size_t size() const { return requests_.size(); }
  const BlockRequest& front() const { return requests_.front(); }
  BlockRequest Pop() {
    BlockRequest next = requests_.front();
    requests_.pop_front();
    return next;
  }
  std::deque<BlockRequest> TakeAll() { return std::exchange(requests_, {}); }

 private:
  std::deque<BlockRequest> requests_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_UPLOAD_QUEUE_H_
