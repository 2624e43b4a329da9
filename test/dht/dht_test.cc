#include "dht/dht.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "base/random.h"
#include "dht/node_id.h"
#include "dht/state_file.h"
#include "test/dht/loopback_port.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kDhtPatience{20};

// What a search told, for the test's thread to wait for.
class Ear {
 public:
  Dht::SearchOptions For(const Infohash& infohash, uint16_t announce_port = 0) {
    Dht::SearchOptions options;
    options.infohash = infohash;
    options.announce_port = announce_port;
    options.on_peers = [this](const std::vector<Endpoint>& peers) {
      MutexLock lock(&mutex_);
      peers_.insert(peers_.end(), peers.begin(), peers.end());
      changed_.SignalAll();
    };
    options.on_done = [this](uint32_t answered, uint32_t) {
      MutexLock lock(&mutex_);
      done_ = true;
      answered_ = answered;
      changed_.SignalAll();
    };
    return options;
  }
  bool WaitUntilDone() {
    MutexLock lock(&mutex_);
    const TimePoint deadline = Now() + kDhtPatience;
    while (!done_ && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return done_;
  }
  bool done() {
    MutexLock lock(&mutex_);
    return done_;
  }
  uint32_t answered() {
    MutexLock lock(&mutex_);
    return answered_;
  }
  std::vector<Endpoint> peers() {
    MutexLock lock(&mutex_);
    return peers_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Endpoint> peers_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  uint32_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
};

class DhtTest : public ::testing::Test {
 protected:
  struct Instance {
    std::unique_ptr<LoopbackPort> port;
    std::unique_ptr<Dht> dht;
    Dht* operator->() const { return dht.get(); }
  };

  DhtTest() {
    char folder[] = "/tmp/dht-test-XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  ~DhtTest() override {
    unlink(absl::StrCat(folder_, "/dht").c_str());
    rmdir(folder_.c_str());
  }

  Instance Start(DhtOptions options = {}, bool with_v6 = false) {
    Instance instance;
    uint8_t bytes[4];
    StoreBE32(bytes, 0x7f020001 + started_++);
    instance.port = std::make_unique<LoopbackPort>(*Address::FromBytes(bytes), with_v6);
    options.port = instance.port.get();
    if (options.resolver == nullptr) options.resolver = &resolver_;
    absl::StatusOr<std::unique_ptr<Dht>> dht = Dht::Start(std::move(options));
    EXPECT_TRUE(dht.ok()) << dht.status();
    instance.dht = *std::move(dht);
    return instance;
  }
  Instance StartFrom(const Instance& first) {
    DhtOptions options;
    options.user_bootstrap = {{first.port->endpoint().address.ToString(), first.port->endpoint().port}};
    return Start(std::move(options));
  }
  // Status has no event to wait for.
  static bool WaitFor(const Instance& instance, const std::function<bool(const DhtStatus&)>& condition) {
    const TimePoint deadline = Now() + kDhtPatience;
    while (!condition(instance->Status())) {
      if (Now() > deadline) return false;
      usleep(2000);
    }
    return true;
  }

  std::string folder_;
  std::atomic<int> asked_names_{0};
  // The names that this world knows.
  Resolver resolver_{[this](const std::string& host) -> absl::StatusOr<std::vector<Address>> {
    ++asked_names_;
    if (host == "first.test") return std::vector<Address>{*Address::Parse("127.2.0.1")};
    if (host == "hangs.test") usleep(200'000);
    return absl::NotFoundError(host);
  }};
  const Infohash infohash_ = RandomNodeId();
  uint32_t started_ = 0;
};

TEST_F(DhtTest, FindsPeersThatOthersAnnounced) {
  Instance first = Start();
  std::vector<Instance> others;
  for (int i = 0; i < 8; ++i) others.push_back(StartFrom(first));
  for (const Instance& other : others) {
    ASSERT_TRUE(WaitFor(other, [](const DhtStatus& status) { return status.bootstrapped; }));
  }
  Ear announced, found;
  std::unique_ptr<Dht::Search> announce = others[0]->GetPeers(announced.For(infohash_, 7000));
  ASSERT_TRUE(announced.WaitUntilDone());
  EXPECT_GE(announced.answered(), 1u);
  std::unique_ptr<Dht::Search> search = others[5]->GetPeers(found.For(infohash_));
  ASSERT_TRUE(found.WaitUntilDone());
  // Each peer once, though several nodes name it.
  EXPECT_THAT(found.peers(), ::testing::ElementsAre(Endpoint{others[0].port->endpoint().address, 7000}));
  const DhtStatus status = others[5]->Status();
  EXPECT_EQ(status.id.size(), 40u);
  EXPECT_GE(status.nodes_v4, 1u);
  EXPECT_GE(status.good_nodes, 1u);
  EXPECT_GE(status.lookups_done, 1u);
  EXPECT_GT(status.sent_bytes, 0u);
  EXPECT_GT(status.received_bytes, 0u);
}

TEST_F(DhtTest, ASearchBegunEarlyWaitsForTheBootstrapNode) {
  Instance first = Start();
  DhtOptions options;
  // Dead ones and a name that hangs do not delay the one that lives.
  options.user_bootstrap = {
      {"127.0.77.1", 6881}, {"hangs.test", 6881}, {"unknown.test", 6881}, {"first.test", first.port->endpoint().port}};
  Instance second = Start(std::move(options));
  Ear ear;
  const TimePoint begun = Now();
  std::unique_ptr<Dht::Search> search = second->GetPeers(ear.For(infohash_));
  ASSERT_TRUE(ear.WaitUntilDone());
  EXPECT_LT(ToSeconds(Now() - begun), 5);
  EXPECT_EQ(ear.answered(), 1u);
  EXPECT_EQ(second->Status().nodes_v4, 1u);
  EXPECT_GE(asked_names_.load(), 3);
}

TEST_F(DhtTest, NoCallbackAfterTheHandleIsGone) {
  Instance first = Start();
  Instance second = StartFrom(first);
  ASSERT_TRUE(WaitFor(second, [](const DhtStatus& status) { return status.bootstrapped; }));
  Ear announced;
  std::unique_ptr<Dht::Search> announce = first->GetPeers(announced.For(infohash_, 7000));
  ASSERT_TRUE(announced.WaitUntilDone());
  for (int round = 0; round < 200; ++round) {
    auto alive = std::make_unique<std::atomic<int>>(0);  // the sanitizer sees a use after it is gone
    Dht::SearchOptions options;
    options.infohash = infohash_;
    options.on_peers = [raw = alive.get()](const std::vector<Endpoint>&) { ++*raw; };
    options.on_done = [raw = alive.get()](uint32_t, uint32_t) { ++*raw; };
    std::unique_ptr<Dht::Search> search = second->GetPeers(std::move(options));
    if (round % 4 != 0) usleep(static_cast<useconds_t>(round * 5));
    search.reset();
    alive.reset();
  }
  EXPECT_TRUE(WaitFor(second, [](const DhtStatus& status) { return status.lookups == 0; }))
      << "searches without a handle are over";
}

TEST_F(DhtTest, EndsWhileSearchesRun) {
  Instance first = Start();
  Instance second = StartFrom(first);
  std::vector<std::unique_ptr<Dht::Search>> searches;
  std::vector<Ear> ears(30);
  for (Ear& ear : ears) searches.push_back(second->GetPeers(ear.For(RandomNodeId(), 7000)));
  second.dht.reset();
  // The handles outlive it.
  searches.clear();
  // And one that still waits for its first node, or for a name.
  DhtOptions options;
  options.user_bootstrap = {{"hangs.test", 6881}};
  Instance lonely = Start(std::move(options));
  Ear ear;
  std::unique_ptr<Dht::Search> search = lonely->GetPeers(ear.For(infohash_));
  const TimePoint begun = Now();
  lonely.dht.reset();
  EXPECT_LT(ToSeconds(Now() - begun), 5);
  EXPECT_FALSE(ear.done());
}

TEST_F(DhtTest, RemembersItsTableAndId) {
  Instance first = Start();
  DhtOptions options;
  options.state_path = absl::StrCat(folder_, "/dht");
  options.user_bootstrap = {{first.port->endpoint().address.ToString(), first.port->endpoint().port}};
  Instance second = Start(options);
  ASSERT_TRUE(WaitFor(second, [](const DhtStatus& status) { return status.bootstrapped; }));
  const std::string id = second->Status().id;
  second.dht.reset();
  absl::StatusOr<DhtState> state = LoadDhtState(options.state_path);
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(state->nodes_v4.size(), 1u);
  EXPECT_EQ(state->nodes_v4[0].endpoint, first.port->endpoint());
  // Without any bootstrap node.
  options.user_bootstrap.clear();
  Instance again = Start(options);
  EXPECT_EQ(again->Status().id, id);
  EXPECT_TRUE(WaitFor(again, [](const DhtStatus& status) { return status.bootstrapped; }));
  again.dht.reset();
  // Damaged, it is as good as missing.
  std::ofstream(options.state_path) << "d5:nodes";
  Instance damaged = Start(options);
  EXPECT_NE(damaged->Status().id, id);
}

TEST_F(DhtTest, TakesNodesThatArePermitted) {
  Instance first = Start();
  const Endpoint at = first.port->endpoint();
  Instance second = Start();
  // By somebody out there, by a .torrent, or below the ports of clients: no.
  second->AddNode(at, *Address::Parse("8.8.8.8"));
  second->AddNode(at.address.ToString(), at.port);
  second->AddNode("first.test", at.port);
  second->AddNode(Endpoint{at.address, 0}, absl::nullopt);
  Ear ear;
  std::unique_ptr<Dht::Search> search = second->GetPeers(ear.For(infohash_));
  ASSERT_TRUE(WaitFor(second, [](const DhtStatus& status) { return status.lookups == 1; }));
  usleep(300'000);
  EXPECT_EQ(second->Status().sent_bytes, 0u);
  // By a peer on this machine: yes.
  second->AddNode(at, *Address::Parse("127.0.0.1"));
  EXPECT_TRUE(ear.WaitUntilDone());
  EXPECT_EQ(second->Status().nodes_v4, 1u);
}

TEST_F(DhtTest, SearchesInBothFamilies) {
  Instance first = Start({}, true);
  DhtOptions options;
  options.user_bootstrap = {{first.port->endpoint().address.ToString(), first.port->endpoint().port},
                            {"::1", first.port->endpoint_v6().port}};
  Instance second = Start(options, true);
  Instance third = Start(options, true);
  Ear announced, found;
  std::unique_ptr<Dht::Search> announce = second->GetPeers(announced.For(infohash_, 7000));
  ASSERT_TRUE(announced.WaitUntilDone());
  std::unique_ptr<Dht::Search> search = third->GetPeers(found.For(infohash_));
  ASSERT_TRUE(found.WaitUntilDone());
  EXPECT_THAT(found.peers(),
              ::testing::UnorderedElementsAre(Endpoint{second.port->endpoint().address, 7000}, At("[::1]:7000")));
  EXPECT_GE(third->Status().nodes_v6, 1u);
}

TEST_F(DhtTest, AFamilyThatKnowsNobodyDoesNotHoldUpTheOther) {
  Instance first = Start();
  DhtOptions options;
  options.user_bootstrap = {{first.port->endpoint().address.ToString(), first.port->endpoint().port}};
  Instance second = Start(options, true);
  Ear ear;
  std::unique_ptr<Dht::Search> search = second->GetPeers(ear.For(infohash_));
  EXPECT_TRUE(ear.WaitUntilDone());
  EXPECT_EQ(second->Status().nodes_v6, 0u);
}

TEST_F(DhtTest, SurvivesAStorm) {
  Instance first = Start();
  LoopbackPort sender(*Address::Parse("127.3.0.1"));
  Random random(1);
  const std::string ping = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes = ping;
    if (i % 2 == 0) bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    sender.Send(first.port->endpoint(), bytes).IgnoreError();
  }
  EXPECT_TRUE(WaitFor(first, [](const DhtStatus& status) { return status.dropped > 50; }));
  EXPECT_LE(first->Status().sent_bytes, 20'000u);
  // And others are served.
  Instance second = StartFrom(first);
  EXPECT_TRUE(WaitFor(second, [](const DhtStatus& status) { return status.bootstrapped; }));
}

}  // namespace
}  // namespace torrent
