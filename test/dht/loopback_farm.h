// Many nodes with a real UDP socket each, all on the test's thread: it waits for all sockets at once, and steps the
// nodes.
#ifndef TORRENT_TEST_DHT_LOOPBACK_FARM_H_
#define TORRENT_TEST_DHT_LOOPBACK_FARM_H_

#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "dht/node.h"

namespace torrent {

// A non-blocking UDP socket bound to `address` and a port of its own; where it stands in `at`.
UniqueFd OpenUdp(const Address& address, Endpoint* at);

class LoopbackFarm {
 public:
  LoopbackFarm();

  // A node at `address`, which answers as much as it is asked.
  Node* Add(const Address& address);
  // Its socket closes: what is sent to it is lost.
  void Kill(size_t index) { places_[index]->fd.Reset(); }
  bool RunUntil(const std::function<bool()>& condition, Duration limit);

  size_t size() const { return places_.size(); }
  Node* node(size_t index) { return places_[index]->node.get(); }
  const Endpoint& endpoint(size_t index) const { return places_[index]->at; }

 private:
  struct Place {
    UniqueFd fd;
    Endpoint at;
    std::unique_ptr<Node> node;
    TimePoint due;
  };
  void Receive(Place* place, TimePoint now);

  UniqueFd epoll_;
  std::vector<std::unique_ptr<Place>> places_;
};

}  // namespace torrent

#endif  // TORRENT_TEST_DHT_LOOPBACK_FARM_H_
