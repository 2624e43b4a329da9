#include "session/discovery.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/host_port.h"
#include "base/mutex.h"
#include "base/status.h"
#include "dht/bootstrap_nodes.h"

namespace torrent {

namespace {

// From such an address nobody on the internet can be reached, so no name of there is looked up either.
bool IsLoopback(const BindOptions& bind) {
  const absl::optional<Address> address = Address::Parse(bind.ToString());
  return (address && address->is_loopback()) || bind.ToString() == "lo";
}

// What a search has found so far, shared with its callbacks.
struct Finding {
  Mutex mutex;
  CondVar changed;
  DhtSearchResult result ABSL_GUARDED_BY(mutex);
  bool done ABSL_GUARDED_BY(mutex) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Discovery>> Discovery::Start(const SessionOptions& options, uint16_t tcp_port,
                                                            const BindOptions& bind, Resolver* resolver,
                                                            const StateDir& state_dir) {
  std::unique_ptr<Discovery> discovery(new Discovery(options, tcp_port, bind));
  DhtOptions& dht = discovery->dht_options_;
  for (const std::string& text : options.dht_bootstrap) {
    absl::optional<std::pair<std::string, uint16_t>> node = ParseHostPort(text);
    if (!node) return absl::InvalidArgumentError(absl::StrCat("DHT node '", text, "' is not HOST:PORT"));
    dht.user_bootstrap.push_back(*std::move(node));
  }
  if (options.dht_routers && !IsLoopback(bind)) {
    for (const BootstrapName& name : kBootstrapNodes) dht.bootstrap.emplace_back(name.host, name.port);
  }
  dht.resolver = resolver;
  dht.state_path = state_dir.DhtPath();
  dht.read_only = !options.listen;
  absl::StatusOr<std::unique_ptr<UdpPort>> port = UdpPort::Open(tcp_port, bind);
  // Another program may have that number over UDP; any other does as well.
  if (absl::IsAlreadyExists(port.status()) && tcp_port != 0) port = UdpPort::Open(0, bind);
  if (port.ok()) {
    discovery->port_ = *std::move(port);
    discovery->transactions_ = std::make_unique<UdpTransactions>(discovery->port_.get());
    dht.port = discovery->port_.get();
  }
  return discovery;
}

void Discovery::Join() {
  std::call_once(joined_, [this] {
    if (options_.dht && port_ != nullptr) {
      absl::StatusOr<std::unique_ptr<Dht>> node = Dht::Start(dht_options_);
      if (node.ok()) dht_ = *std::move(node);
    }
    if (options_.lan && tcp_port_ != 0) {
      absl::StatusOr<std::unique_ptr<LanDiscovery>> lan = LanDiscovery::Start(tcp_port_, bind_);
      if (lan.ok()) lan_ = *std::move(lan);
    }
  });
}

absl::StatusOr<DhtSearchResult> Discovery::Search(
    const Infohash& infohash, std::chrono::milliseconds timeout,
    const std::function<void(const std::vector<std::string>&)>& on_peers) {
  Join();
  if (dht_ == nullptr) return absl::FailedPreconditionError("there is no DHT node to ask");
  auto finding = std::make_shared<Finding>();
  Dht::SearchOptions options;
  options.infohash = infohash;
  options.on_peers = [finding, &on_peers](const std::vector<Endpoint>& peers) {
    std::vector<std::string> texts;
    for (const Endpoint& peer : peers) texts.push_back(peer.ToString());
    if (on_peers) on_peers(texts);
    MutexLock lock(&finding->mutex);
    finding->result.peers.insert(finding->result.peers.end(), texts.begin(), texts.end());
  };
  options.on_done = [finding](uint32_t answered, uint32_t hops) {
    MutexLock lock(&finding->mutex);
    finding->result.answered = answered;
    finding->result.hops = hops;
    finding->done = true;
    finding->changed.SignalAll();
  };
  const TimePoint deadline = Now() + timeout;
  std::unique_ptr<Dht::Search> search = dht_->GetPeers(std::move(options));
  {
    MutexLock lock(&finding->mutex);
    while (!finding->done && Now() < deadline) finding->changed.WaitUntil(&finding->mutex, deadline);
  }
  search.reset();  // no callback runs any more
  MutexLock lock(&finding->mutex);
  if (finding->result.peers.empty() && finding->result.answered == 0) {
    return absl::DeadlineExceededError(
        absl::StrCat("no node of the DHT answered within ", timeout.count() / 1000, " s"));
  }
  return finding->result;
}

}  // namespace torrent
