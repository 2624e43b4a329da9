// What others may tell a peer worker, and the descriptor that wakes it: a choke decision, requests that another source
// answered, news to look for, and to stop. A worker waits in poll on its stream and on this, nowhere else.
// Thread-safe: anyone posts; the worker alone takes.
#ifndef TORRENT_SWARM_MAILBOX_H_
#define TORRENT_SWARM_MAILBOX_H_

#include <atomic>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "base/mutex.h"
#include "base/wakeup.h"
#include "swarm/piece_in_flight.h"

namespace torrent {

class Mailbox {
 public:
  struct Mail {
    absl::optional<bool> choke;     // the last decision of the choker
    std::vector<BlockRef> cancels;  // send `cancel` for these
    bool proven_liar = false;
    absl::optional<absl::Status> stop;  // leave, for this reason
  };

  explicit Mailbox(Wakeup wakeup) : wakeup_(std::move(wakeup)) {}

  void PostChoke(bool choke) {
    MutexLock lock(&mutex_);
    mail_.choke = choke;
    RingLocked();
  }
  void PostCancel(const BlockRef& block) {
    MutexLock lock(&mutex_);
    mail_.cancels.push_back(block);
    RingLocked();
  }
  // The first reason stays.
  void PostStop(absl::Status reason, bool proven_liar = false) {
    MutexLock lock(&mutex_);
    mail_.proven_liar |= proven_liar;
    if (!mail_.stop) mail_.stop = std::move(reason);
    RingLocked();
  }
  // Nothing to read: only look around (news to announce, work to claim, room in the writer's queue).
  void Wake() {
    MutexLock lock(&mutex_);
    RingLocked();
  }

  // --- The worker's side -----------------------------------------------------------------------------------------
  int fd() const { return wakeup_.fd(); }
  bool HasMail() const { return rung_.load(std::memory_order_acquire); }
  Mail Take() {
    MutexLock lock(&mutex_);
    if (rung_.exchange(false, std::memory_order_acq_rel)) wakeup_.Clear();
    return std::exchange(mail_, Mail{});
  }

 private:
  // One write to the descriptor however much is posted before the worker looks.
  void RingLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!rung_.exchange(true, std::memory_order_acq_rel)) wakeup_.Notify();
  }

  const Wakeup wakeup_;
  std::atomic<bool> rung_{false};
  Mutex mutex_;
  Mail mail_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_SWARM_MAILBOX_H_
