#include "lan/lan_interfaces.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

LanInterface Network(const char* address, int bits) { return {1, *Address::Parse(address), bits}; }

TEST(LanInterfacesTest, ComparesNetworksBitByBit) {
  const struct {
    const char* network;
    int bits;
    const char* address;
    bool in;
  } cases[] = {
      {"192.0.2.2", 24, "192.0.2.255", true},       {"192.0.2.2", 24, "192.0.3.2", false},
      {"192.0.2.2", 23, "192.0.3.2", true},         {"192.0.2.2", 32, "192.0.2.2", true},
      {"192.0.2.2", 32, "192.0.2.3", false},        {"192.0.2.2", 0, "1.2.3.4", true},
      {"10.129.0.1", 9, "10.128.0.0", true},        {"10.129.0.1", 9, "10.127.0.0", false},
      {"2001:db8::1", 64, "2001:db8::ffff", true},  {"2001:db8::1", 64, "2001:db8:0:1::1", false},
      {"2001:db8::1", 128, "2001:db8::1", true},    {"2001:db8::1", 0, "192.0.2.2", false},
      {"2001:db8::1", 61, "2001:db8:0:7::1", true}, {"2001:db8::1", 61, "2001:db8:0:8::1", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(InNetwork(*Address::Parse(c.address), Network(c.network, c.bits)), c.in)
        << c.network << "/" << c.bits << " " << c.address;
  }
}

TEST(LanInterfacesTest, AStrangerIsNoNeighbour) {
  const std::vector<LanInterface> interfaces = {Network("192.168.1.2", 24), Network("2001:db8::2", 64)};
  const auto heard = [&](const char* source) { return IsNeighbour(*Address::Parse(source), interfaces); };
  EXPECT_TRUE(heard("192.168.1.7"));
  EXPECT_TRUE(heard("10.1.1.1"));  // another network of the same site
  EXPECT_TRUE(heard("fd00::7"));
  EXPECT_TRUE(heard("127.0.0.1"));
  EXPECT_TRUE(heard("2001:db8::7"));
  EXPECT_FALSE(heard("2001:db8:1::7"));
  EXPECT_FALSE(heard("8.8.8.8"));
  EXPECT_FALSE(heard("169.254.1.1"));
  EXPECT_FALSE(heard("fe80::1"));
  EXPECT_FALSE(heard("0.0.0.0"));
  EXPECT_FALSE(heard("224.0.0.1"));
}

TEST(LanInterfacesTest, LoopbackTakesPartOnlyWhereItIsChosen) {
  for (const LanInterface& interface : LanInterfaces(BindOptions())) {
    EXPECT_FALSE(interface.address.is_loopback());
    EXPECT_NE(interface.address.reach(), Reach::kLinkLocal);
    EXPECT_GT(interface.index, 0u);
    EXPECT_TRUE(InNetwork(interface.address, interface));
  }
  const std::vector<LanInterface> by_address = LanInterfaces(*BindOptions::Parse("127.0.0.1"));
  ASSERT_EQ(by_address.size(), 1u);
  EXPECT_EQ(by_address[0].address, Address::V4Loopback());
  EXPECT_EQ(by_address[0].prefix_bits, 8);
  EXPECT_GE(LanInterfaces(*BindOptions::Parse("lo")).size(), 1u);
  EXPECT_TRUE(LanInterfaces(*BindOptions::Parse("192.0.2.77")).empty());  // nobody has it
}

}  // namespace
}  // namespace torrent
