// How many requests a peer should have outstanding, from how it answers them.
// Starts at 32 blocks and grows by one an arrived block until the rate stops growing; from then on two round trips'
// worth of the rate or one second of it, whichever is more. A pipeline that is too short leaves the line empty; one
// that is too long leaves many blocks with a peer that turns slow.
// A peer that answers at once (same machine, same house), or is faster than we read, is asked for 1 MiB and no more:
// that is enough for it, and what lies received and unread costs more than what is asked for in time.
//
// Thread: its worker's. Takes `now`: tested without waiting.
#ifndef TORRENT_SWARM_PIPELINE_H_
#define TORRENT_SWARM_PIPELINE_H_

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "swarm/piece_queue.h"

namespace torrent {

class Pipeline {
 public:
  static constexpr size_t kStartDepth = 32;
  static constexpr size_t kMinDepth = 2;
  // Requests that a peer is taken to queue when it does not say (BEP 10, `reqq`).
  static constexpr size_t kUnknownQueue = 250;
  // For a peer that answers at once or faster than we read; fills a gigabit over 8 ms. Eight such peers on one machine
  // cost 1.5 s of CPU a GiB, with twice the depth 2.3: then the senders' kernel begins to pace them, by a timer for
  // each 64 KiB.
  static constexpr size_t kNearDepth = 64;
  // Above this no peer here gains any more, and what is outstanding is 32 MiB.
  static constexpr size_t kMaxDepth = 2000;

  explicit Pipeline(TimePoint now) : window_start_(now), last_block_(now) {}

  // Blocks that should be outstanding now.
  size_t depth() const { return depth_; }
  PieceQueue::Pace pace() const { return {rate_, latency_}; }
  // The peer said how many requests it queues.
  void SetPeerQueue(size_t reqq);

  // Requests were sent while none was outstanding: the clock of "nothing comes" starts.
  void OnFirstRequest(TimePoint now);
  // We slept that long, with requests outstanding and ready to read.
  void OnWait(Duration slept) { window_.waited += slept; }
  // How long a block took, and how many requests were unanswered when it was asked for.
  struct Wait {
    Duration time{};
    size_t ahead = 0;
  };
  // `count` blocks of `bytes` in all arrived, the first of them after `wait`.
  void OnBlocks(size_t count, size_t bytes, const Wait& wait, TimePoint now);
  // The peer dropped or rejected requests: more than it queues.
  void OnRefused();

  // When requests that are outstanding count as not answered: four times what a block should take, between 2 and 20
  // seconds after the last block.
  TimePoint StallDeadline() const;
  // They were given back; until a block comes again one request at a time tries whether the peer lives.
  void OnStall(TimePoint now);
  bool stalled() const { return stalled_; }
  // As time passes without a block the rate falls.
  void Decay(TimePoint now);

 private:
  void CloseWindow(TimePoint now);
  size_t Cap() const;
  // Whether in this window or the one before a block came as soon as it was asked for, and no pause was long.
  bool AnswersAtOnce() const;

  size_t depth_ = kStartDepth;
  size_t peer_queue_ = 0;  // 0: not told
  bool growing_ = true;
  bool refused_ = false;
  bool stalled_ = false;
  double rate_ = 0;       // bytes a second; 0: not known yet
  double best_rate_ = 0;  // of a window, while growing
  int flat_windows_ = 0;
  Duration latency_{};  // of the line and the peer, without the queue of our own requests
  uint64_t window_bytes_ = 0;
  struct Window {
    bool at_once = false;
    bool paused = false;
    Duration waited{};
  };
  Window window_, window_before_;
  TimePoint window_start_;
  TimePoint first_request_ = TimePoint::max();
  TimePoint last_block_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PIPELINE_H_
