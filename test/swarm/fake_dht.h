// A node of the DHT that finds what a test says, when it says so, and remembers what it is told.
// Thread: AddNode any; the rest one.
#ifndef TORRENT_TEST_SWARM_FAKE_DHT_H_
#define TORRENT_TEST_SWARM_FAKE_DHT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "dht/dht.h"

namespace torrent {

class FakeDht final : public Dht {
 public:
  std::unique_ptr<Search> GetPeers(SearchOptions options) override {
    searches.push_back(std::move(options));
    live++;
    return std::make_unique<FakeSearch>(&live);
  }
  void AddNode(const Endpoint& node, const absl::optional<Address>& source) override ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    told_.push_back(node.ToString() + " by " + (source ? source->ToString() : "the user"));
  }
  void AddNode(const std::string& host, uint16_t port) override { nodes.emplace_back(host, port); }
  DhtStatus Status() const override { return {}; }

  // "1.2.3.4:5 by 1.2.3.4", as AddNode was called.
  std::vector<std::string> told() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return told_;
  }

  std::vector<SearchOptions> searches;
  int live = 0;  // searches that were not ended
  std::vector<std::pair<std::string, uint16_t>> nodes;

 private:
  struct FakeSearch : Search {
    explicit FakeSearch(int* live) : live(live) {}
    ~FakeSearch() override { --*live; }
    int* const live;
  };
  mutable Mutex mutex_;
  std::vector<std::string> told_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_TEST_SWARM_FAKE_DHT_H_
