#include "net/http.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "test/net/full_listener.h"
#include "test/net/gzip.h"
#include "test/servers/scripted_server.h"

namespace torrent {
namespace {

using Connection = ScriptedServer::Connection;

std::string Ok(absl::string_view fields, absl::string_view body) {
  return absl::StrCat("HTTP/1.1 200 OK\r\n", fields, "Content-Length: ", body.size(), "\r\n\r\n", body);
}

HttpRequest RequestFor(const std::string& url) {
  HttpRequest request;
  request.url = *Url::Parse(url);
  request.total_timeout = std::chrono::seconds(15);
  return request;
}

absl::StatusOr<HttpResponse> Get(const HttpRequest& request) {
  Resolver resolver;
  return HttpGet(request, &resolver, -1);
}

absl::StatusOr<HttpResponse> GetAnnounce(const ScriptedServer& server) {
  return Get(RequestFor(server.UrlOf("/announce?x=%20y")));
}

TEST(HttpTest, AsksAndAnswers) {
  ScriptedServer server(ScriptedServer::Always(Ok("X-Test:  a b \r\n", "hello")));
  HttpRequest request = RequestFor(server.UrlOf("/announce?info_hash=%00%ff&x=a+b"));
  request.user_agent = "client/1";
  request.headers = {{"X-Mine", "1"}};
  const absl::StatusOr<HttpResponse> response = Get(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->Header("x-test"), "a b");
  EXPECT_EQ(response->Header("x-none"), "");
  EXPECT_EQ(response->remote, server.endpoint());
  EXPECT_EQ(response->url.ToString(), request.url.ToString());

  ASSERT_EQ(server.requests().size(), 1u);
  const std::string asked = server.requests()[0];
  EXPECT_TRUE(absl::StartsWith(asked, "GET /announce?info_hash=%00%ff&x=a+b HTTP/1.1\r\n")) << asked;
  for (const std::string& field :
       {absl::StrCat("Host: 127.0.0.1:", server.port()), std::string("User-Agent: client/1"), std::string("X-Mine: 1"),
        std::string("Accept-Encoding: gzip"), std::string("Connection: close")}) {
    EXPECT_TRUE(absl::StrContains(asked, "\r\n" + field + "\r\n")) << field << " in " << asked;
  }
  EXPECT_FALSE(absl::StrContains(asked, "Authorization")) << asked;
}

TEST(HttpTest, TakesEveryWayToFrameABody) {
  const std::string gzip = Gzip("hello");
  for (const std::string& answer :
       {Ok("", "hello"), std::string("HTTP/1.1 200 OK\r\n\r\nhello"), std::string("HTTP/1.0 200 OK\r\n\r\nhello"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n"),
        Ok("Content-Encoding: gzip\r\n", gzip), Ok("Content-Encoding: X-GZIP\r\n", gzip),
        Ok("Content-Encoding: identity\r\n", "hello"),
        absl::StrCat("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip),
        absl::StrCat("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 500 Behind\r\n\r\n")}) {
    ScriptedServer server([&](Connection* connection) { connection->Send(answer); });
    const absl::StatusOr<HttpResponse> response = GetAnnounce(server);
    ASSERT_TRUE(response.ok()) << answer << response.status();
    EXPECT_EQ(response->body, "hello") << answer;
  }
}

TEST(HttpTest, DoesNotWaitForAServerThatKeepsTheConnectionOpen) {
  ScriptedServer server([](Connection* connection) {
    connection->Send(Ok("Connection: keep-alive\r\n", "hello"));
    connection->WaitForHangUp();
  });
  const absl::StatusOr<HttpResponse> response = GetAnnounce(server);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "hello");
}

TEST(HttpTest, GivesErrorStatusesToItsCaller) {
  ScriptedServer server(ScriptedServer::Always("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"));
  const absl::StatusOr<HttpResponse> response = GetAnnounce(server);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "gone");
  ScriptedServer empty(ScriptedServer::Always("HTTP/1.1 204 No Content\r\n\r\n"));
  EXPECT_EQ(GetAnnounce(empty)->status, 204);
}

// Answers that other clients fell over (hazards 72 to 76, vectors of libtorrent's test_http_parser.cpp).
TEST(HttpTest, RefusesBrokenAnswers) {
  const std::string gzip = Gzip(std::string(5000, 'x') + "end");
  const std::string bomb = Gzip(std::string(1 << 20, '\0'));
  ASSERT_LT(bomb.size(), 1100u);
  for (const std::string& answer :
       {std::string("HTTP/1.1\r\n\r\n"), std::string("HTTP/1.1 206\r\nContent-Length: 1\r\n\r\nx"),
        std::string(
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-999999999999999999999999\r\nContent-Length: 1\r\n\r\nx"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: -45345\r\n\r\nx"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999999999999\r\n\r\nx"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n") + std::string(1048577, 'x'),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7FFFFFFFFFFFFFBF\r\nx"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-10\r\nx"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx"),
        std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
        Ok("Content-Encoding: gzip\r\n", gzip.substr(0, gzip.size() - 1)),
        Ok("Content-Encoding: gzip\r\n", gzip.substr(0, gzip.size() / 2)),
        Ok("Content-Encoding: gzip\r\n", "not gzip at all, but long enough"), Ok("Content-Encoding: gzip\r\n", bomb),
        Ok("Content-Encoding: br\r\n", "x"), Ok("Content-Encoding: gzip, gzip\r\n", gzip),
        std::string("d8:intervali1800e5:peers0:e")}) {
    ScriptedServer server(ScriptedServer::Always(answer));
    const absl::StatusOr<HttpResponse> response = GetAnnounce(server);
    EXPECT_TRUE(absl::IsInvalidArgument(response.status())) << answer.substr(0, 200) << response.status();
    EXPECT_TRUE(absl::StrContains(response.status().message(), "/announce")) << response.status();
    EXPECT_FALSE(absl::StrContains(response.status().message(), "x=%20y")) << response.status();
    EXPECT_TRUE(server.WaitForScripts(1));
    EXPECT_GT(server.bytes_sent(), 0u);
  }
}

// The packaged library recurses once for each byte of the status line: 1000 bytes end a thread of 256 KiB (hazard 126).
TEST(HttpTest, SurvivesLongStatusLinesOnASmallStack) {
  for (size_t reason : {size_t{241}, size_t{242}, size_t{1000}, size_t{1} << 20}) {
    ScriptedServer server(ScriptedServer::Always(
        absl::StrCat("HTTP/1.1 200 ", std::string(reason, 'r'), "\r\nContent-Length: 0\r\n\r\n")));
    absl::StatusOr<HttpResponse> response = absl::UnknownError("not asked");
    Thread thread = *Thread::Start("small stack", [&] { response = GetAnnounce(server); });
    thread.Join();
    if (13 + reason + 2 <= kMaxHttpStatusLineBytes) {
      EXPECT_TRUE(response.ok()) << response.status();
    } else {
      EXPECT_TRUE(absl::IsInvalidArgument(response.status())) << response.status();
      EXPECT_TRUE(absl::StrContains(response.status().message(), "status line longer than 256 bytes"));
    }
    EXPECT_TRUE(server.WaitForScripts(1));
    EXPECT_GT(server.bytes_sent(), std::min<size_t>(reason, 256));
  }
}

// A gigabyte of it, if the client takes so much.
constexpr uint64_t kEndless = uint64_t{1} << 30;

TEST(HttpTest, HangsUpOnEndlessAnswers) {
  const struct {
    const char* begin;
    std::string piece;
    size_t bound;
  } kCases[] = {
      {"HTTP/1.1 200 ", std::string(4096, 'r'), kMaxHttpStatusLineBytes},
      {"HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b; path=/\r\n", kMaxHttpFields * 25},
      {"HTTP/1.1 200 OK\r\n", absl::StrCat("X: ", std::string(1000, 'x'), "\r\n"), kMaxHttpHeadBytes},
      {"HTTP/1.1 200 OK\r\nX: ", std::string(4096, 'x'), kMaxHttpHeadBytes},
      {"HTTP/1.1 200 OK\r\n\r\n", std::string(64 * 1024, 'x'), kMaxTrackerBodyBytes},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       absl::StrCat("1000\r\n", std::string(4096, 'x'), "\r\n"), kMaxTrackerBodyBytes},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", std::string(4096, 'e'), 256},
  };
  for (const auto& c : kCases) {
    bool hung_up = false;
    ScriptedServer server([&](Connection* connection) {
      connection->Send(c.begin);
      hung_up = connection->SendForever(c.piece, kEndless);
    });
    const absl::StatusOr<HttpResponse> response = GetAnnounce(server);
    EXPECT_TRUE(absl::IsInvalidArgument(response.status())) << c.begin << response.status();
    ASSERT_TRUE(server.WaitForScripts(1));
    EXPECT_TRUE(hung_up) << c.begin;
    EXPECT_GE(server.bytes_sent(), c.bound) << c.begin;
    EXPECT_LT(server.bytes_sent(), 64u << 20) << c.begin;  // socket buffers
  }
}

TEST(HttpTest, EndsADrippingAnswerAtTheDeadlineOfTheWholeRequest) {
  for (const char* begin : {"", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"}) {
    ScriptedServer server([&](Connection* connection) {
      connection->Send(begin);
      connection->Drip(std::string(10000, 'x'), std::chrono::milliseconds(20));
    });
    HttpRequest request = RequestFor(server.UrlOf("/announce"));
    request.total_timeout = std::chrono::milliseconds(300);
    const TimePoint start = Now();
    const absl::StatusOr<HttpResponse> response = Get(request);
    const Duration took = Now() - start;
    // Fifteen drips, each of which would have begun a new wait.
    EXPECT_TRUE(absl::IsDeadlineExceeded(response.status())) << response.status();
    EXPECT_GE(took, std::chrono::milliseconds(300));
    EXPECT_LT(took, std::chrono::seconds(5));
    EXPECT_TRUE(server.WaitForScripts(1));
    EXPECT_GT(server.bytes_sent(), std::string(begin).size() + 1);
  }
}

TEST(HttpTest, EndsWhenItIsCancelled) {
  const Wakeup cancel = *Wakeup::Create();
  ScriptedServer server([&](Connection* connection) {
    cancel.Notify();
    connection->WaitForHangUp();
  });
  Resolver resolver;
  const absl::Status status = HttpGet(RequestFor(server.UrlOf("/announce")), &resolver, cancel.fd()).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpTest, ReportsServersThatGoAway) {
  for (bool reset : {false, true}) {
    ScriptedServer server([&](Connection* connection) {
      if (reset) connection->Reset();
    });
    const absl::Status status = GetAnnounce(server).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(HttpTest, KeepsTheBoundOfTheCaller) {
  ScriptedServer server(ScriptedServer::Always(Ok("", std::string(2 << 20, 'x'))));
  HttpRequest request = RequestFor(server.UrlOf("/announce"));
  request.max_body_bytes = 2 << 20;
  const absl::StatusOr<HttpResponse> response = Get(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body.size(), 2u << 20);
  request.max_body_bytes = (2 << 20) - 1;
  EXPECT_TRUE(absl::IsInvalidArgument(Get(request).status()));
}

TEST(HttpTest, SendsNoHeaderWithALineBreak) {
  ScriptedServer server(ScriptedServer::Always(Ok("", "hello")));
  HttpRequest request = RequestFor(server.UrlOf("/announce"));
  request.headers = {{"X", "a\r\nEvil: 1"}};
  EXPECT_TRUE(absl::IsInvalidArgument(Get(request).status()));
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpTest, TriesTheNextAddressWhenOneRefuses) {
  ScriptedServer server(ScriptedServer::Always(Ok("", "hello")));
  Resolver resolver([](const std::string&) {
    return std::vector<Address>{*Address::Parse("127.0.0.9"), Address::V4Loopback()};
  });
  const absl::StatusOr<HttpResponse> response =
      HttpGet(RequestFor(absl::StrCat("http://tracker.example:", server.port(), "/announce")), &resolver, -1);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->remote, server.endpoint());
  EXPECT_TRUE(absl::StrContains(server.requests()[0], absl::StrCat("Host: tracker.example:", server.port())));
}

TEST(HttpTest, LeavesTimeForTheOtherAddressesWhenOneIsSilent) {
  ScriptedServer server(ScriptedServer::Always(Ok("", "hello")));
  const FullListener silent(*Address::Parse("127.0.0.9"), server.port());
  ASSERT_TRUE(silent.is_full());
  Resolver resolver([](const std::string&) {
    std::vector<Address> addresses = {*Address::Parse("127.0.0.9"), Address::V4Loopback()};
    for (int i = 10; i < 18; ++i) addresses.push_back(*Address::Parse(absl::StrCat("127.0.0.", i)));
    return addresses;
  });
  HttpRequest request = RequestFor(absl::StrCat("http://tracker.example:", server.port(), "/announce"));
  request.connect_timeout = std::chrono::seconds(10);  // ten addresses: a second for the silent one
  const TimePoint begin = Now();
  const absl::StatusOr<HttpResponse> response = HttpGet(request, &resolver, -1);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->remote, server.endpoint());
  EXPECT_GE(Now() - begin, std::chrono::seconds(1));
  EXPECT_LT(Now() - begin, std::chrono::seconds(6));
}

TEST(HttpTest, UsesTheFamilyThatIsWanted) {
  ScriptedServer::Options v6;
  v6.address = Address::V6Loopback();
  ScriptedServer server6(v6, ScriptedServer::Always(Ok("", "six")));
  Resolver resolver([](const std::string&) {
    return std::vector<Address>{Address::V4Loopback(), Address::V6Loopback()};
  });
  HttpRequest request = RequestFor(absl::StrCat("http://tracker.example:", server6.port(), "/announce"));
  request.family = Family::kV6;
  const absl::StatusOr<HttpResponse> response = HttpGet(request, &resolver, -1);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->remote, server6.endpoint());
  request.url = *Url::Parse(absl::StrCat("http://127.0.0.1:", server6.port(), "/announce"));
  EXPECT_TRUE(absl::IsNotFound(HttpGet(request, &resolver, -1).status()));
}

}  // namespace
}  // namespace torrent
