#include "tracker_server/request_head.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

TEST(RequestHeadTest, EndsAtTheEmptyLine) {
  EXPECT_EQ(RequestHeadBytes(""), 0u);
  EXPECT_EQ(RequestHeadBytes("GET / HTTP/1.1\r\nHost: x\r\n"), 0u);
  EXPECT_EQ(RequestHeadBytes("GET / HTTP/1.1\r\n\r\n"), 18u);
  EXPECT_EQ(RequestHeadBytes("GET / HTTP/1.1\r\n\r\nmore"), 18u);
}

TEST(RequestHeadTest, ReadsTheTargetOfAGet) {
  for (const char* fields : {"", "Host: a\r\n", "Content-Length: 0\r\nX-Forwarded-For: 1.2.3.4\r\n", "A:\tb\r\n"}) {
    const RequestHead head = ParseRequestHead(absl::StrCat("GET /announce?a=%00 HTTP/1.1\r\n", fields, "\r\n"));
    EXPECT_EQ(head.refusal, 0) << fields;
    EXPECT_EQ(head.target, "/announce?a=%00") << fields;
  }
  EXPECT_EQ(ParseRequestHead("GET / HTTP/1.0\r\n\r\n").refusal, 0);
}

TEST(RequestHeadTest, RefusesWithTheRightStatus) {
  std::string many;
  for (size_t i = 0; i <= kMaxHttpFields; ++i) absl::StrAppend(&many, "a: b\r\n");
  const std::string long_field = absl::StrCat("a: ", std::string(kMaxHttpHeadBytes, 'x'), "\r\n");
  EXPECT_EQ(ParseRequestHead("").refusal, 400);
  const struct {
    int status;
    std::string head;
  } cases[] = {
      {400, "\r\n\r\n"},
      {400, "GET\r\n\r\n"},
      {400, "GET /\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1 \r\n\r\n"},
      {400, "GET http://x/ HTTP/1.1\r\n\r\n"},
      {400, "GET / FTP/1.1\r\n\r\n"},
      {400, absl::StrCat("GET /", absl::string_view("\0", 1), " HTTP/1.1\r\n\r\n")},
      {400, "GET /\nX HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nno colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n: empty\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n folded: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n"},
      {405, "POST / HTTP/1.1\r\n\r\n"},
      {405, "get / HTTP/1.1\r\n\r\n"},
      {405, "CONNECT / HTTP/1.1\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\n\r\n"},
      {505, "GET / HTTP/1.11\r\n\r\n"},
      // CVE-2025-46728, CVE-2026-22776 (hazards 92, 94): no body is ever read.
      {413, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"},
      {413, "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"},
      {413, "GET / HTTP/1.1\r\nContent-Length: 00\r\n\r\n"},
      {413, "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"},
      {413, "GET / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n"},
      // CVE-2025-52887 (hazard 93).
      {431, absl::StrCat("GET / HTTP/1.1\r\n", many, "\r\n")},
      {431, absl::StrCat("GET / HTTP/1.1\r\n", long_field, "\r\n")},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseRequestHead(c.head).refusal, c.status) << c.head.substr(0, 100);
}

}  // namespace
}  // namespace torrent
