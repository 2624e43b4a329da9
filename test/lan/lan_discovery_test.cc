#include "lan/lan_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "lan/lan_socket.h"
#include "lan/lsd_message.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::seconds kLanPatience(20);

Infohash LanHash(char c) { return Infohash::FromRaw(std::string(20, c)); }

// What a callback was told.
class LanPeers {
 public:
  std::function<void(const Endpoint&)> Callback() {
    return [this](const Endpoint& peer) {
      MutexLock lock(&mutex_);
      peers_.push_back(peer.ToString());
      changed_.SignalAll();
    };
  }
  std::vector<std::string> WaitFor(size_t n) {
    const TimePoint deadline = Now() + kLanPatience;
    MutexLock lock(&mutex_);
    while (peers_.size() < n && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return peers_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> peers_ ABSL_GUARDED_BY(mutex_);
};

// On 127.0.0.1, with a port of the group that is this test's alone: clients of this machine are not bothered.
class LanDiscoveryTest : public ::testing::Test {
 protected:
  LanDiscoveryTest() {
    UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage;
    const socklen_t size = Endpoint{Address::V4Any(), 0}.ToSockaddr(&storage);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
    groups_.v4.port = groups_.v6.port = LocalEndpoint(fd.get())->port;
  }
  std::unique_ptr<LanDiscovery> StartAt(uint16_t tcp_port) {
    absl::StatusOr<std::unique_ptr<LanDiscovery>> lan = LanDiscovery::Start(tcp_port, loopback_, groups_);
    EXPECT_TRUE(lan.ok()) << lan.status();
    return *std::move(lan);
  }
  // Another client's datagram to the group, from 127.0.0.1.
  void Say(absl::string_view datagram) {
    LanSocket socket = *LanSocket::Open(groups_.v4);
    EXPECT_TRUE(socket.Send(LanInterfaces(loopback_)[0], true, datagram).ok());
  }
  void Say(uint16_t port, const Infohash& infohash) { Say(WriteLsdMessage("x", {port, {infohash}, "other"})); }

  const BindOptions loopback_ = *BindOptions::Parse("127.0.0.1");
  LanGroups groups_;
};

TEST_F(LanDiscoveryTest, TwoOnOneMachineHearEachOtherAndNotThemselves) {
  LanPeers first_peers, second_peers, other_peers;
  std::unique_ptr<LanDiscovery> first = StartAt(1001), second = StartAt(1002);
  const auto on_first = first->Add(LanHash('a'), first_peers.Callback());
  const auto other = second->Add(LanHash('b'), other_peers.Callback());
  // Its announce is heard by whoever is there already.
  const auto on_second = second->Add(LanHash('a'), second_peers.Callback());
  EXPECT_THAT(first_peers.WaitFor(1), ElementsAre("127.0.0.1:1002"));
  // A third one is heard by both, and they heard nothing else meanwhile: not themselves.
  Say(1003, LanHash('b'));
  EXPECT_THAT(other_peers.WaitFor(1), ElementsAre("127.0.0.1:1003"));
  EXPECT_EQ(first_peers.WaitFor(1).size(), 1u);
}

TEST_F(LanDiscoveryTest, AnnouncesAtOnceInTheFormOfBep14) {
  LanSocket ear = *LanSocket::Open(groups_.v4);
  ASSERT_TRUE(ear.Join(LanInterfaces(loopback_)).ok());
  std::unique_ptr<LanDiscovery> lan = StartAt(6881);
  const auto torrent = lan->Add(LanHash('\x01'), [](const Endpoint&) {});
  pollfd polled = {ear.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&polled, 1, 20'000), 1);
  std::vector<char> buffer(3000);
  const absl::optional<LanSocket::Received> received = ear.Receive(absl::MakeSpan(buffer));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->from, Address::V4Loopback());
  const std::string text(buffer.data(), received->size);
  const size_t cookie = text.find("cookie: ");
  ASSERT_NE(cookie, std::string::npos) << text;
  EXPECT_EQ(text.substr(0, cookie), absl::StrCat("BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:", groups_.v4.port,
                                                 "\r\nPort: 6881\r\nInfohash: ", std::string("01010101010101010101"),
                                                 "01010101010101010101\r\n"));
  // What it said itself, it does not hear.
  LanPeers peers;
  const auto again = lan->Add(LanHash('\x01'), peers.Callback());
  Say(text);
  Say(7, LanHash('\x01'));
  EXPECT_THAT(peers.WaitFor(1), ElementsAre("127.0.0.1:7"));
}

TEST_F(LanDiscoveryTest, PassesOverWhatIsNoAnnounce) {
  LanPeers peers;
  std::unique_ptr<LanDiscovery> lan = StartAt(0);
  const auto torrent = lan->Add(LanHash('a'), peers.Callback());
  const std::string good = WriteLsdMessage("x", {666, {LanHash('a')}, ""});
  for (const std::string& bad :
       {std::string(), std::string("BT-SEARCH"), good.substr(0, 60), good + std::string(3000, 'x'),
        std::string(60'000, 'x'), "GET" + good, WriteLsdMessage("x", {666, {LanHash('b')}, ""})}) {
    Say(bad);
  }
  Say(1, LanHash('a'));
  EXPECT_THAT(peers.WaitFor(1), ElementsAre("127.0.0.1:1"));
}

TEST_F(LanDiscoveryTest, AHandleThatIsGoneHearsNothing) {
  LanPeers gone, stays;
  std::unique_ptr<LanDiscovery> lan = StartAt(0);
  auto going = lan->Add(LanHash('a'), gone.Callback());
  auto staying = lan->Add(LanHash('a'), stays.Callback());
  going.reset();
  Say(1, LanHash('a'));
  EXPECT_THAT(stays.WaitFor(1), ElementsAre("127.0.0.1:1"));
  EXPECT_THAT(gone.WaitFor(0), IsEmpty());
  lan.reset();
  staying.reset();  // may outlive it
}

TEST_F(LanDiscoveryTest, IsUnavailableWhereNoInterfaceTakesMulticast) {
  const absl::Status status = LanDiscovery::Start(1, *BindOptions::Parse("192.0.2.77"), groups_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

// A program that does not share the group's port.
TEST_F(LanDiscoveryTest, IsUnavailableWhereThePortIsTaken) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  const socklen_t size = Endpoint{Address::V4Any(), groups_.v4.port}.ToSockaddr(&storage);
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
  const absl::Status status = LanDiscovery::Start(1, loopback_, groups_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace torrent
