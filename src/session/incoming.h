// Connections that come to us: the listening port, a thread for each that is accepted, and bounds so that nobody can
// hold all of them: so many from one address, so many that have not said their handshake, ten seconds to say it.
// Thread: "listener", and one a connection, which reads the handshake and then lives as that torrent's peer worker.
// Invariant: every thread that was started is joined here, all but one as soon as they end.
#ifndef TORRENT_SESSION_INCOMING_H_
#define TORRENT_SESSION_INCOMING_H_

#include <atomic>
#include <functional>
#include <list>
#include <memory>

#include "base/budget.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/listener.h"
#include "net/stream.h"
#include "wire/handshake.h"

namespace torrent {

class Incoming {
 public:
  // Serves a connection whose first 48 bytes were read, on its own thread, until it ends. Called for many at once.
  using Serve =
      std::function<void(std::unique_ptr<Stream> stream, const wire::Handshake& theirs, TimePoint handshake_deadline)>;

  // Starts the listener's thread. `connections` outlives this.
  static absl::StatusOr<std::unique_ptr<Incoming>> Start(Listener listener, Budget* connections, Serve serve);
  // Stops accepting, ends those that wait for a handshake, and joins all: who serves must have been told to stop
  // before.
  ~Incoming();

  uint16_t port() const { return listener_.port(); }
  // Accepts no more, and ends the connections that have not said their handshake.
  void StopAccepting();

 private:
  struct Connection {
    Connection(const Endpoint& remote, Wakeup cancel) : remote(remote), cancel(std::move(cancel)) {}
    const Endpoint remote;
    const Wakeup cancel;  // ends the handshake
    Budget::Slot slot;
    std::atomic<bool> shaking_hands{true};
    Thread thread;
  };
  using Connections = std::list<std::unique_ptr<Connection>>;

  Incoming(Listener listener, Budget* connections, Serve serve, Wakeup stop);
  void Listen();
  void Take(Listener::Accepted accepted);
  void RunConnection(Connections::iterator connection, std::unique_ptr<Stream> stream);
  // Whether another from this address may come. The oldest that still waits for its handshake gives way when there are
  // too many of these.
  bool MakeRoomFor(const Address& address) ABSL_LOCKS_EXCLUDED(mutex_);

  Listener listener_;
  Budget* const connections_;
  const Serve serve_;
  const Wakeup stop_;
  Mutex mutex_;
  CondVar none_live_;
  Connections live_ ABSL_GUARDED_BY(mutex_);  // oldest first
  // The last one that ended, not joined yet: each joins those before it, so that after a crowd nothing is left of it
  // even if nobody comes any more.
  Connections ended_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

}  // namespace torrent

#endif  // TORRENT_SESSION_INCOMING_H_
