#include "tracker/udp_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/udp_port.h"
#include "test/support/fake_udp_tracker.h"
#include "tracker/tracker.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Fake = test::FakeUdpTracker;

// Names as the tests need them; everything else is an address as text.
absl::StatusOr<std::vector<Address>> UdpLookup(const std::string& host) {
  if (host == "both.test") return std::vector<Address>{Address::V6Loopback(), Address::V4Loopback()};
  if (host == "v4.test") return std::vector<Address>{Address::V4Loopback()};
  if (host == "two.test") return std::vector<Address>{*Address::Parse("127.0.0.9"), Address::V4Loopback()};
  if (host == "metadata.test") return std::vector<Address>{*Address::Parse("169.254.169.254")};
  return absl::NotFoundError(absl::StrCat(host, ": no such name"));
}

AnnounceRequest UdpRequest() {
  AnnounceRequest request;
  request.infohash = Infohash::FromRaw(std::string(20, '\xaa'));
  request.port = 6881;
  request.event = TrackerEvent::kStarted;
  return request;
}

class UdpTrackerTest : public ::testing::Test {
 protected:
  // Nothing is lost on loopback but what a test loses, and where it loses nothing nothing should be repeated.
  UdpTrackerTest() { Use({std::chrono::seconds(20), std::chrono::seconds(40), kUdpTrackerConnectionLife}); }

  void Use(const UdpTrackerTimes& times, const BindOptions& bind = BindOptions()) {
    udp_.reset();
    port_ = *UdpPort::Open(0, bind);
    udp_ = std::make_unique<UdpTransactions>(port_.get(), times);
  }
  absl::StatusOr<Tracker> Make(absl::string_view url, TrackerOrigin origin = TrackerOrigin::kTorrent) {
    TrackerContext context;
    context.resolver = &resolver_;
    context.udp = udp_.get();
    return Tracker::Create(url, origin, context);
  }
  absl::StatusOr<AnnounceReply> Announce(absl::string_view url, int cancel_fd = -1) {
    absl::StatusOr<Tracker> tracker = Make(url);
    if (!tracker.ok()) return tracker.status();
    return tracker->Announce(UdpRequest(), cancel_fd);
  }
  static std::vector<uint32_t> ActionsOf(const Fake& fake) {
    std::vector<uint32_t> actions;
    for (const Fake::Request& request : fake.requests()) actions.push_back(request.action());
    return actions;
  }

  const Endpoint peer_ = *Endpoint::Parse("1.2.3.4:6881");
  Resolver resolver_{UdpLookup};
  std::unique_ptr<UdpPort> port_;
  std::unique_ptr<UdpTransactions> udp_;
};

TEST_F(UdpTrackerTest, ConnectsThenAnnounces) {
  Fake fake(Fake::Naming({peer_}));
  absl::StatusOr<AnnounceReply> reply = Announce(fake.url("/announce?k=1"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(peer_));
  EXPECT_EQ(reply->interval, std::chrono::seconds(1800));
  EXPECT_EQ(reply->complete, 5);
  EXPECT_EQ(reply->incomplete, 3);
  EXPECT_THAT(reply->trackers, ElementsAre(Endpoint{Address::V4Loopback(), fake.port()}));
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 1));
  EXPECT_EQ(fake.requests()[0].bytes.size(), 16u);
  EXPECT_EQ(fake.requests()[1].connection_id(), Fake::kConnectionId);
  EXPECT_EQ(fake.requests()[1].bytes.substr(98), std::string("\x02\x0d/announce?k=1\0", 16));
  EXPECT_EQ(fake.requests()[1].from, (Endpoint{Address::V4Loopback(), port_->port()}));
  EXPECT_NE(fake.requests()[0].transaction_id(), fake.requests()[1].transaction_id());
}

TEST_F(UdpTrackerTest, AConnectionIdServesAllAnnouncesOfItsLife) {
  Fake fake(Fake::Naming({peer_}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Announce(fake.url()).ok());
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 1, 1, 1));
  // Another tracker on the same machine has its own.
  Fake other(Fake::Naming({peer_}));
  ASSERT_TRUE(Announce(other.url()).ok());
  EXPECT_THAT(ActionsOf(other), ElementsAre(0, 1));
}

TEST_F(UdpTrackerTest, AnIdThatHasExpiredIsAskedForAnew) {
  constexpr milliseconds kLife(200);
  Use({std::chrono::seconds(20), std::chrono::seconds(40), kLife});
  Fake fake(Fake::Naming({peer_}));
  const TimePoint begin = Now(), deadline = begin + std::chrono::seconds(20);
  ASSERT_TRUE(Announce(fake.url()).ok());
  const auto connects = [&] {
    const std::vector<uint32_t> actions = ActionsOf(fake);
    return std::count(actions.begin(), actions.end(), 0u);
  };
  const auto before = connects();
  while (connects() == before && Now() < deadline) ASSERT_TRUE(Announce(fake.url()).ok());
  EXPECT_GT(connects(), before);
  EXPECT_GE(Now() - begin, kLife);
  const std::vector<uint32_t> actions = ActionsOf(fake);
  EXPECT_EQ(actions.back(), 1u);
}

TEST_F(UdpTrackerTest, LostDatagramsAreSentAgainWithOtherTransactionIds) {
  Use({milliseconds(50), std::chrono::seconds(40), kUdpTrackerConnectionLife});
  Fake fake([this](const Fake::Request& request, size_t n) -> std::vector<std::string> {
    if (n == 0 || n == 2) return {};  // the first connect and the first announce
    return {request.action() == 0 ? request.Connected(n) : request.Announced({peer_})};
  });
  absl::StatusOr<AnnounceReply> reply = Announce(fake.url());
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(peer_));
  // An id that was not answered is not trusted any further.
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 0, 1, 0, 1));
  EXPECT_EQ(fake.requests()[4].connection_id(), 3u);
  std::set<std::string> ids;
  for (const Fake::Request& request : fake.requests()) ids.insert(request.transaction_id());
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(UdpTrackerTest, AReplyThatComesAfterTheRepetitionCountsAsWell) {
  Use({milliseconds(50), std::chrono::seconds(40), kUdpTrackerConnectionLife});
  std::string late;
  Fake fake([&](const Fake::Request& request, size_t n) -> std::vector<std::string> {
    if (n == 0) late = request.Connected();
    if (n < 2) return {};
    if (n == 2) return {late};
    return {request.Announced({peer_})};
  });
  ASSERT_TRUE(Announce(fake.url()).ok());
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 0, 0, 1));
}

TEST_F(UdpTrackerTest, WaitsTwiceAsLongAfterEachTry) {
  Use({milliseconds(100), milliseconds(1000), kUdpTrackerConnectionLife});
  Fake fake([](const Fake::Request&, size_t) { return std::vector<std::string>(); });
  const TimePoint begin = Now();
  const absl::Status status = Announce(fake.url()).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(fake.url()));
  EXPECT_GE(Now() - begin, milliseconds(1000));
  EXPECT_THAT(fake.requests().size(),
              ::testing::AllOf(::testing::Ge(3u), ::testing::Le(4u)));  // at 0, 100, 300, 700 ms
}

// hazard 83
TEST_F(UdpTrackerTest, IgnoresWhatIsNoReplyToIt) {
  std::unique_ptr<UdpPort> stranger = *UdpPort::Open(0, BindOptions());
  const Endpoint us{Address::V4Loopback(), port_->port()};
  const Endpoint wrong = *Endpoint::Parse("6.6.6.6:6666");
  Fake fake([&](const Fake::Request& request, size_t) -> std::vector<std::string> {
    const std::string good = request.action() == 0 ? request.Connected() : request.Announced({peer_});
    const std::string bad = request.action() == 0 ? request.Connected(666) : request.Announced({wrong});
    std::string other_id = bad;
    other_id[5] ^= 1;
    std::string other_action = bad;
    other_action[3] ^= 1;
    other_action.resize(40, '\0');
    std::string no_action = bad;
    no_action[0] = '\1';
    EXPECT_TRUE(stranger->Send(us, bad).ok());
    const size_t least = request.action() == 0 ? 16 : 20;
    std::vector<std::string> replies = {other_id, other_action, no_action, "", "d1:e", std::string(1000, '\xff')};
    for (size_t size = 1; size < least; ++size) replies.push_back(bad.substr(0, size));
    replies.push_back(good);
    replies.push_back(bad);  // the first counts
    return replies;
  });
  absl::StatusOr<AnnounceReply> reply = Announce(fake.url());
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(peer_));
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 1));
  EXPECT_EQ(fake.requests()[1].connection_id(), Fake::kConnectionId);
}

TEST_F(UdpTrackerTest, AnErrorIsTheTrackersNo) {
  Fake fake([](const Fake::Request& request, size_t) -> std::vector<std::string> {
    return {request.action() == 0 ? request.Connected() : request.Refused("bad\x1b[31m QUERYKEY")};
  });
  const absl::Status status = Announce(fake.url("/announce?k=QUERYKEY")).status();
  EXPECT_TRUE(IsTrackerRefusal(status)) << status;
  EXPECT_FALSE(RetryIn(status).has_value());
  EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(fake.url() + ": the tracker refuses: bad"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("QUERYKEY")));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\x1b")));
  // An error in place of a connection is one, too; nothing is asked again.
  Fake closed([](const Fake::Request& request, size_t) -> std::vector<std::string> { return {request.Refused("")}; });
  EXPECT_TRUE(IsTrackerRefusal(Announce(closed.url()).status()));
  EXPECT_THAT(ActionsOf(closed), ElementsAre(0));
}

TEST_F(UdpTrackerTest, ATrackerThatForgotItsIdsIsConnectedToAgain) {
  uint64_t id = 1;
  Fake fake([&](const Fake::Request& request, size_t) -> std::vector<std::string> {
    if (request.action() == 0) return {request.Connected(id)};
    if (request.connection_id() != id) return {request.Refused("Connection ID mismatch")};
    std::vector<std::string> replies = {request.Announced({peer_})};
    id = 2;
    return replies;
  });
  ASSERT_TRUE(Announce(fake.url()).ok());
  const absl::StatusOr<AnnounceReply> reply = Announce(fake.url());
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 1, 1, 0, 1));
}

TEST_F(UdpTrackerTest, AnnouncesOverBothFamiliesAndMerges) {
  const Endpoint v6_peer = *Endpoint::Parse("[2001:db8::1]:6881");
  Fake fake([&](const Fake::Request& request, size_t) -> std::vector<std::string> {
    if (request.action() == 0) return {request.Connected(request.v6 ? 6 : 4)};
    EXPECT_EQ(request.connection_id(), request.v6 ? 6u : 4u);
    return {request.v6 ? request.Announced({v6_peer}, 3600) : request.Announced({peer_}, 1800)};
  });
  if (!fake.has_v6()) GTEST_SKIP() << "no IPv6 here";
  absl::StatusOr<AnnounceReply> reply = Announce(fake.url("/announce", "both.test"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(peer_, v6_peer));
  EXPECT_EQ(reply->interval, std::chrono::seconds(3600));
  EXPECT_THAT(reply->trackers,
              ElementsAre(Endpoint{Address::V4Loopback(), fake.port()}, Endpoint{Address::V6Loopback(), fake.port()}));
  reply = Announce(fake.url("/announce", "[::1]"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->peers, ElementsAre(v6_peer));
}

TEST_F(UdpTrackerTest, ADeadFamilyCostsTheOtherLittle) {
  Use({milliseconds(50), std::chrono::seconds(1), kUdpTrackerConnectionLife});
  for (const bool dead_v6 : {true, false}) {
    Fake fake([&](const Fake::Request& request, size_t) -> std::vector<std::string> {
      if (request.v6 == dead_v6) return {};
      return {request.action() == 0 ? request.Connected() : request.Announced({})};
    });
    if (!fake.has_v6()) GTEST_SKIP() << "no IPv6 here";
    const absl::StatusOr<AnnounceReply> reply = Announce(fake.url("/announce", "both.test"));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->trackers.size(), 1u);
  }
}

TEST_F(UdpTrackerTest, TriesTheOtherAddressesOfItsName) {
  Use({milliseconds(50), std::chrono::seconds(40), kUdpTrackerConnectionLife});
  // It stands at all addresses, and answers from 127.0.0.1 what came to 127.0.0.9: another source is no reply.
  Fake fake(Fake::Naming({peer_}));
  const absl::StatusOr<AnnounceReply> reply = Announce(fake.url("/announce", "two.test"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->trackers, ElementsAre(Endpoint{Address::V4Loopback(), fake.port()}));
}

TEST_F(UdpTrackerTest, PeersThatMayNotBeNamedAreSkippedAndTheirNumberIsBounded) {
  std::vector<Endpoint> peers = {*Endpoint::Parse("169.254.169.254:1"), *Endpoint::Parse("224.0.0.1:1")};
  for (uint32_t i = 0; i < 10'000; ++i) {
    peers.push_back({*Address::Parse(absl::StrCat("1.0.", i / 256, ".", i % 256)), 6881});
  }
  Fake fake(Fake::Naming(peers));
  const absl::StatusOr<AnnounceReply> reply = Announce(fake.url());
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->peers.size(), kMaxTrackerPeers - 2);
  EXPECT_EQ(reply->skipped_peers, 2u);
}

// hazard 69, as for HTTP.
TEST_F(UdpTrackerTest, TrackersOfATorrentMayNotLeadToServicesOfThisMachine) {
  Fake fake(Fake::Naming({peer_}));
  for (const char* path : {"", "/", "/admin", "/x/announce", "/?/announce"}) {
    const absl::Status status = Announce(fake.url(path)).status();
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << path << status;
  }
  EXPECT_TRUE(absl::IsPermissionDenied(Announce("udp://metadata.test:80/announce").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Announce("udp://xn--example.com:80/announce").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Announce(fake.url("/announce?info_hash=x")).status()));
  EXPECT_THAT(fake.requests(), IsEmpty()) << "nothing was sent";
  // What the user typed is exempt.
  const absl::StatusOr<Tracker> typed = Make(fake.url(""), TrackerOrigin::kUser);
  ASSERT_TRUE(typed.ok());
  EXPECT_TRUE(typed->Announce(UdpRequest(), -1).ok());
}

TEST_F(UdpTrackerTest, WhatCannotBeAskedSaysSo) {
  const absl::Status no_port = Make("udp://USERNAME:PASSWORD@t.test/announce?k=QUERYKEY").status();
  EXPECT_TRUE(absl::IsInvalidArgument(no_port)) << no_port;
  EXPECT_THAT(std::string(no_port.message()), HasSubstr("udp://t.test/announce"));
  EXPECT_THAT(std::string(no_port.message()), Not(::testing::AnyOf(HasSubstr("QUERYKEY"), HasSubstr("PASSWORD"))));
  EXPECT_TRUE(absl::IsInvalidArgument(Make("udp://t.test:0/announce").status()));
  EXPECT_TRUE(absl::IsNotFound(Announce("udp://nowhere.test:1/announce").status()));
  // A run without UDP.
  TrackerContext context;
  context.resolver = &resolver_;
  const absl::Status unspoken = Tracker::Create("udp://t.test:1/a?k=QUERYKEY", TrackerOrigin::kUser, context).status();
  EXPECT_TRUE(absl::IsUnimplemented(unspoken)) << unspoken;
  EXPECT_THAT(std::string(unspoken.message()), ::testing::StartsWith("udp://t.test:1/a: "));
  // A family that our port does not have.
  Use({}, *BindOptions::Parse("127.0.0.1"));
  EXPECT_TRUE(absl::IsUnavailable(Announce("udp://[::1]:1/announce").status()));
}

TEST_F(UdpTrackerTest, IsCancelledAtOnceWhileItHangs) {
  Fake fake([](const Fake::Request&, size_t) { return std::vector<std::string>(); });
  Wakeup cancel = *Wakeup::Create();
  absl::Status status;
  Thread thread = *Thread::Start("announce", [&] { status = Announce(fake.url(), cancel.fd()).status(); });
  EXPECT_TRUE(fake.WaitForRequests(1));
  const TimePoint begin = Now();
  cancel.Notify();
  thread.Join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_LT(Now() - begin, std::chrono::seconds(5));
}

TEST_F(UdpTrackerTest, ManyAnnouncesAtOnceGetTheirOwnReplies) {
  // Each is answered with a peer whose port is its own key.
  Fake fake([](const Fake::Request& request, size_t) -> std::vector<std::string> {
    if (request.action() == 0) return {request.Connected()};
    return {request.Announced({{*Address::Parse("1.2.3.4"), LoadBE16(&request.bytes[90])}})};
  });
  const Tracker tracker = *Make(fake.url());
  constexpr uint32_t kThreads = 16;
  std::vector<absl::StatusOr<AnnounceReply>> replies(kThreads, absl::UnknownError(""));
  std::vector<Thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.push_back(*Thread::Start("announce", [&, i] {
      AnnounceRequest request = UdpRequest();
      request.key = i + 1;
      replies[i] = tracker.Announce(request, -1);
    }));
  }
  threads.clear();
  for (uint32_t i = 0; i < kThreads; ++i) {
    ASSERT_TRUE(replies[i].ok()) << replies[i].status();
    EXPECT_THAT(replies[i]->peers, ElementsAre(Endpoint{*Address::Parse("1.2.3.4"), static_cast<uint16_t>(i + 1)}));
  }
}

TEST_F(UdpTrackerTest, ScrapesAtMost74InADatagram) {
  Fake fake([](const Fake::Request& request, size_t) -> std::vector<std::string> {
    if (request.action() == 0) return {request.Connected()};
    std::string reply = request.Head(2);
    for (size_t at = 16; at + 20 <= request.bytes.size(); at += 20) {
      for (uint32_t number : {LoadBE32(&request.bytes[at]), 2u, 3u}) AppendBE32(&reply, number);
    }
    return {reply};
  });
  std::vector<Infohash> infohashes;
  for (uint32_t i = 0; i < 100; ++i) {
    std::string raw;
    AppendBE32(&raw, i);
    infohashes.push_back(Infohash::FromRaw(raw + std::string(16, 'x')));
  }
  const absl::StatusOr<ScrapeReply> reply = Make(fake.url())->Scrape(infohashes, -1);
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->files.size(), 100u);
  for (uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(reply->files[i].first, infohashes[i]);
    EXPECT_EQ(reply->files[i].second.complete, i);
    EXPECT_EQ(reply->files[i].second.downloaded, 2);
    EXPECT_EQ(reply->files[i].second.incomplete, 3);
  }
  EXPECT_THAT(ActionsOf(fake), ElementsAre(0, 2, 2));
  EXPECT_EQ(fake.requests()[1].bytes.size(), 16u + 74 * 20);
}

}  // namespace
}  // namespace torrent
