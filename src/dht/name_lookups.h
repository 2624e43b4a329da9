// Names of nodes to addresses, beside the DHT's thread: a resolver that hangs holds up nobody but the names behind it.
// Thread: the DHT's, but `done` runs on a short-lived thread "dht-names" (or at once, for addresses written as text).
// Invariant: at most kMaxDhtNameLookups threads; when the destructor returns, no `done` runs or will.
#ifndef TORRENT_DHT_NAME_LOOKUPS_H_
#define TORRENT_DHT_NAME_LOOKUPS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/thread.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/resolver.h"

namespace torrent {

class NameLookups {
 public:
  using Done = std::function<void(const std::vector<Endpoint>& endpoints)>;  // empty: not found, or not now

  // `resolver` may be null: then only addresses are known. `cancel`: ends lookups when the destructor runs.
  NameLookups(Resolver* resolver, Wakeup cancel) : resolver_(resolver), cancel_(std::move(cancel)) {}
  ~NameLookups();

  // Dropped, without `done`, when too many wait.
  void Ask(const std::string& host, uint16_t port, Done done);
  // Joins what has ended, starts what waits. To be called after Ask and when a `done` has run.
  void Step();

  bool idle() const { return waiting_.empty() && running_.empty(); }

 private:
  struct Name {
    std::string host;
    uint16_t port;
    Done done;
  };
  struct Running {
    Thread thread;
    std::atomic<bool> ended{false};
  };

  Resolver* const resolver_;
  const Wakeup cancel_;
  std::deque<Name> waiting_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_NAME_LOOKUPS_H_
