// Whether a piece that is on disk may be given away now. After a run that ended badly the resume record counts, but
// each of its pieces is hashed before it is served for the first time. Thread-safe: any worker asks. Blocks on the disk
// for a piece that is to be proven; nobody else's answer waits for that.
#ifndef TORRENT_SWARM_SERVING_H_
#define TORRENT_SWARM_SERVING_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "storage/file_store.h"
#include "swarm/piece_queue.h"
#include "wire/bitfield.h"

namespace torrent {

class Serving {
 public:
  Serving(FileStore* files, PieceQueue* queue) : files_(files), queue_(queue) {}

  // Pieces that are to be hashed first. Before the workers.
  void Begin(wire::Bitfield unproven);

  enum class Answer : uint8_t { kServe, kNotThere, kLost };  // kLost: it was thought to be there, and is not
  Answer MayServe(uint32_t piece_index, PieceQueue::Effects* effects);

 private:
  FileStore* const files_;
  PieceQueue* const queue_;
  Mutex mutex_;
  wire::Bitfield unproven_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> all_proven_{true};
};

}  // namespace torrent

#endif  // TORRENT_SWARM_SERVING_H_
