// Where redirects may lead, and what goes along.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "net/http.h"
#include "test/servers/scripted_server.h"

namespace torrent {
namespace {

using Connection = ScriptedServer::Connection;

std::string RedirectTo(absl::string_view location, int status = 302) {
  return absl::StrCat("HTTP/1.1 ", status, " Moved\r\nLocation: ", location, "\r\nContent-Length: 4\r\n\r\nmove");
}

constexpr char kHello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

HttpRequest RedirectedRequest(const std::string& url, HttpPolicy policy = HttpPolicy::kTracker) {
  HttpRequest request;
  request.url = *Url::Parse(url);
  request.policy = policy;
  request.total_timeout = std::chrono::seconds(15);
  return request;
}

// Every name is on this machine, unless it is an address.
Resolver::Lookup Here() {
  return [](const std::string& host) {
    if (host == "rebound.example") return std::vector<Address>{*Address::Parse("169.254.169.254")};
    if (host == "zero.example") return std::vector<Address>{*Address::Parse("0.0.0.0")};
    return std::vector<Address>{Address::V4Loopback()};
  };
}

absl::StatusOr<HttpResponse> GetRedirected(const HttpRequest& request) {
  Resolver resolver(Here());
  return HttpGet(request, &resolver, -1);
}

// Redirects as long as the path has more than one step, "/announce/3" to "/announce/2".
ScriptedServer::Script CountDown() {
  return [](Connection* connection) {
    const char step = connection->request()[14];
    connection->Send(step == '0' ? std::string(kHello)
                                 : RedirectTo(absl::StrCat("/announce/", std::string(1, static_cast<char>(step - 1)))));
  };
}

TEST(HttpRedirectTest, FollowsFiveHopsAndNoMore) {
  ScriptedServer server(CountDown());
  const absl::StatusOr<HttpResponse> five = GetRedirected(RedirectedRequest(server.UrlOf("/announce/5")));
  ASSERT_TRUE(five.ok()) << five.status();
  EXPECT_EQ(five->body, "hello");
  EXPECT_EQ(five->url.target, "/announce/0");
  EXPECT_EQ(server.connections(), 6);  // a fresh one each hop

  const absl::StatusOr<HttpResponse> six = GetRedirected(RedirectedRequest(server.UrlOf("/announce/6")));
  EXPECT_TRUE(absl::IsPermissionDenied(six.status())) << six.status();
  EXPECT_EQ(server.connections(), 12);
}

TEST(HttpRedirectTest, FollowsEveryKindOfRedirectAndReference) {
  for (int status : {301, 302, 303, 307, 308}) {
    for (const char* location :
         {"/announce/there?a=b", "../announce/there?a=b", "//other.example:PORT/announce/there?a=b",
          "http://other.example:PORT/announce/there?a=b"}) {
      std::string answer;
      ScriptedServer server([&](Connection* connection) {
        connection->Send(absl::StrContains(connection->request(), "GET /announce/there?a=b ") ? kHello : answer);
      });
      std::string target = location;
      const size_t port = target.find("PORT");
      if (port != std::string::npos) target.replace(port, 4, std::to_string(server.port()));
      answer = RedirectTo(target, status);
      const absl::StatusOr<HttpResponse> response = GetRedirected(RedirectedRequest(server.UrlOf("/announce")));
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->body, "hello");
    }
  }
}

TEST(HttpRedirectTest, EndsInACircle) {
  std::string answer;
  ScriptedServer server([&](Connection* connection) {
    connection->Send(
        RedirectTo(absl::StrContains(connection->request(), "/announce/a ") ? "/announce/b" : "/announce/a"));
  });
  const absl::StatusOr<HttpResponse> response = GetRedirected(RedirectedRequest(server.UrlOf("/announce/a")));
  EXPECT_TRUE(absl::IsPermissionDenied(response.status())) << response.status();
  EXPECT_TRUE(absl::StrContains(response.status().message(), "circle")) << response.status();
  EXPECT_EQ(server.connections(), 2);
}

// Each leads where it may not; nothing more is asked (hazards 35, 69, 70; DNS rebinding: it is the address that
// counts).
TEST(HttpRedirectTest, LeadsToNoForbiddenPlace) {
  for (const char* location :
       {"file:///etc/passwd", "ftp://127.0.0.1/announce", "udp://127.0.0.1:1/announce", "gopher://127.0.0.1/",
        "http://xn--example.com/announce", "http://t.XN--a.example/announce", "http://169.254.169.254/announce",
        "http://rebound.example/announce", "http://zero.example/announce", "http://0.0.0.0/announce",
        "http://224.0.0.1/announce", "http://[fe80::1]/announce", "http://[::]/announce",
        "http://[64:ff9b::a9fe:a9fe]/announce", "/admin", "http://localhost/", "http://evil\r\nX: y/", "http://",
        "http://b\xc3\xbc/announce"}) {
    ScriptedServer server(ScriptedServer::Always(RedirectTo(location)));
    const absl::StatusOr<HttpResponse> response = GetRedirected(RedirectedRequest(server.UrlOf("/announce")));
    EXPECT_TRUE(absl::IsPermissionDenied(response.status()) || absl::IsInvalidArgument(response.status()))
        << location << ": " << response.status();
    EXPECT_EQ(server.connections(), 1) << location;
    EXPECT_EQ(server.requests().size(), 1u) << location;
  }
}

// The user named the first hop, not the second.
TEST(HttpRedirectTest, LeadsNoFurtherInThoughTheUserTypedTheUrl) {
  for (const char* location :
       {"http://rebound.example/x", "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/"}) {
    ScriptedServer server(ScriptedServer::Always(RedirectTo(location)));
    const absl::Status status =
        GetRedirected(RedirectedRequest(server.UrlOf("/file.torrent"), HttpPolicy::kUser)).status();
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "redirect may not lead")) << status;
  }
}

TEST(HttpRedirectTest, JudgesTheFirstHopLikeEveryOther) {
  ScriptedServer server(ScriptedServer::Always(kHello));
  EXPECT_TRUE(absl::IsPermissionDenied(GetRedirected(RedirectedRequest(server.UrlOf("/admin"))).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(GetRedirected(RedirectedRequest("http://rebound.example/announce")).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(GetRedirected(RedirectedRequest("http://xn--example.com/announce")).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(GetRedirected(RedirectedRequest("udp://127.0.0.1:1/announce")).status()));
  EXPECT_EQ(server.connections(), 0);
  EXPECT_TRUE(GetRedirected(RedirectedRequest(server.UrlOf("/admin"), HttpPolicy::kUser)).ok());
  HttpRequest idna = RedirectedRequest(absl::StrCat("http://xn--example.com:", server.port(), "/announce"));
  idna.allow_idna = true;
  EXPECT_TRUE(GetRedirected(idna).ok());
}

// libtorrent 188c5226f (hazard 73).
TEST(HttpRedirectTest, TakesCredentialsToTheSameOriginOnly) {
  ScriptedServer other(ScriptedServer::Always(kHello));
  for (bool same_origin : {true, false}) {
    ScriptedServer server([&](Connection* connection) {
      if (absl::StrContains(connection->request(), "GET /announce/there ")) {
        connection->Send(kHello);
      } else {
        connection->Send(RedirectTo(
            same_origin ? "/announce/there" : absl::StrCat("http://evil:pw@127.0.0.1:", other.port(), "/announce")));
      }
    });
    HttpRequest request =
        RedirectedRequest(absl::StrCat("http://us%65r:p%3Aw@127.0.0.1:", server.port(), "/announce?passkey=secret"));
    request.headers = {{"cookie", "secret"}, {"X-Harmless", "1"}};
    ASSERT_TRUE(GetRedirected(request).ok());
    const std::string first = server.requests()[0];
    EXPECT_TRUE(absl::StrContains(first, "\r\nAuthorization: Basic dXNlcjpwOnc=\r\n")) << first;
    EXPECT_TRUE(absl::StrContains(first, "\r\ncookie: secret\r\n")) << first;
    EXPECT_FALSE(absl::StrContains(first, "user@")) << first;

    const std::string second = same_origin ? server.requests()[1] : other.requests()[0];
    EXPECT_EQ(absl::StrContains(second, "Authorization"), same_origin) << second;
    EXPECT_EQ(absl::StrContains(second, "cookie"), same_origin) << second;
    EXPECT_EQ(absl::StrContains(second, "secret"), same_origin) << second;  // no Referer either
    EXPECT_TRUE(absl::StrContains(second, "X-Harmless")) << second;
  }
}

TEST(HttpRedirectTest, TakesALocationAsItIsWritten) {
  ScriptedServer server([](Connection* connection) {
    connection->Send(absl::StartsWith(connection->request(), "GET /announce ")
                         ? RedirectTo("/announce?next=%2Fa%26b%0D%0AX:%20y")
                         : std::string(kHello));
  });
  ASSERT_TRUE(GetRedirected(RedirectedRequest(server.UrlOf("/announce"))).ok());
  EXPECT_TRUE(absl::StartsWith(server.requests()[1], "GET /announce?next=%2Fa%26b%0D%0AX:%20y HTTP/1.1\r\n"))
      << server.requests()[1];
}

TEST(HttpRedirectTest, CountsAllHopsAgainstOneDeadline) {
  int hop = 0;
  ScriptedServer server([&hop](Connection* connection) {
    connection->Drip("HTTP/1.1 302", std::chrono::milliseconds(5));
    connection->Send(absl::StrCat(" Moved\r\nLocation: /announce/", ++hop, "\r\nContent-Length: 0\r\n\r\n"));
  });
  HttpRequest request = RedirectedRequest(server.UrlOf("/announce"));
  request.total_timeout = std::chrono::seconds(1);  // each hop takes a sixteenth of it
  request.max_redirects = 1000;
  const absl::Status status = GetRedirected(request).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_GT(server.connections(), 1);
}

}  // namespace
}  // namespace torrent
