// What the fetching of a magnet link's metadata leaves to the swarm that goes on with the torrent: the connections that
// stand, and all addresses, so that nothing is dialled or asked for twice.
// Moved from one owner to the next; no thread's in between.
#ifndef TORRENT_SWARM_HANDOVER_H_
#define TORRENT_SWARM_HANDOVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "base/mutex.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "storage/folder.h"
#include "swarm/events.h"
#include "swarm/peer_book.h"
#include "swarm/peer_finder.h"
#include "torrent/event.h"
#include "torrent/session.h"
#include "wire/handshake.h"

namespace torrent {

// A peer with whom all handshakes are done. We have told it `have none` where both speak it, and nothing else of
// pieces.
struct LiveConnection {
  std::unique_ptr<Stream> stream;  // gives what the peer has said so far once more
  wire::Handshake theirs;
  PeerSource source = PeerSource::kIncoming;
  bool incoming = false;
  Budget::Slot slot;  // of all connections; empty where another holds it, as for incoming ones
};

// Whom a PeerFinder speaks to, so that it can change its owner: trackers and the DHT are asked once, and the torrent
// stays the same to them. Thread-safe.
class FinderTies {
 public:
  explicit FinderTies(const Events& events) : events_(events) {}
  const Events* events() const { return &events_; }
  // From here on `totals` and `wake` are asked. A call of those before may still be under way.
  void Bind(std::function<Announcer::Totals()> totals, std::function<void()> wake) {
    MutexLock lock(&mutex_);
    totals_ = std::move(totals);
    wake_ = std::move(wake);
  }
  Announcer::Totals Totals() {
    std::function<Announcer::Totals()> totals;
    {
      MutexLock lock(&mutex_);
      totals = totals_;
    }
    return totals();
  }
  void Wake() {
    std::function<void()> wake;
    {
      MutexLock lock(&mutex_);
      wake = wake_;
    }
    wake();
  }

 private:
  const Events events_;
  Mutex mutex_;
  std::function<Announcer::Totals()> totals_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> wake_ ABSL_GUARDED_BY(mutex_);
};

// What a swarm gives to the next owner of its torrent: whoever fetched the metadata, or a swarm whose disk went away.
struct Handover {
  std::vector<LiveConnection> connections;  // outgoing ones; incoming ones stay on their threads
  std::vector<PeerBook::Pick> known;
  std::vector<Endpoint> banned;
  std::shared_ptr<FinderTies> ties;  // of `finder`; outlives it
  std::unique_ptr<PeerFinder> finder;
};

// A swarm that ended because its disk failed in a way that may pass; another is to go on.
struct DiskPause {
  absl::Status why;
  TorrentStatus status;
  FolderIdentity place;                  // of the download folder
  std::string folder;                    // its whole name: the current folder may lie on that disk too
  std::vector<uint32_t> replaced_files;  // by others
  Handover handover;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_HANDOVER_H_
