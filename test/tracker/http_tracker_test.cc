#include "tracker/http_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "test/tracker/fake_tracker.h"
#include "tracker/tracker.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Names as the tests need them; everything else is an address as text.
absl::StatusOr<std::vector<Address>> Lookup(const std::string& host) {
  if (host == "both.test") return std::vector<Address>{Address::V6Loopback(), Address::V4Loopback()};
  if (host == "v4.test") return std::vector<Address>{Address::V4Loopback()};
  if (host == "metadata.test") return std::vector<Address>{*Address::Parse("169.254.169.254")};
  return absl::NotFoundError(absl::StrCat(host, ": no such name"));
}

AnnounceRequest Request() {
  AnnounceRequest request;
  request.infohash =
      Infohash::FromRaw(absl::string_view("\0\x01+ %&=~ab\xff\x80"
                                          "cdefghij",
                                          20));
  for (size_t i = 0; i < 20; ++i) request.peer_id[i] = static_cast<uint8_t>("-PW0100-abcdefghijkl"[i]);
  request.port = 6881;
  request.uploaded = 1;
  request.downloaded = 2;
  request.left = uint64_t{1} << 40;
  request.key = 0xa1b;
  return request;
}

class HttpTrackerTest : public ::testing::Test {
 protected:
  absl::StatusOr<Tracker> Make(absl::string_view url, TrackerOrigin origin = TrackerOrigin::kTorrent) {
    TrackerContext context;
    context.resolver = &resolver_;
    context.user_agent = "torrent/test";
    return Tracker::Create(url, origin, context);
  }
  HttpTracker Http(absl::string_view url) {
    TrackerContext context;
    context.resolver = &resolver_;
    return *HttpTracker::Create(*Url::Parse(url), TrackerOrigin::kUser, context);
  }
  std::string UrlOf(const FakeTracker& fake, absl::string_view rest = "/announce", absl::string_view host = "v4.test") {
    return absl::StrCat("http://", host, ":", fake.port(), rest);
  }
  absl::StatusOr<AnnounceReply> Announce(absl::string_view url) {
    absl::StatusOr<Tracker> tracker = Make(url);
    if (!tracker.ok()) return tracker.status();
    return tracker->Announce(Request(), -1);
  }

  Resolver resolver_{Lookup};
};

TEST_F(HttpTrackerTest, WritesTheAnnounceUrlByteForByte) {
  AnnounceRequest request = Request();
  EXPECT_EQ(Http("http://t.test/announce").AnnounceUrl(request).target,
            "/announce?info_hash=%00%01%2B%20%25%26%3D~ab%FF%80cdefghij"
            "&peer_id=-PW0100-abcdefghijkl&port=6881&uploaded=1&downloaded=2&left=1099511627776"
            "&compact=1&numwant=80&key=00000A1B");
  request.event = TrackerEvent::kStarted;
  request.tracker_id = "a&b";
  request.ipv6 = "2001:db8::1";
  EXPECT_THAT(Http("http://t.test/announce").AnnounceUrl(request).target,
              ::testing::EndsWith("&key=00000A1B&event=started&trackerid=a%26b&ipv6=2001%3Adb8%3A%3A1"));
  request.event = TrackerEvent::kStopped;
  EXPECT_THAT(Http("http://t.test/announce").AnnounceUrl(request).target, HasSubstr("&numwant=0&"))
      << "who goes wants no peers";
  request.event = TrackerEvent::kCompleted;
  EXPECT_THAT(Http("http://t.test/announce").AnnounceUrl(request).target, HasSubstr("&event=completed"));
}

TEST_F(HttpTrackerTest, KeepsTheTrackersOwnQuery) {
  const struct {
    const char* url;
    const char* begin;
  } cases[] = {
      {"http://t.test/announce?passkey=abc", "/announce?passkey=abc&info_hash="},
      {"http://t.test/announce?", "/announce?info_hash="},
      {"http://t.test/announce?a=1&", "/announce?a=1&info_hash="},
      {"http://t.test/abc/announce.php", "/abc/announce.php?info_hash="},
      {"http://t.test", "/?info_hash="},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Http(c.url).AnnounceUrl(Request()).target, ::testing::StartsWith(c.begin)) << c.url;
  }
}

// BEP 48's own table of conversions.
TEST_F(HttpTrackerTest, MakesTheScrapeUrlOfTheAnnounceUrl) {
  const struct {
    const char* url;
    const char* scrape;  // empty: none
  } cases[] = {
      {"http://e.test/announce", "/scrape?info_hash="},
      {"http://e.test/x/announce", "/x/scrape?info_hash="},
      {"http://e.test/announce.php", "/scrape.php?info_hash="},
      {"http://e.test/announce?x2%0644", "/scrape?x2%0644&info_hash="},
      {"http://e.test/announce?x=2/4", "/scrape?x=2/4&info_hash="},
      {"http://e.test/a", ""},
      {"http://e.test/x%064announce", ""},
      {"http://e.test/announce/", ""},
  };
  for (const auto& c : cases) {
    absl::StatusOr<Url> url = Http(c.url).ScrapeUrl({Request().infohash});
    if (*c.scrape == '\0') {
      EXPECT_EQ(url.status().code(), absl::StatusCode::kUnimplemented) << c.url;
    } else {
      ASSERT_TRUE(url.ok()) << c.url << url.status();
      EXPECT_THAT(url->target, ::testing::StartsWith(c.scrape)) << c.url;
    }
  }
}

TEST_F(HttpTrackerTest, AnnouncesAndReadsTheReply) {
  FakeTracker fake([](const FakeTracker::Request&) {
    return FakeTracker::Ok("d8:intervali900e5:peers6:" + std::string("\x7f\0\0\x01\x1a\xe1", 6) + "e");
  });
  absl::StatusOr<AnnounceReply> reply = Announce(UrlOf(fake));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->interval, std::chrono::seconds(900));
  EXPECT_THAT(reply->peers, ElementsAre(*Endpoint::Parse("127.0.0.1:6881")));
  EXPECT_THAT(reply->trackers, ElementsAre(Endpoint{Address::V4Loopback(), fake.port()}));
  ASSERT_EQ(fake.requests().size(), 1u);
  EXPECT_EQ(fake.requests()[0].target, Http("http://t.test/announce").AnnounceUrl(Request()).target);
  EXPECT_THAT(fake.requests()[0].head, HasSubstr("User-Agent: torrent/test\r\n"));
}

// BEP 7.
TEST_F(HttpTrackerTest, AnnouncesOverBothFamiliesWithOneKeyAndMergesTheReplies) {
  FakeTracker fake([](const FakeTracker::Request& request) {
    if (request.v6) {
      return FakeTracker::Ok(
          "d8:intervali1000e6:peers618:" + std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1", 18) + "e");
    }
    return FakeTracker::Ok("d8:completei7e8:intervali900e5:peers6:" + std::string("\x01\x02\x03\x04\x1a\xe1", 6) + "e");
  });
  if (!fake.has_v6()) GTEST_SKIP() << "no IPv6 here";
  absl::StatusOr<AnnounceReply> reply = Announce(UrlOf(fake, "/announce", "both.test"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(*Endpoint::Parse("1.2.3.4:6881"), *Endpoint::Parse("[2001:db8::1]:6881")));
  EXPECT_EQ(reply->complete, 7);
  EXPECT_EQ(reply->interval, std::chrono::seconds(1000));
  EXPECT_EQ(reply->trackers.size(), 2u);
  const std::vector<FakeTracker::Request> requests = fake.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_FALSE(requests[0].v6);
  EXPECT_TRUE(requests[1].v6);
  EXPECT_EQ(requests[0].target, requests[1].target);
}

TEST_F(HttpTrackerTest, OneFamilyThatAnswersIsEnough) {
  for (bool v6_answers : {false, true}) {
    FakeTracker fake([&](const FakeTracker::Request& request) {
      return request.v6 == v6_answers ? FakeTracker::Ok("d5:peers0:e") : FakeTracker::Status(500, "");
    });
    if (!fake.has_v6()) GTEST_SKIP() << "no IPv6 here";
    absl::StatusOr<AnnounceReply> reply = Announce(UrlOf(fake, "/announce", "both.test"));
    EXPECT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(fake.requests().size(), 2u) << "the other one was asked, and failed";
  }
}

TEST_F(HttpTrackerTest, ASecondFamilyThatHangsDoesNotKeepTheFirstOnesPeers) {
  FakeTracker fake([](const FakeTracker::Request& request) {
    return request.v6 ? FakeTracker::kHang : FakeTracker::Ok("d5:peers0:e");
  });
  if (!fake.has_v6()) GTEST_SKIP() << "no IPv6 here";
  const TimePoint start = Now();
  absl::StatusOr<AnnounceReply> reply = Announce(UrlOf(fake, "/announce", "both.test"));
  EXPECT_TRUE(reply.ok()) << reply.status();
  EXPECT_LT(Now() - start, 5 * kSecondFamilyPatience);
  EXPECT_TRUE(fake.WaitForHangUps(1));
}

TEST_F(HttpTrackerTest, ARefusalTellsMoreThanTheOtherFamilysSilence) {
  FakeTracker fake([](const FakeTracker::Request& request) {
    return request.v6 ? FakeTracker::Ok("d14:failure reason6:banned8:retry in5:nevere") : FakeTracker::Status(502, "");
  });
  if (!fake.has_v6()) GTEST_SKIP() << "no IPv6 here";
  absl::Status status = Announce(UrlOf(fake, "/announce", "both.test")).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("banned"));
  EXPECT_EQ(RetryIn(status), kNever);
}

TEST_F(HttpTrackerTest, ARefusalIsReadFromAnErrorsBodyToo) {
  FakeTracker fake([](const FakeTracker::Request&) {
    return FakeTracker::Status(403, "d14:failure reason20:unregistered torrent8:retry ini5ee");
  });
  absl::Status status = Announce(UrlOf(fake)).status();
  EXPECT_TRUE(IsTrackerRefusal(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("unregistered torrent"));
  EXPECT_EQ(RetryIn(status), std::chrono::minutes(5));
}

TEST_F(HttpTrackerTest, ErrorsNameTheTrackerAndWhatItDid) {
  const struct {
    std::string answer;
    absl::StatusCode code;
    const char* text;
  } cases[] = {
      {FakeTracker::Status(404, "gone"), absl::StatusCode::kUnavailable, "HTTP status 404"},
      {FakeTracker::Status(500, "d5:peers0:e"), absl::StatusCode::kUnavailable, "HTTP status 500"},
      {FakeTracker::Ok("<html>"), absl::StatusCode::kInvalidArgument, "tracker's reply"},
      {FakeTracker::Ok(""), absl::StatusCode::kInvalidArgument, "tracker's reply"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nd5:peers0:e", absl::StatusCode::kInvalidArgument, ""},
      {"", absl::StatusCode::kUnavailable, ""},
  };
  for (const auto& c : cases) {
    FakeTracker fake([&](const FakeTracker::Request&) { return c.answer; });
    absl::Status status = Announce(UrlOf(fake)).status();
    EXPECT_EQ(status.code(), c.code) << c.answer << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.text)) << c.answer;
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(absl::StrCat("http://v4.test:", fake.port())));
    EXPECT_EQ(fake.bytes_sent(), c.answer.size()) << "the fault was delivered";
  }
}

TEST_F(HttpTrackerTest, ABodyOverOneMebibyteIsRefused) {
  FakeTracker fake(
      [](const FakeTracker::Request&) { return FakeTracker::Ok(std::string(kMaxTrackerBodyBytes + 1, 'x')); });
  EXPECT_EQ(Announce(UrlOf(fake)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fake.requests().size(), 1u);
}

TEST_F(HttpTrackerTest, AHungAnnounceIsCancelledAtOnce) {
  FakeTracker fake([](const FakeTracker::Request&) { return FakeTracker::kHang; });
  Wakeup cancel = *Wakeup::Create();
  absl::StatusOr<Tracker> tracker = Make(UrlOf(fake));
  ASSERT_TRUE(tracker.ok());
  absl::Status status;
  Thread thread = *Thread::Start("announce", [&] { status = tracker->Announce(Request(), cancel.fd()).status(); });
  EXPECT_TRUE(fake.WaitForRequests(1));
  const TimePoint start = Now();
  cancel.Notify();
  thread.Join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_LT(Now() - start, std::chrono::seconds(5));
  EXPECT_TRUE(fake.WaitForHangUps(1));
}

// design rule "Addresses": a tracker on loopback may name any address, but never link-local ones and port 0.
TEST_F(HttpTrackerTest, PeersThatMayNotBeNamedAreSkipped) {
  FakeTracker fake([](const FakeTracker::Request&) {
    return FakeTracker::Ok("d5:peers18:" +
                           std::string("\xa9\xfe\xa9\xfe\x1a\xe1"
                                       "\x01\x02\x03\x04\x1a\xe1"
                                       "\xe0\0\0\x01\x1a\xe1",
                                       18) +
                           "e");
  });
  absl::StatusOr<AnnounceReply> reply = Announce(UrlOf(fake));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(*Endpoint::Parse("1.2.3.4:6881")));
  EXPECT_EQ(reply->skipped_peers, 2u);
}

// libtorrent's ssrf tests (hazard 69): a .torrent must not lead to other services of this machine.
TEST_F(HttpTrackerTest, TrackersOfATorrentOnLoopbackHaveAnAnnouncePath) {
  FakeTracker fake([](const FakeTracker::Request&) { return FakeTracker::Ok("d5:peers0:e"); });
  for (const char* path : {"/", "/admin", "/x/announce", "/?/announce", "/api/announce"}) {
    EXPECT_EQ(Announce(UrlOf(fake, path)).status().code(), absl::StatusCode::kPermissionDenied) << path;
  }
  EXPECT_TRUE(fake.requests().empty()) << "nothing was sent";
  EXPECT_TRUE(Announce(UrlOf(fake, "/announce.php?x=1")).ok());
  // What the user typed is exempt.
  absl::StatusOr<Tracker> typed = Make(UrlOf(fake, "/admin"), TrackerOrigin::kUser);
  ASSERT_TRUE(typed.ok());
  EXPECT_TRUE(typed->Announce(Request(), -1).ok());
  EXPECT_EQ(fake.requests().size(), 2u);
}

TEST_F(HttpTrackerTest, ATorrentDoesNotLeadToLinkLocalAddresses) {
  EXPECT_EQ(Announce("http://metadata.test/announce").status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Announce("http://169.254.169.254/announce").status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(HttpTrackerTest, ATorrentBringsNoAnnounceArgumentsOfItsOwn) {
  for (const char* query : {"info_hash=x", "PEER_ID=x", "a=1&port=2", "event=stopped", "key=", "left=0"}) {
    const std::string url = absl::StrCat("http://v4.test/announce?", query);
    EXPECT_EQ(Make(url).status().code(), absl::StatusCode::kPermissionDenied) << url;
    EXPECT_TRUE(Make(url, TrackerOrigin::kUser).ok()) << url;
  }
}

TEST_F(HttpTrackerTest, OtherSchemesAreUnimplementedAndOtherTextsInvalid) {
  absl::Status udp = Make("udp://tracker.test:80/announce?k=secret").status();
  EXPECT_EQ(udp.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(udp.message()), HasSubstr("udp://tracker.test:80/announce"));
  for (const char* url : {"", "tracker", "http://", "ftp://t.test/announce", "http://t.test:99999/announce"}) {
    EXPECT_EQ(Make(url).status().code(), absl::StatusCode::kInvalidArgument) << url;
  }
}

TEST_F(HttpTrackerTest, ScrapesWithTheRawInfohash) {
  FakeTracker fake([](const FakeTracker::Request&) {
    return FakeTracker::Ok("d5:filesd20:" + std::string(Request().infohash.Raw()) +
                           "d8:completei1e10:downloadedi3e10:incompletei2eeee");
  });
  absl::StatusOr<ScrapeReply> reply = Make(UrlOf(fake, "/announce?passkey=abcdefgh"))->Scrape({Request().infohash}, -1);
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->files.size(), 1u);
  EXPECT_EQ(reply->files[0].first, Request().infohash);
  EXPECT_EQ(reply->files[0].second.downloaded, 3);
  ASSERT_EQ(fake.requests().size(), 1u);
  EXPECT_EQ(fake.requests()[0].target, "/scrape?passkey=abcdefgh&info_hash=%00%01%2B%20%25%26%3D~ab%FF%80cdefghij");
}

// CVE-2019-3500 (hazard 34): what identifies the user to the tracker is in no message.
TEST_F(HttpTrackerTest, PasskeysAndUserinfoReachNoMessage) {
  const std::string answers[] = {
      FakeTracker::Status(404, ""),
      FakeTracker::Ok("rubbish"),
      "HTTP/9.9 nonsense\r\n\r\n",
      FakeTracker::Ok("d14:failure reason47:unknown passkey PATHKEY0123456789abcdef QUERYKEYe"),
      FakeTracker::Status(302, "", "Location: ftp://x.test/?QUERYKEY\r\n"),
      FakeTracker::Status(302, "", "Location: http://nowhere.test/announce?QUERYKEY\r\n"),
      FakeTracker::Ok("d5:peers0:15:warning message17:QUERYKEY is old. e"),
      "",
  };
  for (const std::string& answer : answers) {
    FakeTracker fake([&](const FakeTracker::Request&) { return answer; });
    const std::string url =
        absl::StrCat("http://USERNAME:PASSWORD@v4.test:", fake.port(), "/announce/PATHKEY0123456789abcdef?k=QUERYKEY");
    absl::StatusOr<Tracker> tracker = Make(url);
    ASSERT_TRUE(tracker.ok()) << tracker.status();
    absl::StatusOr<AnnounceReply> reply = tracker->Announce(Request(), -1);
    ASSERT_EQ(fake.requests().size(), 1u) << answer;
    EXPECT_THAT(fake.requests()[0].target, HasSubstr("QUERYKEY")) << "the tracker itself gets it";
    const std::string shown =
        absl::StrCat(reply.status().ToString(), reply.ok() ? reply->warning : "", tracker->SafeUrl());
    for (const char* secret : {"USERNAME", "PASSWORD", "PATHKEY0123456789abcdef", "QUERYKEY"}) {
      EXPECT_THAT(shown, Not(HasSubstr(secret))) << answer;
    }
  }
  for (const char* bad :
       {"http://USERNAME:PASSWORD@/announce", "http://USERNAME:PASSWORD@v4.test:99999/?k=QUERYKEY",
        "udp://USERNAME:PASSWORD@v4.test:1/?k=QUERYKEY", "http://USERNAME:PASSWORD@v4.test/announce?event=QUERYKEY"}) {
    const std::string shown = Make(bad).status().ToString();
    for (const char* secret : {"USERNAME", "PASSWORD", "QUERYKEY"}) EXPECT_THAT(shown, Not(HasSubstr(secret))) << bad;
  }
}

TEST_F(HttpTrackerTest, ANameThatDoesNotExistIsTheTrackersError) {
  absl::Status status = Announce("http://nowhere.test/announce?k=QUERYKEY").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nowhere.test"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("QUERYKEY")));
}

TEST_F(HttpTrackerTest, FollowsARedirectAndKnowsWhoAnswered) {
  FakeTracker target([](const FakeTracker::Request&) { return FakeTracker::Ok("d5:peers0:e"); });
  FakeTracker fake([&](const FakeTracker::Request& request) {
    return FakeTracker::Status(302, "",
                               absl::StrCat("Location: http://v4.test:", target.port(), request.target, "\r\n"));
  });
  absl::StatusOr<AnnounceReply> reply = Announce(UrlOf(fake));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->trackers, ElementsAre(Endpoint{Address::V4Loopback(), target.port()}));
  EXPECT_EQ(fake.requests().size(), 1u);
  EXPECT_EQ(target.requests().size(), 1u);
}

}  // namespace
}  // namespace torrent
