// What waits for the DHT's thread: datagrams, and things that other threads want done. Thread-safe.
// Invariants: datagrams that wait have kMaxDhtInboxBytes at most (more are dropped and counted); one turn takes
// kMaxDhtDatagramsPerTurn of them, so that a storm does not hold up timers.
#ifndef TORRENT_DHT_DHT_INBOX_H_
#define TORRENT_DHT_DHT_INBOX_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "net/endpoint.h"

namespace torrent {

class DhtInbox {
 public:
  struct Datagram {
    Endpoint from;
    std::string bytes;
  };
  using Command = std::function<void(TimePoint now)>;  // runs on the DHT's thread
  struct Turn {
    std::vector<Datagram> datagrams;
    std::vector<Command> commands;
    uint64_t dropped = 0;  // datagrams, since the turn before
  };

  void Deliver(const Endpoint& from, absl::string_view datagram);
  // `may_drop`: what is a mere hint is dropped when kMaxDhtCommands wait.
  void Do(Command command, bool may_drop);
  // Makes the thread look around.
  void Wake();
  // From now on Wait returns false.
  void Stop();

  // Blocks until something is here, `deadline`, or Stop. False after Stop.
  bool Wait(TimePoint deadline, Turn* turn);

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<Datagram> datagrams_ ABSL_GUARDED_BY(mutex_);
  size_t datagram_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mutex_);
  uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace torrent

#endif  // TORRENT_DHT_DHT_INBOX_H_
