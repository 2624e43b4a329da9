// A network in memory with a clock of its own: nodes send to each other through it, tests look at what is sent and may
// lose it. Everything runs on the test's thread, and time passes only when the test says so.
#ifndef TORRENT_TEST_DHT_MEMORY_NET_H_
#define TORRENT_TEST_DHT_MEMORY_NET_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "dht/node.h"

namespace torrent {

class MemoryNet {
 public:
  struct Datagram {
    Endpoint from, to;
    std::string bytes;
  };

  // A node at `at`; nothing before it is stepped.
  Node* AddNode(absl::string_view at, Node::Options options = {});
  // What is sent to `at` is given to `take`, instead of a node.
  void AddFake(absl::string_view at, std::function<void(const Datagram&)> take);
  // Nobody is there any more.
  void Remove(const Endpoint& at) { places_.erase(at); }

  void Send(const Endpoint& from, const Endpoint& to, std::string bytes) {
    on_the_way_.push_back({from, to, std::move(bytes)});
  }
  // Delivers and steps for that long, in steps of 10 ms; a datagram takes one of them.
  void Run(Duration time);
  // Runs until `condition`, for `limit` at most; whether it came true.
  bool RunUntil(const std::function<bool()>& condition, Duration limit);

  TimePoint now() const { return now_; }
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }

 private:
  struct Place {
    Node* node = nullptr;
    std::function<void(const Datagram&)> take;
  };
  void Tick();

  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  std::map<Endpoint, Place> places_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::deque<Datagram> on_the_way_;
};

Endpoint At(absl::string_view endpoint);
// An id whose first bytes are those of `hex`, the rest zeros but for the last, which is 1.
NodeId IdOf(absl::string_view hex);
KrpcQuery ParseQueryOrDie(absl::string_view datagram);
KrpcReply ParseReplyOrDie(absl::string_view datagram);

}  // namespace torrent

#endif  // TORRENT_TEST_DHT_MEMORY_NET_H_
