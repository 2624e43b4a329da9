#include "tracker_server/announce_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "tracker/announce_reply.h"

namespace torrent {
namespace {

using ::testing::HasSubstr;

const Address kSource = *Address::Parse("10.0.0.1");

QueryArguments Good() {
  return {{"info_hash", std::string(20, 'a')}, {"peer_id", std::string(20, 'p')}, {"port", "6881"}, {"left", "5"}};
}

// Good() with one argument replaced, or without it.
QueryArguments With(const std::string& name, absl::optional<std::string> value) {
  QueryArguments arguments = Good();
  arguments.erase(name);
  if (value) arguments.emplace(name, *value);
  return arguments;
}

TEST(AnnounceFormatTest, ReadsAnAnnounce) {
  absl::StatusOr<AnnounceQuery> query = ParseAnnounceQuery(Good(), kSource);
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(query->announce.infohash, Infohash::FromRaw(std::string(20, 'a')));
  EXPECT_EQ(query->announce.peer_id[19], 'p');
  EXPECT_EQ(query->announce.endpoint.ToString(), "10.0.0.1:6881");
  EXPECT_FALSE(query->announce.seeder);
  EXPECT_EQ(query->announce.event, TrackerEvent::kNone);
  EXPECT_EQ(query->announce.numwant, kDefaultServedNumwant);
  EXPECT_TRUE(query->compact);

  EXPECT_TRUE(ParseAnnounceQuery(With("left", "0"), kSource)->announce.seeder);
  EXPECT_FALSE(ParseAnnounceQuery(With("left", absl::nullopt), kSource)->announce.seeder);
  EXPECT_EQ(ParseAnnounceQuery(With("event", "started"), kSource)->announce.event, TrackerEvent::kStarted);
  EXPECT_EQ(ParseAnnounceQuery(With("event", "completed"), kSource)->announce.event, TrackerEvent::kCompleted);
  EXPECT_EQ(ParseAnnounceQuery(With("event", "stopped"), kSource)->announce.event, TrackerEvent::kStopped);
  EXPECT_EQ(ParseAnnounceQuery(With("event", "paused"), kSource)->announce.event, TrackerEvent::kNone);
  EXPECT_EQ(ParseAnnounceQuery(With("numwant", "7"), kSource)->announce.numwant, 7u);
  EXPECT_EQ(ParseAnnounceQuery(With("numwant", "0"), kSource)->announce.numwant, 0u);
  EXPECT_EQ(ParseAnnounceQuery(With("numwant", "-1"), kSource)->announce.numwant, kDefaultServedNumwant);
  EXPECT_EQ(ParseAnnounceQuery(With("numwant", "99999999"), kSource)->announce.numwant, kMaxServedNumwant);
  EXPECT_EQ(ParseAnnounceQuery(With("numwant", "many"), kSource)->announce.numwant, kDefaultServedNumwant);
  EXPECT_EQ(ParseAnnounceQuery(With("key", "k"), kSource)->announce.key, "k");
  EXPECT_FALSE(ParseAnnounceQuery(With("compact", "0"), kSource)->compact);
  EXPECT_TRUE(ParseAnnounceQuery(With("compact", "1"), kSource)->compact);
}

// CVE-2025-66577 (hazard 95): an address that somebody writes is not believed.
TEST(AnnounceFormatTest, TheAddressIsTheConnectionsWhateverTheArgumentsSay) {
  EXPECT_EQ(ParseAnnounceQuery(With("ip", "9.9.9.9"), kSource)->announce.endpoint.address, kSource);
}

TEST(AnnounceFormatTest, BadArgumentsAreNamed) {
  const struct {
    QueryArguments arguments;
    const char* message;
  } cases[] = {
      {{}, "info_hash is missing"},
      {With("info_hash", absl::nullopt), "info_hash is missing"},
      {With("info_hash", std::string(19, 'a')), "info_hash has 19 bytes, not 20"},
      {With("info_hash", std::string(40, 'a')), "info_hash has 40 bytes, not 20"},
      {With("peer_id", absl::nullopt), "peer_id is missing"},
      {With("peer_id", ""), "peer_id has 0 bytes, not 20"},
      {With("port", absl::nullopt), "port is missing"},
      {With("port", "0"), "port is not in [1, 65536)"},
      {With("port", "65536"), "port is not in [1, 65536)"},
      {With("port", "-1"), "port is not in [1, 65536)"},
      {With("port", "4294967297"), "port is not in [1, 65536)"},
      {With("port", "x"), "port is not in [1, 65536)"},
      {With("left", "-1"), "left is not a number"},
      {With("left", ""), "left is not a number"},
  };
  for (const auto& c : cases) {
    absl::Status status = ParseAnnounceQuery(c.arguments, kSource).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.message;
    EXPECT_EQ(status.message(), c.message);
  }
}

TEST(AnnounceFormatTest, ScrapesOneOrSeveralButNotAll) {
  QueryArguments arguments;
  EXPECT_EQ(ParseScrapeQuery(arguments).status().message(), "info_hash is missing");
  arguments.emplace("info_hash", std::string(20, 'a'));
  arguments.emplace("info_hash", std::string(20, 'b'));
  EXPECT_EQ(ParseScrapeQuery(arguments)->size(), 2u);
  for (size_t i = 0; i < kMaxServedScrapes; ++i) arguments.emplace("info_hash", std::string(20, 'c'));
  EXPECT_FALSE(ParseScrapeQuery(arguments).ok());
  EXPECT_FALSE(ParseScrapeQuery({{"info_hash", "short"}}).ok());
}

ServedAnswer TwoPeers() {
  ServedAnswer answer;
  answer.complete = 1;
  answer.incomplete = 2;
  answer.peers.push_back({{}, *Endpoint::Parse("1.2.3.4:6881")});
  answer.peers.push_back({{}, *Endpoint::Parse("[2001:db8::1]:6882")});
  answer.peers[0].peer_id.fill('a');
  answer.peers[1].peer_id.fill('b');
  return answer;
}

TEST(AnnounceFormatTest, WritesCompactReplies) {
  AnnounceQuery query = *ParseAnnounceQuery(Good(), kSource);
  EXPECT_EQ(EncodeAnnounceReply(TwoPeers(), query, std::chrono::seconds(120)),
            "d8:completei1e11:external ip4:" + std::string("\x0a\0\0\x01", 4) +
                "10:incompletei2e8:intervali120e5:peers6:" + std::string("\x01\x02\x03\x04\x1a\xe1", 6) +
                "6:peers618:" + std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe2", 18) + "e");
}

TEST(AnnounceFormatTest, WritesDictionariesWithAndWithoutPeerIds) {
  AnnounceQuery query = *ParseAnnounceQuery(With("compact", "0"), kSource);
  const std::string a(20, 'a'), b(20, 'b');
  EXPECT_THAT(EncodeAnnounceReply(TwoPeers(), query, std::chrono::seconds(120)),
              HasSubstr("5:peersld2:ip7:1.2.3.47:peer id20:" + a + "4:porti6881eed2:ip11:2001:db8::17:peer id20:" + b +
                        "4:porti6882eee"));
  query.peer_ids = false;
  EXPECT_THAT(EncodeAnnounceReply(TwoPeers(), query, std::chrono::seconds(120)),
              HasSubstr("5:peersld2:ip7:1.2.3.44:porti6881eed2:ip11:2001:db8::14:porti6882eee"));
}

TEST(AnnounceFormatTest, OurClientReadsWhatOurTrackerWrites) {
  for (const char* compact : {"0", "1"}) {
    AnnounceQuery query = *ParseAnnounceQuery(With("compact", compact), kSource);
    absl::StatusOr<AnnounceReply> reply =
        ParseAnnounceReply(EncodeAnnounceReply(TwoPeers(), query, std::chrono::seconds(120)));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->peers.size(), 2u);
    EXPECT_EQ(reply->complete, 1);
    EXPECT_EQ(reply->external_ip, kSource);
    EXPECT_EQ(reply->interval, std::chrono::seconds(120));
  }
  EXPECT_TRUE(IsTrackerRefusal(ParseAnnounceReply(EncodeFailure("no")).status()));
}

TEST(AnnounceFormatTest, ScrapeRepliesAreSortedAndNameEachOnce) {
  const Infohash a = Infohash::FromRaw(std::string(20, 'a')), b = Infohash::FromRaw(std::string(20, 'b'));
  EXPECT_EQ(EncodeScrapeReply({{b, {4, 5, 6}}, {a, {1, 2, 3}}, {a, {1, 2, 3}}}),
            absl::StrCat("d5:filesd20:", a.Raw(), "d8:completei1e10:downloadedi2e10:incompletei3ee20:", b.Raw(),
                         "d8:completei4e10:downloadedi5e10:incompletei6eeee"));
}

}  // namespace
}  // namespace torrent
