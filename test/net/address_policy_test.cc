#include "net/address_policy.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

const Address kGlobal = *Address::Parse("93.184.216.34");
const Address kPrivate = *Address::Parse("192.168.1.7");
const Address kLoopback = *Address::Parse("127.0.0.1");
const Address kLinkLocal = *Address::Parse("169.254.169.254");

bool May(const Address& source, const char* target, HintKind kind = HintKind::kTracker) {
  return MayLeadTo(source, *Endpoint::Parse(target), kind);
}

// libtorrent 39548837e, and the trackers that named hosts behind the client's own firewall (hazard 58).
TEST(AddressPolicyTest, NeverLeadsFurtherInThanItsSourceStands) {
  EXPECT_TRUE(May(kGlobal, "8.8.8.8:6881"));
  EXPECT_FALSE(May(kGlobal, "10.0.0.1:6881"));
  EXPECT_FALSE(May(kGlobal, "127.0.0.1:6881"));
  EXPECT_FALSE(May(kGlobal, "[::1]:6881"));
  EXPECT_FALSE(May(kGlobal, "[fd00::1]:6881"));
  EXPECT_TRUE(May(kPrivate, "8.8.8.8:6881"));
  EXPECT_TRUE(May(kPrivate, "10.0.0.1:6881"));
  EXPECT_FALSE(May(kPrivate, "127.0.0.1:6881"));
  EXPECT_TRUE(May(kLoopback, "8.8.8.8:6881"));
  EXPECT_TRUE(May(kLoopback, "10.0.0.1:6881"));
  EXPECT_TRUE(May(kLoopback, "127.0.0.1:6881"));
  EXPECT_TRUE(May(kLinkLocal, "192.168.1.9:6881"));
  EXPECT_FALSE(May(kLinkLocal, "127.0.0.1:6881"));
}

TEST(AddressPolicyTest, LeadsNowhereThatNoPeerCanBe) {
  for (const Address& source : {kGlobal, kPrivate, kLoopback, kLinkLocal}) {
    for (const char* target : {"169.254.1.1:6881", "[fe80::1]:6881", "224.0.0.1:6881", "[ff02::1]:6881", "0.0.0.0:6881",
                               "[::]:6881", "255.255.255.255:6881", "8.8.8.8:0"}) {
      EXPECT_FALSE(May(source, target)) << source.ToString() << " to " << target;
    }
  }
}

TEST(AddressPolicyTest, KeepsStrangersAwayFromPortsOfServices) {
  for (HintKind kind : {HintKind::kPex, HintKind::kDht}) {
    EXPECT_FALSE(May(kGlobal, "8.8.8.8:25", kind));
    EXPECT_FALSE(May(kLoopback, "8.8.8.8:1023", kind));
    EXPECT_TRUE(May(kGlobal, "8.8.8.8:1024", kind));
  }
  EXPECT_TRUE(May(kGlobal, "8.8.8.8:443", HintKind::kTracker));
  EXPECT_TRUE(May(kGlobal, "8.8.8.8:443", HintKind::kIncoming));
}

TEST(AddressPolicyTest, BelievesWhatTheUserTyped) {
  EXPECT_TRUE(May(kGlobal, "127.0.0.1:80", HintKind::kUser));
  EXPECT_TRUE(May(kGlobal, "169.254.1.1:80", HintKind::kUser));
  EXPECT_FALSE(May(kGlobal, "127.0.0.1:0", HintKind::kUser));
  EXPECT_FALSE(May(kGlobal, "0.0.0.0:80", HintKind::kUser));
}

}  // namespace
}  // namespace torrent
