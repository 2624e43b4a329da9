#include "swarm/own_address.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace torrent {
namespace {

class OwnAddressTest : public ::testing::Test {
 protected:
  // "" when nothing is believed.
  std::string Vote(const std::string& own, const std::string& viewer) {
    const absl::optional<Address> believed = own_.Vote(*Address::Parse(own), *Address::Parse(viewer));
    return believed ? believed->ToString() : "";
  }

  OwnAddress own_;
};

TEST_F(OwnAddressTest, ThreePeersThatAgreeAreBelieved) {
  EXPECT_EQ(Vote("5.5.5.5", "1.0.0.1"), "");
  EXPECT_EQ(Vote("5.5.5.5", "1.0.0.2"), "");
  EXPECT_EQ(Vote("5.5.5.5", "1.0.0.3"), "5.5.5.5");
}

TEST_F(OwnAddressTest, OnePeerHasOneVote) {
  for (int i = 0; i < 10; i++) EXPECT_EQ(Vote("5.5.5.5", "1.0.0.1"), "");
}

TEST_F(OwnAddressTest, AFewLiarsAmongManyAreNotBelieved) {
  for (int i = 0; i < 10; i++) Vote("5.5.5.5", absl::StrCat("1.0.0.", i));
  for (int i = 0; i < 5; i++) EXPECT_EQ(Vote("6.6.6.6", absl::StrCat("2.0.0.", i)), "");
}

TEST_F(OwnAddressTest, AnAddressThatChangedIsBelievedOnceMostSaySo) {
  for (size_t i = 0; i < OwnAddress::kVoters; i++) Vote("5.5.5.5", absl::StrCat("1.0.0.", i));
  std::string believed;
  size_t votes = 0;
  while (believed.empty() && votes < 100) believed = Vote("6.6.6.6", absl::StrCat("2.0.0.", votes++));
  EXPECT_EQ(believed, "6.6.6.6");
  EXPECT_EQ(votes, OwnAddress::kVoters / 2 + 1);
}

TEST_F(OwnAddressTest, FamiliesAreCountedApart) {
  Vote("5.5.5.5", "1.0.0.1");
  Vote("5.5.5.5", "1.0.0.2");
  EXPECT_EQ(Vote("2001:db9::5", "2001:db9::1"), "");
  EXPECT_EQ(Vote("2001:db9::5", "2001:db9::2"), "");
  EXPECT_EQ(Vote("2001:db9::5", "2001:db9::3"), "2001:db9::5");
  EXPECT_EQ(Vote("5.5.5.5", "1.0.0.3"), "5.5.5.5");
}

TEST_F(OwnAddressTest, OnlyWhatIsGlobalCounts) {
  for (int i = 0; i < 10; i++) {
    EXPECT_EQ(Vote("192.168.1.5", absl::StrCat("192.168.1.1", i)), "");
    EXPECT_EQ(Vote("192.168.1.5", absl::StrCat("1.0.0.", i)), "");
    EXPECT_EQ(Vote("127.0.0.1", absl::StrCat("127.0.1.", i)), "");
    EXPECT_EQ(Vote("5.5.5.5", absl::StrCat("10.0.0.", i)), "");
  }
}

}  // namespace
}  // namespace torrent
