#include "net/http_guard.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

constexpr size_t kMaxBody = 1000;

// The verdict on a whole connection: its bytes, then its end.
absl::Status Judge(absl::string_view bytes, size_t step) {
  HttpGuard guard(kMaxBody);
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, step);
    const absl::StatusOr<size_t> passed = guard.Check(part);
    if (!passed.ok()) return passed.status();
    if (guard.complete()) return absl::OkStatus();
    EXPECT_EQ(*passed, part.size());
    bytes.remove_prefix(part.size());
  }
  return guard.CheckEnd();
}

std::string OkAnswer(absl::string_view fields, absl::string_view body) {
  return absl::StrCat("HTTP/1.1 200 OK\r\n", fields, "\r\n", body);
}

std::string Chunked(absl::string_view body) { return OkAnswer("Transfer-Encoding: chunked\r\n", body); }

TEST(HttpGuardTest, PassesWellFormedAnswersHoweverTheyAreCut) {
  for (const std::string& answer : {
           OkAnswer("Content-Length: 5\r\n", "hello"),
           OkAnswer("content-length:5\r\nX-Empty:\r\nX: a b\tc\r\n", "hello"),
           OkAnswer("Content-Length: 0\r\n", ""),
           OkAnswer("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
           OkAnswer("Content-Length: 1000\r\n", std::string(1000, 'x')),
           OkAnswer("", "until the end"),
           Chunked("5\r\nhello\r\n0\r\n\r\n"),
           Chunked("5;ext=1\r\nhello\r\n5 \r\nworld\r\n000\r\n\r\n"),
           Chunked("3E8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n"),
           std::string("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 206\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 204 No Content\r\n\r\n"),
           absl::StrCat("HTTP/1.1 200 ", std::string(256 - 15, 'r'), "\r\nContent-Length: 0\r\n\r\n"),
       }) {
    EXPECT_TRUE(Judge(answer, answer.size()).ok()) << answer << Judge(answer, answer.size());
    EXPECT_TRUE(Judge(answer, 1).ok()) << answer << Judge(answer, 1);
    EXPECT_TRUE(Judge(answer, 7).ok()) << answer;
  }
}

// CVE-2016-5301, CVE-2025-46728, and what libtorrent's test_http_parser.cpp has (hazards 72 to 76, 92, 93, 126).
TEST(HttpGuardTest, RefusesBrokenAnswersHoweverTheyAreCut) {
  std::string fields_101;
  for (int i = 0; i < 101; ++i) absl::StrAppend(&fields_101, "X", i, ": y\r\n");
  for (const std::string& answer : {
           std::string("HTTP/1.1\r\n\r\n"),
           std::string("HTTP/1.1 \r\n\r\n"),
           std::string("HTTP/1.1 2000 OK\r\n\r\n"),
           std::string("HTTP/1.1 20 OK\r\n\r\n"),
           std::string("HTTP/1.1 -20 OK\r\n\r\n"),
           std::string("HTTP/2 200 OK\r\n\r\n"),
           std::string("ICY 200 OK\r\n\r\n"),
           std::string("HTTP/1.1 100 Continue\r\n\r\n"),
           std::string("HTTP/1.1 304 Not Modified\r\n\r\n"),
           std::string("d8:intervali1800ee\r\n"),
           std::string("HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
           absl::StrCat("HTTP/1.1 200 ", std::string(256 - 14, 'r'), "\r\nContent-Length: 0\r\n\r\n"),
           absl::StrCat("HTTP/1.1 200 O", std::string(1, '\0'), "K\r\nContent-Length: 0\r\n\r\n"),
           OkAnswer("no colon\r\n", ""),
           OkAnswer(": no name\r\n", ""),
           OkAnswer("Name : blank\r\n", ""),
           OkAnswer("A: 1\r\n folded: 2\r\n", ""),
           OkAnswer("A: \x1b[31m\r\n", ""),
           OkAnswer("A: b\rc\r\n", ""),
           OkAnswer(fields_101, ""),
           OkAnswer(absl::StrCat("A: ", std::string(kMaxHttpHeadBytes, 'x'), "\r\n"), ""),
           OkAnswer("Content-Length: -45345\r\n", "x"),
           OkAnswer("Content-Length: 9999999999999999999999999999\r\n", "x"),
           OkAnswer("Content-Length: 9223372036854775807\r\n", "x"),
           OkAnswer("Content-Length: 1001\r\n", std::string(1001, 'x')),
           OkAnswer("Content-Length: 0x5\r\n", "hello"),
           OkAnswer("Content-Length: %35\r\n", "hello"),
           OkAnswer("Content-Length: 5 5\r\n", "hello"),
           OkAnswer("Content-Length: 5, 5\r\n", "hello"),
           OkAnswer("Content-Length:\r\n", ""),
           OkAnswer("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
           OkAnswer("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "hello"),
           OkAnswer("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
           OkAnswer("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
           OkAnswer("Content-Length: 6\r\n", "hello"),  // cut
           OkAnswer("", std::string(1001, 'x')),
           Chunked("7FFFFFFFFFFFFFBF\r\nx"),
           Chunked("FFFFFFFFFFFFFFFF\r\nx"),
           Chunked("10000000000000000\r\nx"),
           Chunked("-10\r\nx"),
           Chunked("0x5\r\nhello\r\n0\r\n\r\n"),
           Chunked("\r\nhello"),
           Chunked(" 5\r\nhello\r\n0\r\n\r\n"),
           Chunked("5\r\nhello!\r\n0\r\n\r\n"),
           Chunked("5\r\nhello\n0\r\n\r\n"),
           Chunked("5\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n"),
           Chunked("3E9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n"),
           Chunked("1F4\r\n" + std::string(500, 'x') + "\r\n1F5\r\n" + std::string(501, 'x') + "\r\n0\r\n\r\n"),
           Chunked("5\r\nhello\r\n"),  // cut
           Chunked("5;" + std::string(300, 'e') + "\r\nhello\r\n0\r\n\r\n"),
       }) {
    EXPECT_TRUE(absl::IsInvalidArgument(Judge(answer, answer.size()))) << answer << Judge(answer, answer.size());
    EXPECT_TRUE(absl::IsInvalidArgument(Judge(answer, 1))) << answer << Judge(answer, 1);
  }
}

TEST(HttpGuardTest, RefusesEveryCutOfAFramedAnswer) {
  for (const std::string& answer : {OkAnswer("Content-Length: 5\r\n", "hello"), Chunked("5\r\nhello\r\n0\r\n\r\n")}) {
    for (size_t size = 1; size < answer.size(); ++size) {
      EXPECT_TRUE(absl::IsInvalidArgument(Judge(answer.substr(0, size), 1))) << size << " of " << answer;
    }
  }
  EXPECT_TRUE(absl::IsUnavailable(Judge("", 1)));
}

TEST(HttpGuardTest, PassesNothingBehindTheAnswer) {
  HttpGuard guard(kMaxBody);
  const std::string answer = OkAnswer("Content-Length: 5\r\n", "hello");
  EXPECT_EQ(*guard.Check(answer + "HTTP/1.1 200 OK\r\n"), answer.size());
  EXPECT_TRUE(guard.complete());
  EXPECT_EQ(*guard.Check("more"), 0u);
}

TEST(HttpGuardTest, TellsStatusAndFieldsAsTheyWere) {
  HttpGuard guard(kMaxBody);
  ASSERT_TRUE(guard.Check("HTTP/1.1 302 Found\r\nLOCATION:  /a%20b%0d%0aX:y \r\nContent-Length: 0\r\n\r\n").ok());
  EXPECT_EQ(guard.status(), 302);
  ASSERT_EQ(guard.fields().size(), 2u);
  EXPECT_EQ(guard.fields()[0].first, "location");
  EXPECT_EQ(guard.fields()[0].second, "/a%20b%0d%0aX:y");
}

}  // namespace
}  // namespace torrent
