#include "tracker/announce_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::vector<std::string> Names(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> names;
  for (const Endpoint& endpoint : endpoints) names.push_back(endpoint.ToString());
  return names;
}

// A dictionary entry: key and encoded value.
std::string Entry(absl::string_view key, absl::string_view value) { return absl::StrCat(key.size(), ":", key, value); }
std::string String(absl::string_view bytes) { return absl::StrCat(bytes.size(), ":", bytes); }

TEST(AnnounceReplyTest, ReadsPeersInEachForm) {
  const struct {
    const char* why;
    std::string body;
    std::vector<std::string> peers;
    size_t skipped;
  } cases[] = {
      {"compact (BEP 23)",
       "d5:peers12:" + std::string("\x01\x02\x03\x04\x30\x10\x09\x08\x07\x06\x20\x10", 12) + "e",
       {"1.2.3.4:12304", "9.8.7.6:8208"},
       0},
      {"dictionaries (BEP 3)",
       "d5:peersld2:ip7:1.2.3.44:porti6881eed2:ip3:::14:porti1eeee",
       {"1.2.3.4:6881", "[::1]:1"},
       0},
      {"a name, which is not looked up", "d5:peersld2:ip11:example.com4:porti1eeee", {}, 1},
      {"peers6 (BEP 7)",
       "d6:peers618:" + std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1", 18) + "e",
       {"[2001:db8::1]:6881"},
       0},
      {"both families",
       "d5:peers6:" + std::string("\x01\x02\x03\x04\x30\x10", 6) +
           "6:peers618:" + std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1", 18) + "e",
       {"1.2.3.4:12304", "[2001:db8::1]:6881"},
       0},
      {"the same twice",
       "d5:peers12:" + std::string("\x01\x02\x03\x04\x30\x10\x01\x02\x03\x04\x30\x10", 12) + "e",
       {"1.2.3.4:12304"},
       0},
      {"none", "d5:peers0:e", {}, 0},
      {"no key at all", "de", {}, 0},
  };
  for (const auto& c : cases) {
    absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply(c.body);
    ASSERT_TRUE(reply.ok()) << c.why << ": " << reply.status();
    EXPECT_EQ(Names(reply->peers), c.peers) << c.why;
    EXPECT_EQ(reply->skipped_peers, c.skipped) << c.why;
  }
}

// anacrolix d78e8d7c, libtorrent 9176d18d9 (hazard 77): a bad entry is dropped, its neighbour is kept.
TEST(AnnounceReplyTest, DropsBadEntriesAndKeepsTheirNeighbours) {
  const std::string good = "d2:ip7:1.2.3.44:porti6881ee";
  const struct {
    const char* why;
    std::string body;
  } cases[] = {
      {"compact of 7 bytes", "d5:peers7:" + std::string("\x01\x02\x03\x04\x1a\xe1\x09", 7) + "e"},
      {"peers6 of 19 bytes", "d5:peers6:" + std::string("\x01\x02\x03\x04\x1a\xe1", 6) + "6:peers61:\x09" + "e"},
      {"compact with port 0", "d5:peers12:" + std::string("\x09\x08\x07\x06\0\0\x01\x02\x03\x04\x1a\xe1", 12) + "e"},
      {"no ip", "d5:peersld4:porti1ee" + good + "ee"},
      {"no port", "d5:peersld2:ip7:5.6.7.8e" + good + "ee"},
      {"port -1", "d5:peersld2:ip7:5.6.7.84:porti-1ee" + good + "ee"},
      {"port 0", "d5:peersld2:ip7:5.6.7.84:porti0ee" + good + "ee"},
      {"port 65536", "d5:peersld2:ip7:5.6.7.84:porti65536ee" + good + "ee"},
      {"port as text", "d5:peersld2:ip7:5.6.7.84:port1:1e" + good + "ee"},
      {"ip as number", "d5:peersld2:ipi1e4:porti1ee" + good + "ee"},
      {"a string as entry", "d5:peersl3:abc" + good + "ee"},
      {"a list as entry", "d5:peerslle" + good + "ee"},
      {"ip with rubbish behind", "d5:peersld2:ip8:5.6.7.8x4:porti1ee" + good + "ee"},
  };
  for (const auto& c : cases) {
    absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply(c.body);
    ASSERT_TRUE(reply.ok()) << c.why << ": " << reply.status();
    EXPECT_EQ(Names(reply->peers), std::vector<std::string>{"1.2.3.4:6881"}) << c.why;
    EXPECT_EQ(reply->skipped_peers, 1u) << c.why;
  }
}

// rakshasa c7d4604d (hazard 76).
TEST(AnnounceReplyTest, KeepsAtMostTwoThousandPeers) {
  std::string compact;
  for (uint32_t i = 0; i < 100'000; ++i) {
    compact += {'\x05', static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i), '\x1a', '\xe1'};
  }
  absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply("d" + Entry("peers", String(compact)) + "e");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->peers.size(), kMaxTrackerPeers);
}

TEST(AnnounceReplyTest, RefusesMoreValuesThanAnyReplyHas) {
  std::string body = "d5:peersl";
  for (size_t i = 0; i < kMaxTrackerReplyItems; ++i) body += "le";
  EXPECT_EQ(ParseAnnounceReply(body + "ee").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AnnounceReplyTest, RefusesWhatIsNotADictionary) {
  for (const char* body : {"", "i1e", "le", "d", "<html>not found</html>", "d5:peers99999999999:e", "d5:peers7:e"}) {
    absl::Status status = ParseAnnounceReply(body).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << body;
    EXPECT_THAT(std::string(status.message()), HasSubstr("tracker's reply")) << body;
  }
}

TEST(AnnounceReplyTest, AcceptsANewLineBehindTheReply) { EXPECT_TRUE(ParseAnnounceReply("d5:peers0:e\n").ok()); }

// libtorrent's interval tests (hazard 82).
TEST(AnnounceReplyTest, ClampsIntervals) {
  const struct {
    const char* body;
    seconds interval, min_interval;
  } cases[] = {
      {"d8:intervali1042e12:min intervali10e5:peers0:e", seconds(1042), seconds(10)},
      {"d5:peers0:e", minutes(30), seconds(0)},
      {"d8:intervali0ee", seconds(60), seconds(0)},
      {"d8:intervali-5ee", seconds(60), seconds(0)},
      {"d8:intervali2147483648ee", seconds(7200), seconds(0)},
      {"d8:intervali9223372036854775807ee", seconds(7200), seconds(0)},
      {"d8:interval3:900e", minutes(30), seconds(0)},
      {"d12:min intervali-1ee", minutes(30), seconds(0)},
      {"d8:intervali60e12:min intervali900ee", seconds(900), seconds(900)},
      {"d8:intervali60e12:min intervali999999999ee", seconds(7200), seconds(7200)},
  };
  for (const auto& c : cases) {
    absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply(c.body);
    ASSERT_TRUE(reply.ok()) << c.body << ": " << reply.status();
    EXPECT_EQ(reply->interval, c.interval) << c.body;
    EXPECT_EQ(reply->min_interval, c.min_interval) << c.body;
  }
}

TEST(AnnounceReplyTest, ReadsWhatElseATrackerSays) {
  const std::string body = "d8:completei5e11:external ip4:" + std::string("\x01\x02\x03\x04", 4) +
                           "10:incompletei3e5:peers0:10:tracker id3:a&b15:warning message12:test message" + "e";
  absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply(body);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->complete, 5);
  EXPECT_EQ(reply->incomplete, 3);
  EXPECT_EQ(reply->external_ip->ToString(), "1.2.3.4");
  EXPECT_EQ(reply->tracker_id, "a&b");
  EXPECT_EQ(reply->warning, "test message");

  reply = ParseAnnounceReply("d8:completei-5e11:external ip5:123452:xxi1ee");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_FALSE(reply->complete.has_value());
  EXPECT_FALSE(reply->external_ip.has_value());
}

TEST(AnnounceReplyTest, CleansTextsForTheTerminal) {
  absl::StatusOr<AnnounceReply> reply = ParseAnnounceReply(
      "d15:warning message9:\x1b[2Jab\xff\n\x07"
      "e");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->warning, "\xef\xbf\xbd[2Jab\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");

  absl::Status refusal = ParseAnnounceReply("d14:failure reason3:a\nbe").status();
  EXPECT_EQ(refusal.message(),
            "the tracker refuses: a\xef\xbf\xbd"
            "b");
}

TEST(AnnounceReplyTest, AFailureReasonIsARefusalWhateverElseIsThere) {
  absl::Status status = ParseAnnounceReply("d5:peers0:14:failure reason12:test messagee").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("test message"));
  EXPECT_TRUE(IsTrackerRefusal(status));
  EXPECT_FALSE(IsTrackerRefusal(absl::FailedPreconditionError("another")));
}

// BEP 31.
TEST(AnnounceReplyTest, ReadsRetryInAsMinutesOrNever) {
  const struct {
    const char* value;
    absl::optional<seconds> retry_in;
  } cases[] = {
      {"i5e", minutes(5)},     {"5:never", kNever},       {"2:10", minutes(10)}, {"i0e", absl::nullopt},
      {"i-1e", absl::nullopt}, {"4:soon", absl::nullopt}, {"le", absl::nullopt}, {"i9223372036854775807e", kMaxRetryIn},
  };
  for (const auto& c : cases) {
    absl::Status status = ParseAnnounceReply(absl::StrCat("d14:failure reason2:no8:retry in", c.value, "e")).status();
    EXPECT_TRUE(IsTrackerRefusal(status)) << c.value;
    EXPECT_EQ(RetryIn(status), c.retry_in) << c.value;
  }
  EXPECT_EQ(RetryIn(ParseAnnounceReply("d14:failure reason2:noe").status()), absl::nullopt);
  EXPECT_EQ(RetryIn(absl::OkStatus()), absl::nullopt);
}

TEST(ScrapeReplyTest, ReadsCountsByInfohash) {
  const std::string a(20, 'a');
  absl::StatusOr<ScrapeReply> reply =
      ParseScrapeReply("d5:filesd20:" + a + "d8:completei1e10:incompletei2e10:downloadedi3eeee");
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->files.size(), 1u);
  EXPECT_EQ(reply->files[0].first, Infohash::FromRaw(a));
  EXPECT_EQ(reply->files[0].second.complete, 1);
  EXPECT_EQ(reply->files[0].second.incomplete, 2);
  EXPECT_EQ(reply->files[0].second.downloaded, 3);
}

TEST(ScrapeReplyTest, LeavesOutBadEntries) {
  absl::StatusOr<ScrapeReply> reply = ParseScrapeReply(
      "d5:filesd3:abcd8:completei1ee20:aaaaaaaaaaaaaaaaaaaai1e20:bbbbbbbbbbbbbbbbbbbbd8:completei-7eeee");
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->files.size(), 1u);
  EXPECT_EQ(reply->files[0].second.complete, 0);
}

TEST(ScrapeReplyTest, RefusesRepliesWithoutFiles) {
  EXPECT_EQ(ParseScrapeReply("de").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(IsTrackerRefusal(ParseScrapeReply("d14:failure reason2:noe").status()));
}

}  // namespace
}  // namespace torrent
