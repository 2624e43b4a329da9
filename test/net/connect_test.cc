#include "net/connect.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/wakeup.h"
#include "net/listener.h"
#include "test/net/full_listener.h"
#include "test/net/patience.h"

namespace torrent {
namespace {

Listener AnyListener() {
  absl::StatusOr<Listener> listener = Listener::Open(0, BindOptions(), 10);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return *std::move(listener);
}

TEST(ConnectTest, ConnectsOverBothFamilies) {
  Listener listener = AnyListener();
  for (const Address& address : {Address::V4Loopback(), Address::V6Loopback()}) {
    if (address.is_v6() && !listener.has_v6()) continue;
    const absl::StatusOr<UniqueFd> fd = Connect({address, listener.port()}, BindOptions(), Now() + kPatience, -1);
    ASSERT_TRUE(fd.ok()) << fd.status();
    EXPECT_NE(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
    const absl::StatusOr<Listener::Accepted> accepted = listener.Accept(Now() + kPatience, -1);
    ASSERT_TRUE(accepted.ok()) << accepted.status();
    EXPECT_EQ(accepted->remote, *LocalEndpoint(fd->get()));
    EXPECT_EQ(accepted->remote.address, address);
    EXPECT_EQ(*RemoteEndpoint(fd->get()), (Endpoint{address, listener.port()}));
  }
}

TEST(ConnectTest, NamesTheEndpointThatRefused) {
  const uint16_t port = AnyListener().port();  // closed again
  const Endpoint nobody{Address::V4Loopback(), port};
  const absl::StatusOr<UniqueFd> fd = Connect(nobody, BindOptions(), Now() + kPatience, -1);
  EXPECT_TRUE(absl::IsUnavailable(fd.status())) << fd.status();
  EXPECT_NE(fd.status().message().find(nobody.ToString()), absl::string_view::npos) << fd.status();
}

TEST(ConnectTest, EndsAtItsDeadlineWhenNobodyAnswers) {
  const FullListener silent(Address::V4Loopback(), 0);
  ASSERT_TRUE(silent.is_full());
  const TimePoint begin = Now();
  const absl::StatusOr<UniqueFd> fd =
      Connect(silent.endpoint(), BindOptions(), begin + std::chrono::milliseconds(50), -1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(fd.status())) << fd.status();
  EXPECT_GE(Now() - begin, std::chrono::milliseconds(50));
}

TEST(ConnectTest, EndsWhenItIsCancelled) {
  const FullListener silent(Address::V4Loopback(), 0);
  ASSERT_TRUE(silent.is_full());
  const Wakeup cancel = *Wakeup::Create();
  cancel.Notify();
  const absl::StatusOr<UniqueFd> fd = Connect(silent.endpoint(), BindOptions(), Now() + kPatience, cancel.fd());
  EXPECT_TRUE(absl::IsCancelled(fd.status())) << fd.status();
}

TEST(ConnectTest, StandsWhereItIsBound) {
  Listener listener = AnyListener();
  const Endpoint there{Address::V4Loopback(), listener.port()};

  const UniqueFd by_address = *Connect(there, *BindOptions::Parse("127.0.0.2"), Now() + kPatience, -1);
  EXPECT_EQ(listener.Accept(Now() + kPatience, -1)->remote.address, *Address::Parse("127.0.0.2"));

  const UniqueFd by_interface = *Connect(there, *BindOptions::Parse("lo"), Now() + kPatience, -1);
  EXPECT_EQ(listener.Accept(Now() + kPatience, -1)->remote.address, *Address::Parse("127.0.0.1"));
}

TEST(ConnectTest, LeavesByNoOtherFamilyThanTheBoundOne) {
  const absl::StatusOr<UniqueFd> fd =
      Connect(*Endpoint::Parse("[::1]:6881"), *BindOptions::Parse("127.0.0.1"), Now() + kPatience, -1);
  EXPECT_TRUE(absl::IsFailedPrecondition(fd.status())) << fd.status();
}

TEST(BindOptionsTest, SaysWhatIsWrongWithItsText) {
  for (const char* text :
       {"", "no-such-iface", "224.0.0.1", "fe80::1", "127.0.0.1:80", "an-interface-name-too-long", "1.2.3"}) {
    const absl::StatusOr<BindOptions> options = BindOptions::Parse(text);
    ASSERT_FALSE(options.ok()) << text;
    EXPECT_NE(options.status().message().find(text), absl::string_view::npos) << options.status();
  }
  EXPECT_TRUE(BindOptions::Parse("0.0.0.0")->any());
  EXPECT_EQ(BindOptions::Parse("::1")->ToString(), "::1");
  EXPECT_EQ(BindOptions::Parse("lo")->ToString(), "lo");
}

TEST(BindOptionsTest, RefusesAnAddressThatThisMachineDoesNotHave) {
  const absl::StatusOr<Listener> listener = Listener::Open(0, *BindOptions::Parse("192.0.2.1"), 3);
  ASSERT_FALSE(listener.ok());
  EXPECT_NE(listener.status().message().find("192.0.2.1"), absl::string_view::npos) << listener.status();
}

}  // namespace
}  // namespace torrent
