#include "swarm/pex_roster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PexRosterTest : public ::testing::Test {
 protected:
  static std::vector<std::string> Names(const std::vector<wire::PexPeer>& peers) {
    std::vector<std::string> names;
    for (const wire::PexPeer& peer : peers) names.push_back(Endpoint::FromCompact(peer.compact)->ToString());
    return names;
  }
  void Set(uint64_t link, const std::string& endpoint, uint8_t flags = 0) {
    roster_.Set(link, *Endpoint::Parse(endpoint), flags);
  }
  // What connection 1000, of a global address unless told otherwise, is told next.
  void Next(const std::string& address = "9.9.9.9") {
    message_ = roster_.Next(&place_, 1000, *Address::Parse(address));
    added_ = Names(message_.added);
    dropped_ = Names(message_.dropped);
  }

  PexRoster roster_;
  PexRoster::Place place_;
  wire::PexMessage message_;
  std::vector<std::string> added_, dropped_;
};

TEST_F(PexRosterTest, TellsWhoIsThereThenWhoCameAndWhoLeft) {
  EXPECT_FALSE(roster_.HasNews(place_));
  Set(1, "1.0.0.1:2000", wire::kPexReachable);
  Set(2, "[2001:db8::1]:2000", wire::kPexSeed);
  EXPECT_TRUE(roster_.HasNews(place_));
  Next();
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000", "[2001:db8::1]:2000"));
  EXPECT_EQ(message_.added[0].flags, wire::kPexReachable);
  EXPECT_EQ(message_.added[1].flags, wire::kPexSeed);
  EXPECT_THAT(dropped_, IsEmpty());
  EXPECT_FALSE(roster_.HasNews(place_));
  Next();
  EXPECT_THAT(added_, IsEmpty());

  roster_.Remove(1);
  Set(3, "1.0.0.3:2000");
  EXPECT_TRUE(roster_.HasNews(place_));
  Next();
  EXPECT_THAT(added_, ElementsAre("1.0.0.3:2000"));
  EXPECT_THAT(dropped_, ElementsAre("1.0.0.1:2000"));
  Next();
  EXPECT_THAT(added_, IsEmpty());
  EXPECT_THAT(dropped_, IsEmpty());
}

TEST_F(PexRosterTest, APeerIsNotToldOfItself) {
  Set(1000, "9.9.9.9:2000");
  Set(1, "1.0.0.1:2000");
  Next();
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000"));
  roster_.Remove(1000);
  Next();
  EXPECT_THAT(dropped_, IsEmpty());
}

TEST_F(PexRosterTest, WhoCameAndLeftBetweenTwoMessagesIsNotTold) {
  Set(1, "1.0.0.1:2000");
  roster_.Remove(1);
  Next();
  EXPECT_THAT(added_, IsEmpty());
  EXPECT_THAT(dropped_, IsEmpty());
  EXPECT_FALSE(roster_.HasNews(place_));
}

TEST_F(PexRosterTest, NorIsWhoLeftAndCameBack) {
  Set(1, "1.0.0.1:2000");
  Next();
  roster_.Remove(1);
  Set(2, "1.0.0.1:2000");
  Next();
  EXPECT_THAT(added_, IsEmpty());
  EXPECT_THAT(dropped_, IsEmpty());
  // And leaves in the end.
  roster_.Remove(2);
  Next();
  EXPECT_THAT(dropped_, ElementsAre("1.0.0.1:2000"));
}

// BEP 11: "must not contain duplicates". Two that came to us from one machine may name one port.
TEST_F(PexRosterTest, AnEndpointIsToldOnce) {
  Set(1, "1.0.0.1:2000");
  Set(2, "1.0.0.1:2000");
  Next();
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000"));
  roster_.Remove(1);
  Next();
  EXPECT_THAT(dropped_, IsEmpty()) << "the other is still there";
}

TEST_F(PexRosterTest, ACallAgainChangesTheFlagsAlone) {
  Set(1, "1.0.0.1:2000");
  Set(1, "1.0.0.1:9999", wire::kPexSeed);
  Next();
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000"));
  EXPECT_EQ(message_.added[0].flags, wire::kPexSeed);
}

// Hazard 57: fifty a message; the rest comes with the next ones, and nobody is lost or told twice.
TEST_F(PexRosterTest, TellsFiftyAMessageAndTheRestNextTime) {
  const auto endpoint = [](uint64_t i) { return absl::StrCat("1.0.", i / 250, ".", i % 250, ":2000"); };
  for (uint64_t i = 0; i < 120; i++) Set(i, endpoint(i));
  std::vector<std::string> all;
  for (const size_t count : {50, 50, 20, 0}) {
    Next();
    EXPECT_EQ(added_.size(), count);
    EXPECT_EQ(roster_.HasNews(place_), count == 50);
    all.insert(all.end(), added_.begin(), added_.end());
  }
  for (uint64_t i = 0; i < 120; i++) EXPECT_EQ(all[i], endpoint(i));
  for (uint64_t i = 0; i < 120; i++) roster_.Remove(i);
  all.clear();
  for (const size_t count : {50, 50, 20, 0}) {
    Next();
    EXPECT_EQ(dropped_.size(), count);
    all.insert(all.end(), dropped_.begin(), dropped_.end());
  }
  for (uint64_t i = 0; i < 120; i++) EXPECT_EQ(all[i], endpoint(i));
}

TEST_F(PexRosterTest, APeerIsToldOnlyWhereItMightStandItself) {
  const char* const kEndpoints[] = {"1.0.0.1:2000", "10.0.0.1:2000", "127.0.0.1:2000", "169.254.1.1:2000",
                                    "1.0.0.1:80"};
  uint64_t link = 0;
  for (const char* endpoint : kEndpoints) Set(link++, endpoint);
  Next("9.9.9.9");
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000"));
  place_ = {};
  Next("192.168.1.1");
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000", "10.0.0.1:2000"));
  place_ = {};
  Next("127.0.0.9");
  EXPECT_THAT(added_, ElementsAre("1.0.0.1:2000", "10.0.0.1:2000", "127.0.0.1:2000"));
  // What was not told as there is not told as gone.
  place_ = {};
  Next("9.9.9.9");
  for (uint64_t i = 0; i < link; i++) roster_.Remove(i);
  Next("9.9.9.9");
  EXPECT_THAT(dropped_, ElementsAre("1.0.0.1:2000"));
}

TEST_F(PexRosterTest, KeepsABoundedNumberOfThoseThatLeft) {
  Set(1, "1.0.0.1:2000");
  Next();
  roster_.Remove(1);
  for (uint64_t i = 2; i < 2 + kMaxPexLeft; i++) {
    Set(i, "1.0.0.2:2000");
    roster_.Remove(i);
  }
  Next();
  EXPECT_THAT(dropped_, IsEmpty()) << "it fell out of the list";
}

}  // namespace
}  // namespace torrent
