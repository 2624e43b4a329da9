#include "tracker_server/tracker_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/thread.h"
#include "net/connect.h"
#include "net/tcp_stream.h"
#include "net/wait.h"
#include "tracker/tracker.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::seconds kPatience{20};

AnnounceRequest Request(char name, uint64_t left, TrackerEvent event = TrackerEvent::kStarted) {
  AnnounceRequest request;
  request.infohash =
      Infohash::FromRaw(absl::string_view("\0\x01+ %&=~ab\xff\x80"
                                          "cdefghij",
                                          20));
  request.peer_id.fill(static_cast<uint8_t>(name));
  request.port = static_cast<uint16_t>(1000 + name);
  request.left = left;
  request.event = event;
  request.key = static_cast<uint32_t>(name);
  return request;
}

class TrackerServerTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(kServedRequestTimeout); }
  void Restart(std::chrono::milliseconds request_timeout) {
    TrackerServerOptions options;
    options.port = 0;
    options.request_timeout = request_timeout;
    server_ = *TrackerServer::Start(options);
  }

  Tracker Client(absl::string_view host, absl::string_view path = "/announce") {
    TrackerContext context;
    context.resolver = &resolver_;
    return *Tracker::Create(absl::StrCat("http://", host, ":", server_->port(), path), TrackerOrigin::kTorrent,
                            context);
  }
  std::vector<std::string> Announce(const Tracker& tracker, const AnnounceRequest& request) {
    absl::StatusOr<AnnounceReply> reply = tracker.Announce(request, -1);
    EXPECT_TRUE(reply.ok()) << reply.status();
    std::vector<std::string> names;
    if (reply.ok()) {
      for (const Endpoint& peer : reply->peers) names.push_back(peer.ToString());
    }
    return names;
  }

  std::unique_ptr<TcpStream> Connect() {
    const Endpoint endpoint{Address::V4Loopback(), server_->port()};
    absl::StatusOr<UniqueFd> fd = torrent::Connect(endpoint, BindOptions(), Now() + kPatience, -1);
    EXPECT_TRUE(fd.ok()) << fd.status();
    return std::make_unique<TcpStream>(*std::move(fd), endpoint);
  }
  // Sends what the server takes.
  static void Send(Stream* stream, absl::string_view bytes) {
    absl::Span<const uint8_t> rest = AsBytes(bytes);
    while (!rest.empty()) {
      const IoResult result = stream->TryWrite(rest);
      if (result.has_bytes()) {
        rest.remove_prefix(result.bytes());
      } else if (!result.would_block() || !WaitFor(stream->fd(), POLLOUT, Now() + kPatience, -1, "send").ok()) {
        return;
      }
    }
  }
  // All until the server closes.
  static std::string ReceiveAll(Stream* stream) {
    std::string all;
    std::array<uint8_t, 4096> buffer;
    while (true) {
      const IoResult result = stream->TryRead(absl::MakeSpan(buffer));
      if (result.has_bytes()) {
        const absl::string_view bytes = AsText(absl::MakeConstSpan(buffer).first(result.bytes()));
        all.append(bytes.data(), bytes.size());
      } else if (!result.would_block() || !WaitFor(stream->fd(), POLLIN, Now() + kPatience, -1, "receive").ok()) {
        return all;
      }
    }
  }
  std::string Ask(absl::string_view request) {
    std::unique_ptr<TcpStream> stream = Connect();
    Send(stream.get(), request);
    return ReceiveAll(stream.get());
  }

  Resolver resolver_{[](const std::string&) -> absl::StatusOr<std::vector<Address>> {
    return std::vector<Address>{Address::V4Loopback(), Address::V6Loopback()};
  }};
  std::unique_ptr<TrackerServer> server_;
};

TEST_F(TrackerServerTest, OurClientsFindEachOtherThroughIt) {
  const Tracker tracker = Client("127.0.0.1");
  EXPECT_THAT(Announce(tracker, Request('a', 0)), IsEmpty());
  EXPECT_THAT(Announce(tracker, Request('b', 5)), ElementsAre("127.0.0.1:1097"));
  EXPECT_THAT(Announce(tracker, Request('c', 5)), UnorderedElementsAre("127.0.0.1:1097", "127.0.0.1:1098"));
  EXPECT_THAT(Announce(tracker, Request('b', 0, TrackerEvent::kCompleted)), ElementsAre("127.0.0.1:1099"));

  absl::StatusOr<ScrapeReply> scrape = tracker.Scrape({Request('a', 0).infohash, Infohash()}, -1);
  ASSERT_TRUE(scrape.ok()) << scrape.status();
  ASSERT_EQ(scrape->files.size(), 2u);
  EXPECT_EQ(scrape->files[1].first, Request('a', 0).infohash);
  EXPECT_EQ(scrape->files[1].second.complete, 2);
  EXPECT_EQ(scrape->files[1].second.downloaded, 1);
  EXPECT_EQ(scrape->files[1].second.incomplete, 1);

  EXPECT_THAT(Announce(tracker, Request('c', 5, TrackerEvent::kStopped)), IsEmpty());
  EXPECT_THAT(Announce(tracker, Request('a', 0, TrackerEvent::kNone)), IsEmpty());
  EXPECT_EQ(server_->requests(), 7u);
}

TEST_F(TrackerServerTest, BothFamiliesMeet) {
  const Tracker v6 = Client("[::1]");
  absl::StatusOr<AnnounceReply> first = v6.Announce(Request('a', 0), -1);
  if (!first.ok()) GTEST_SKIP() << "no IPv6 here: " << first.status();
  EXPECT_EQ(first->external_ip, Address::V6Loopback());
  EXPECT_THAT(Announce(Client("127.0.0.1"), Request('b', 5)), ElementsAre("[::1]:1097"));
  EXPECT_THAT(Announce(v6, Request('c', 5)), UnorderedElementsAre("[::1]:1097", "127.0.0.1:1098"));
  // A client of both families is one peer.
  EXPECT_EQ(Announce(Client("localhost"), Request('d', 5)).size(), 3u);
  absl::StatusOr<ScrapeReply> scrape = v6.Scrape({Request('a', 0).infohash}, -1);
  ASSERT_TRUE(scrape.ok()) << scrape.status();
  EXPECT_EQ(scrape->files[0].second.incomplete, 3);
}

TEST_F(TrackerServerTest, BadAnnouncesGetAReason) {
  const std::string answer = Ask("GET /announce?info_hash=short&peer_id=x&port=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, ::testing::EndsWith("d14:failure reason29:info_hash has 5 bytes, not 20e"));
}

TEST_F(TrackerServerTest, OtherPathsAreNotFound) {
  for (const char* path : {"/", "/announce/x", "/..", "/etc/passwd", "/%2e%2e/announce", "/Announce"}) {
    EXPECT_THAT(Ask(absl::StrCat("GET ", path, " HTTP/1.1\r\n\r\n")), StartsWith("HTTP/1.1 404 ")) << path;
  }
}

TEST_F(TrackerServerTest, ForwardingHeadersAreNotBelieved) {
  const std::string query = "peer_id=cccccccccccccccccccc&info_hash=dddddddddddddddddddd&port=1&compact=0";
  Ask(absl::StrCat("GET /announce?", query,
                   "&ip=6.6.6.6 HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\nREMOTE_ADDR: 6.6.6.6\r\n\r\n"));
  const std::string answer = Ask(
      "GET /announce?peer_id=eeeeeeeeeeeeeeeeeeee&info_hash=dddddddddddddddddddd&port=2&compact=0 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("2:ip9:127.0.0.1"));
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("6.6.6.6")));
}

TEST_F(TrackerServerTest, BodiesAreRefusedBeforeTheyAreRead) {
  EXPECT_THAT(Ask("POST /announce HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask("GET /announce HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask("PUT /announce HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(TrackerServerTest, ALongUrlIsRefused) {
  EXPECT_THAT(Ask(absl::StrCat("GET /announce?", std::string(9000, 'a'), " HTTP/1.1\r\n\r\n")),
              StartsWith("HTTP/1.1 414 "));
}

// A long Range once overflowed the stack of libraries that match it with std::regex; no field reaches ours.
TEST_F(TrackerServerTest, FieldsDoNotReachTheLibrary) {
  EXPECT_THAT(Ask(absl::StrCat("GET /x HTTP/1.1\r\nRange: bytes=", std::string(7000, '1'), "-\r\n\r\n")),
              StartsWith("HTTP/1.1 404 "));
}

TEST_F(TrackerServerTest, EndlessHeadersEndAtTheBound) {
  std::unique_ptr<TcpStream> stream = Connect();
  Send(stream.get(), "GET / HTTP/1.1\r\n");
  // Until the server has had enough.
  const std::string field = absl::StrCat("a: ", std::string(1000, 'x'), "\r\n");
  bool refused = false;
  for (int i = 0; i < 100'000 && !refused; ++i) {
    const IoResult result = stream->TryWrite(AsBytes(field));
    if (result.would_block()) {
      ASSERT_TRUE(WaitFor(stream->fd(), POLLOUT, Now() + kPatience, -1, "send").ok());
    }
    refused = result.is_error();
  }
  EXPECT_TRUE(refused);
}

// Slow loris (hazard 98): half requests that never end.
TEST_F(TrackerServerTest, SlowClientsOfThisMachineLeaveRoomForOthers) {
  std::vector<std::unique_ptr<TcpStream>> slow;
  for (size_t i = 0; i + 1 < kMaxServedRequests; ++i) {
    slow.push_back(Connect());
    Send(slow.back().get(), "GET /announce?");
  }
  const TimePoint start = Now();
  EXPECT_THAT(Announce(Client("127.0.0.1"), Request('a', 0)), IsEmpty());
  EXPECT_LT(Now() - start, kServedRequestTimeout / 2);
}

TEST_F(TrackerServerTest, MoreSlowClientsThanThreadsAreOutWhenTheirTimeIsUp) {
  Restart(std::chrono::milliseconds(500));
  std::vector<std::unique_ptr<TcpStream>> slow;
  for (size_t i = 0; i < 2 * kMaxServedRequests; ++i) {
    slow.push_back(Connect());
    Send(slow.back().get(), "GET /announce?");
  }
  slow.resize(kMaxServedRequests);  // the second half goes away by itself
  EXPECT_THAT(Announce(Client("127.0.0.1"), Request('a', 0)), IsEmpty());
  EXPECT_THAT(ReceiveAll(slow[0].get()), StartsWith("HTTP/1.1 408 ")) << "the slow ones were told";
}

TEST_F(TrackerServerTest, StopsWhileClientsHang) {
  std::vector<std::unique_ptr<TcpStream>> slow;
  for (int i = 0; i < 10; ++i) slow.push_back(Connect());
  EXPECT_THAT(Announce(Client("127.0.0.1"), Request('a', 0)), IsEmpty()) << "those before it are accepted by now";
  const TimePoint start = Now();
  server_->Stop();
  EXPECT_LT(Now() - start, std::chrono::seconds(2));
  server_->Stop();
  EXPECT_FALSE(torrent::Connect({Address::V4Loopback(), server_->port()}, BindOptions(), Now() + kPatience, -1).ok());
}

TEST_F(TrackerServerTest, ManyClientsAtOnceAreAllAnswered) {
  std::vector<Thread> threads;
  std::atomic<int> answered{0};
  const Tracker tracker = Client("127.0.0.1");
  for (int i = 0; i < 20; ++i) {
    threads.push_back(*Thread::Start("client", [&, i] {
      for (int n = 0; n < 10; ++n) {
        AnnounceRequest request = Request(static_cast<char>('A' + i), 5);
        answered += tracker.Announce(request, -1).ok();
      }
    }));
  }
  for (Thread& thread : threads) thread.Join();
  EXPECT_EQ(answered, 200);
  EXPECT_EQ(server_->requests(), 200u);
}

TEST_F(TrackerServerTest, APortThatIsTakenIsAnError) {
  TrackerServerOptions options;
  options.port = server_->port();
  EXPECT_FALSE(TrackerServer::Start(options).ok());
  options.port = 0;
  options.bind = "no such interface";
  EXPECT_EQ(TrackerServer::Start(options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace torrent
