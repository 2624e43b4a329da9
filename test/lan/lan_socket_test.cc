#include "lan/lan_socket.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace torrent {
namespace {

// The loopback interface of a family, and the group of BEP 14: with a port of this test alone, over loopback alone.
struct Family {
  Address group;
  LanInterface loopback;
};
Family V4() { return {*Address::Parse("239.192.152.143"), {if_nametoindex("lo"), *Address::Parse("127.0.0.1"), 8}}; }
Family V6() { return {*Address::Parse("ff15::efc0:988f"), {if_nametoindex("lo"), *Address::Parse("::1"), 128}}; }

uint16_t FreePort() {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  const socklen_t size = Endpoint{Address::V4Any(), 0}.ToSockaddr(&storage);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
  return LocalEndpoint(fd.get())->port;
}

class LanSocketTest : public ::testing::TestWithParam<Family (*)()> {};

TEST_P(LanSocketTest, WhatIsSentOverAnInterfaceIsHeardThere) {
  const Family family = GetParam()();
  absl::StatusOr<LanSocket> socket = LanSocket::Open({family.group, FreePort()});
  ASSERT_TRUE(socket.ok()) << socket.status();
  ASSERT_EQ(socket->Join({&family.loopback, 1}), absl::OkStatus());
  ASSERT_EQ(socket->Join({&family.loopback, 1}), absl::OkStatus()) << "joined already";
  const absl::Status sent = socket->Send(family.loopback, /*from_there=*/true, "to the group");
  if (!family.group.is_v4() && !sent.ok()) {
    // Many machines have no way for IPv6 groups over loopback.
    EXPECT_TRUE(absl::IsUnavailable(sent)) << sent;
    return;
  }
  ASSERT_EQ(sent, absl::OkStatus());
  pollfd readable = {socket->fd(), POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 20'000), 1) << "nothing came";
  std::array<char, 100> buffer;
  const absl::optional<LanSocket::Received> received = socket->Receive(absl::MakeSpan(buffer));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->from, family.loopback.address);
  EXPECT_EQ(absl::string_view(buffer.data(), received->size), "to the group");
  EXPECT_FALSE(socket->Receive(absl::MakeSpan(buffer))) << "there was one only";
}

TEST_P(LanSocketTest, AnInterfaceThatWentAwayIsAnError) {
  const Family family = GetParam()();
  absl::StatusOr<LanSocket> socket = LanSocket::Open({family.group, FreePort()});
  ASSERT_TRUE(socket.ok()) << socket.status();
  LanInterface gone = family.loopback;
  gone.index = 1'000'000;
  EXPECT_TRUE(absl::IsUnavailable(socket->Join({&gone, 1})));
  EXPECT_TRUE(absl::IsUnavailable(socket->Send(gone, /*from_there=*/false, "to nobody")));
}

TEST_P(LanSocketTest, AnInterfaceOfTheOtherFamilyIsPassedOver) {
  const Family family = GetParam()();
  absl::StatusOr<LanSocket> socket = LanSocket::Open({family.group, FreePort()});
  ASSERT_TRUE(socket.ok()) << socket.status();
  const LanInterface other = family.group.is_v4() ? V6().loopback : V4().loopback;
  EXPECT_TRUE(absl::IsUnavailable(socket->Join({&other, 1})));
}

// Row 120: no descriptor is the machine's state and passes, not a lack of multicast.
TEST_P(LanSocketTest, WithoutADescriptorTheMachineIsUsedUp) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = LanSocket::Open({GetParam()().group, 1}).status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

INSTANTIATE_TEST_SUITE_P(Families, LanSocketTest, ::testing::Values(&V4, &V6),
                         [](const auto& info) { return info.param == &V4 ? "V4" : "V6"; });

}  // namespace
}  // namespace torrent
