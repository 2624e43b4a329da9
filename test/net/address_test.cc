#include "net/address.h"

#include <gtest/gtest.h>

#include "absl/hash/hash_testing.h"

namespace torrent {
namespace {

TEST(AddressTest, ParsesAndPrintsBothFamilies) {
  const struct {
    const char* text;
    const char* printed;
    bool v4;
  } kCases[] = {
      {"1.2.3.4", "1.2.3.4", true},
      {"255.255.255.255", "255.255.255.255", true},
      {"::1", "::1", false},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
      {"::ffff:1.2.3.4", "1.2.3.4", true},
      {"::ffff:102:304", "1.2.3.4", true},
  };
  for (const auto& c : kCases) {
    const absl::optional<Address> address = Address::Parse(c.text);
    ASSERT_TRUE(address.has_value()) << c.text;
    EXPECT_EQ(address->ToString(), c.printed);
    EXPECT_EQ(address->is_v4(), c.v4) << c.text;
    EXPECT_EQ(address->bytes().size(), c.v4 ? 4u : 16u);
    EXPECT_EQ(Address::Parse(c.printed), address);
  }
}

TEST(AddressTest, RefusesWhatOnlyInetAtonTakes) {
  for (absl::string_view text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "0x7f.0.0.1", "2130706433", "127.1", " 1.2.3.4",
                                 "1.2.3.4 ", "[::1]", "fe80::1%lo", "1:2:3:4:5:6:7", ":::", "localhost", "1.2.3.4x"}) {
    EXPECT_FALSE(Address::Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(Address::Parse(absl::string_view("1.2.3.4\0.5", 10)).has_value());
}

TEST(AddressTest, HasOneFormOnlyForAMappedAddress) {
  const uint8_t v4[] = {1, 2, 3, 4};
  const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4};
  EXPECT_EQ(Address::FromBytes(v4), Address::FromBytes(mapped));
  EXPECT_TRUE(Address::FromBytes(mapped)->is_v4());
  EXPECT_FALSE(Address::FromBytes(absl::MakeConstSpan(mapped, 15)).has_value());
  EXPECT_FALSE(Address::FromBytes({}).has_value());
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {Address(), *Address::FromBytes(v4), Address::V6Any(), Address::V6Loopback(), Address::V4Loopback()}));
}

TEST(AddressTest, KnowsHowFarAnAddressReaches) {
  const struct {
    const char* text;
    Reach reach;
  } kCases[] = {
      {"0.0.0.0", Reach::kUnspecified},
      {"0.1.2.3", Reach::kUnspecified},
      {"::", Reach::kUnspecified},
      {"127.0.0.1", Reach::kLoopback},
      {"127.255.255.255", Reach::kLoopback},
      {"128.0.0.0", Reach::kGlobal},
      {"::1", Reach::kLoopback},
      {"::2", Reach::kUnspecified},  // ::0.0.0.2
      {"9.255.255.255", Reach::kGlobal},
      {"10.0.0.0", Reach::kPrivate},
      {"10.255.255.255", Reach::kPrivate},
      {"11.0.0.0", Reach::kGlobal},
      {"172.15.255.255", Reach::kGlobal},
      {"172.16.0.0", Reach::kPrivate},
      {"172.31.255.255", Reach::kPrivate},
      {"172.32.0.0", Reach::kGlobal},
      {"192.168.0.1", Reach::kPrivate},
      {"192.169.0.1", Reach::kGlobal},
      {"100.63.255.255", Reach::kGlobal},
      {"100.64.0.0", Reach::kPrivate},
      {"100.127.255.255", Reach::kPrivate},
      {"100.128.0.0", Reach::kGlobal},
      {"169.254.169.254", Reach::kLinkLocal},
      {"169.255.0.0", Reach::kGlobal},
      {"223.255.255.255", Reach::kGlobal},
      {"224.0.0.1", Reach::kMulticast},
      {"240.0.0.1", Reach::kMulticast},
      {"255.255.255.255", Reach::kMulticast},
      {"fe80::1", Reach::kLinkLocal},
      {"febf:ffff::1", Reach::kLinkLocal},
      {"fec0::1", Reach::kPrivate},
      {"fc00::1", Reach::kPrivate},
      {"fdff::1", Reach::kPrivate},
      {"fe00::1", Reach::kGlobal},
      {"ff02::1", Reach::kMulticast},
      {"2001:4860:4860::8888", Reach::kGlobal},
      {"::ffff:127.0.0.1", Reach::kLoopback},
      // What a gateway turns into IPv4.
      {"::127.0.0.1", Reach::kLoopback},
      {"64:ff9b::127.0.0.1", Reach::kLoopback},
      {"64:ff9b::169.254.169.254", Reach::kLinkLocal},
      {"64:ff9b::8.8.8.8", Reach::kGlobal},
      {"64:ff9b:1::8.8.8.8", Reach::kPrivate},
      {"2002:7f00:1::1", Reach::kLoopback},
      {"2002:a00:1::1", Reach::kPrivate},
      {"2002:808:808::1", Reach::kGlobal},
  };
  for (const auto& c : kCases) {
    EXPECT_STREQ(ReachName(Address::Parse(c.text)->reach()), ReachName(c.reach)) << c.text;
  }
}

}  // namespace
}  // namespace torrent
