// How the swarm tells what happens: an event is made only when somebody wants its kind.
// Thread-safe.
#ifndef TORRENT_SWARM_EVENTS_H_
#define TORRENT_SWARM_EVENTS_H_

#include <utility>

#include "torrent/event.h"

namespace torrent {

class Events {
 public:
  Events(EventListener* listener, TorrentId torrent) : listener_(listener), torrent_(torrent) {}

  bool Wanted(EventKind kind) const { return listener_ != nullptr && (listener_->wanted() & kind) != 0; }
  // Only after Wanted answered true.
  template <typename What>
  void Tell(What what) const {
    listener_->OnEvent(Event{torrent_, std::move(what)});
  }

 private:
  EventListener* const listener_;
  const TorrentId torrent_;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_EVENTS_H_
