#include "tracker_server/announce_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"

namespace torrent {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Infohash kSwarm = Infohash::FromRaw("aaaaaaaaaaaaaaaaaaaa");
const Infohash kOther = Infohash::FromRaw("bbbbbbbbbbbbbbbbbbbb");

ServedAnnounce Peer(char name, absl::string_view endpoint, uint64_t left = 1,
                    TrackerEvent event = TrackerEvent::kNone) {
  ServedAnnounce announce;
  announce.infohash = kSwarm;
  announce.peer_id.fill(static_cast<uint8_t>(name));
  announce.key = std::string(1, name);
  announce.endpoint = *Endpoint::Parse(endpoint);
  announce.seeder = left == 0;
  announce.event = event;
  announce.numwant = 50;
  return announce;
}

class AnnounceTableTest : public ::testing::Test {
 protected:
  std::vector<std::string> Announce(const ServedAnnounce& announce) {
    absl::StatusOr<ServedAnswer> answer = table_.Announce(announce, now_);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::vector<std::string> names;
    for (const ServedPeer& peer : answer->peers) names.push_back(peer.endpoint.ToString());
    std::sort(names.begin(), names.end());
    return names;
  }
  // "complete downloaded incomplete"
  std::string Scrape(const Infohash& infohash = kSwarm) {
    const ScrapeReply::File counts = table_.Scrape(infohash, now_);
    return absl::StrCat(counts.complete, " ", counts.downloaded, " ", counts.incomplete);
  }

  TimePoint now_ = TimePoint() + hours(1000);
  AnnounceTable table_{seconds(240), 1};
};

TEST_F(AnnounceTableTest, NamesTheOthersOfASwarm) {
  EXPECT_THAT(Announce(Peer('a', "1.1.1.1:1111")), IsEmpty());
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222", 0)), ElementsAre("1.1.1.1:1111"));
  EXPECT_THAT(Announce(Peer('c', "3.3.3.3:3333")), ElementsAre("1.1.1.1:1111", "2.2.2.2:2222"));
  ServedAnnounce elsewhere = Peer('d', "4.4.4.4:4444");
  elsewhere.infohash = kOther;
  EXPECT_THAT(Announce(elsewhere), IsEmpty());
  EXPECT_EQ(Scrape(), "1 0 2");
  EXPECT_EQ(Scrape(kOther), "0 0 1");
  EXPECT_EQ(Scrape(Infohash()), "0 0 0");
}

TEST_F(AnnounceTableTest, NamesNoSeedersToSeeders) {
  Announce(Peer('a', "1.1.1.1:1111", 0));
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222", 0)), IsEmpty());
  EXPECT_THAT(Announce(Peer('c', "3.3.3.3:3333")), ElementsAre("1.1.1.1:1111", "2.2.2.2:2222"));
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222", 0)), ElementsAre("3.3.3.3:3333"));
}

TEST_F(AnnounceTableTest, ASilentPeerIsForgottenAfterItsLifetime) {
  Announce(Peer('a', "1.1.1.1:1111"));
  Announce(Peer('c', "3.3.3.3:3333", 0));
  now_ += seconds(200);
  Announce(Peer('a', "1.1.1.1:1111"));
  now_ += seconds(100);
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222")), ElementsAre("1.1.1.1:1111"));
  EXPECT_EQ(Scrape(), "0 0 2");
  now_ += hours(1);
  EXPECT_EQ(Scrape(), "0 0 0");
  EXPECT_EQ(table_.swarm_count(), 0u);
  EXPECT_EQ(table_.peer_count(), 0u);
}

TEST_F(AnnounceTableTest, StoppedRemovesThePeerAndNamesNobody) {
  Announce(Peer('a', "1.1.1.1:1111"));
  Announce(Peer('b', "2.2.2.2:2222", 0));
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222", 0, TrackerEvent::kStopped)), IsEmpty());
  EXPECT_EQ(Scrape(), "0 0 1");
  Announce(Peer('c', "3.3.3.3:3333", 1, TrackerEvent::kStopped));
  EXPECT_EQ(Scrape(), "0 0 1") << "one that was not there";
  Announce(Peer('a', "1.1.1.1:1111", 1, TrackerEvent::kStopped));
  EXPECT_EQ(table_.swarm_count(), 0u);
  EXPECT_EQ(table_.peer_count(), 0u);
}

TEST_F(AnnounceTableTest, CountsCompletionsOnceAPeer) {
  Announce(Peer('a', "1.1.1.1:1111", 1, TrackerEvent::kStarted));
  Announce(Peer('a', "1.1.1.1:1111", 0, TrackerEvent::kCompleted));
  EXPECT_EQ(Scrape(), "1 1 0");
  Announce(Peer('a', "[2001:db8::1]:1111", 0, TrackerEvent::kCompleted));
  EXPECT_EQ(Scrape(), "1 1 0") << "the same completion, over the other family";
  Announce(Peer('b', "2.2.2.2:2222", 0, TrackerEvent::kStarted));
  EXPECT_EQ(Scrape(), "2 1 0") << "who begins complete did not complete";
}

// BEP 7.
TEST_F(AnnounceTableTest, APeerOfBothFamiliesIsOnePeerNamedInTheAskingOnesFamily) {
  Announce(Peer('a', "1.1.1.1:1111"));
  Announce(Peer('a', "[2001:db8::1]:1111"));
  EXPECT_EQ(Scrape(), "0 0 1");
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222")), ElementsAre("1.1.1.1:1111"));
  EXPECT_THAT(Announce(Peer('b', "[2001:db8::2]:2222")), ElementsAre("[2001:db8::1]:1111"));
  Announce(Peer('c', "3.3.3.3:3333"));
  EXPECT_THAT(Announce(Peer('b', "[2001:db8::2]:2222")), ElementsAre("3.3.3.3:3333", "[2001:db8::1]:1111"))
      << "who has no address of that family is named by the other";
  Announce(Peer('a', "1.1.1.1:1111", 1, TrackerEvent::kStopped));
  EXPECT_EQ(Scrape(), "0 0 3") << "still there over IPv6";
  Announce(Peer('a', "[2001:db8::1]:1111", 1, TrackerEvent::kStopped));
  EXPECT_EQ(Scrape(), "0 0 2");
}

TEST_F(AnnounceTableTest, NobodyTakesAnothersPlaceWithoutItsKey) {
  Announce(Peer('a', "1.1.1.1:1111"));
  ServedAnnounce impostor = Peer('a', "6.6.6.6:6666", 1, TrackerEvent::kStopped);
  impostor.key = "guess";
  Announce(impostor);
  impostor.key = "";
  Announce(impostor);
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222")), ElementsAre("1.1.1.1:1111"));
}

TEST_F(AnnounceTableTest, WithTheKeyAPeerMovesToAnotherAddress) {
  Announce(Peer('a', "1.1.1.1:1111"));
  Announce(Peer('a', "1.1.1.9:1111"));
  EXPECT_THAT(Announce(Peer('b', "2.2.2.2:2222")), ElementsAre("1.1.1.9:1111"));
}

TEST_F(AnnounceTableTest, NamesAtMostWhatIsWantedAndNotAlwaysTheSame) {
  for (int i = 0; i < 100; ++i) {
    ServedAnnounce peer = Peer('p', absl::StrCat("9.9.9.", i, ":1000"));
    peer.key = absl::StrCat(i);
    Announce(peer);
  }
  std::set<std::string> named;
  for (int i = 0; i < 200; ++i) {
    ServedAnnounce asking = Peer('a', "1.1.1.1:1111");
    asking.numwant = 3;
    const std::vector<std::string> names = Announce(asking);
    EXPECT_EQ(names.size(), 3u);
    named.insert(names.begin(), names.end());
  }
  EXPECT_GT(named.size(), 90u);
  ServedAnnounce asking = Peer('a', "1.1.1.1:1111");
  asking.numwant = 0;
  EXPECT_THAT(Announce(asking), IsEmpty());
}

TEST_F(AnnounceTableTest, NamesOnlyAddressesThatTheAskingOneCanBeLedTo) {
  Announce(Peer('l', "127.0.0.1:1111"));
  Announce(Peer('p', "192.168.1.2:2222"));
  Announce(Peer('g', "3.3.3.3:3333"));
  EXPECT_THAT(Announce(Peer('x', "9.9.9.9:9999")), ElementsAre("3.3.3.3:3333"));
  EXPECT_THAT(Announce(Peer('y', "192.168.1.9:9999")), ElementsAre("192.168.1.2:2222", "3.3.3.3:3333", "9.9.9.9:9999"));
  EXPECT_EQ(Announce(Peer('z', "127.0.0.1:9999")).size(), 5u);
}

TEST_F(AnnounceTableTest, MemoryIsBounded) {
  ServedAnnounce announce = Peer('a', "1.1.1.1:1111");
  for (size_t i = 0; i < kMaxServedSwarms; ++i) {
    StoreBE32(announce.infohash.bytes.data(), static_cast<uint32_t>(i));
    ASSERT_TRUE(table_.Announce(announce, now_).ok());
  }
  StoreBE32(announce.infohash.bytes.data(), 0xffffffff);
  EXPECT_EQ(table_.Announce(announce, now_).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(table_.swarm_count(), kMaxServedSwarms);

  StoreBE32(announce.infohash.bytes.data(), 0);
  announce.numwant = 0;
  absl::Status status;
  for (size_t i = 0; i <= kMaxServedPeers; ++i) {
    StoreBE32(announce.peer_id.data(), static_cast<uint32_t>(i));
    status = table_.Announce(announce, now_).status();
    if (!status.ok()) break;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(table_.peer_count(), kMaxServedPeers);

  now_ += hours(1);
  EXPECT_TRUE(table_.Announce(announce, now_).ok()) << "the silent ones make room";
  EXPECT_EQ(table_.peer_count(), 1u);
  EXPECT_EQ(table_.swarm_count(), 1u);
}

}  // namespace
}  // namespace torrent
