#include "lan/lsd_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;

const std::string kHex = "0123456789abcdef0123456789ABCDEF01234567";

Infohash Hash(char c) { return Infohash::FromRaw(std::string(20, c)); }

// A message with these lines after the first one.
absl::optional<LsdMessage> Read(absl::string_view lines) {
  return ReadLsdMessage(absl::StrCat("BT-SEARCH * HTTP/1.1\r\n", lines));
}

TEST(LsdMessageTest, WritesItByteForByte) {
  LsdMessage message{6881, {Hash('\x01')}, "c00c1e"};
  EXPECT_EQ(WriteLsdMessage("239.192.152.143:6771", message),
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\n"
            "Infohash: 0101010101010101010101010101010101010101\r\ncookie: c00c1e\r\n\r\n\r\n");
  message.cookie.clear();
  message.infohashes.push_back(Hash('\x02'));
  EXPECT_EQ(WriteLsdMessage("[ff15::efc0:988f]:6771", message),
            "BT-SEARCH * HTTP/1.1\r\nHost: [ff15::efc0:988f]:6771\r\nPort: 6881\r\n"
            "Infohash: 0101010101010101010101010101010101010101\r\n"
            "Infohash: 0202020202020202020202020202020202020202\r\n\r\n\r\n");
}

TEST(LsdMessageTest, ReadsWhatItWritesAndFitsIntoAnEthernetFrame) {
  LsdMessage message{65535, {}, "0123456789abcdef"};
  for (char c = 1; c < 60; ++c) message.infohashes.push_back(Hash(c));
  const std::string written = WriteLsdMessage("[ff15::efc0:988f]:6771", message);
  EXPECT_LE(written.size(), kMaxLsdSentBytes);
  const absl::optional<LsdMessage> read = ReadLsdMessage(written);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->port, 65535);
  EXPECT_EQ(read->cookie, message.cookie);
  message.infohashes.resize(kMaxLsdInfohashes);
  EXPECT_EQ(read->infohashes, message.infohashes);
}

TEST(LsdMessageTest, HeadersStandInAnyOrderAndCaseAndUnknownOnesArePassedOver) {
  const absl::optional<LsdMessage> read =
      Read(absl::StrCat("COOKIE:x\r\nX-Other: a:b\r\ninfohash:", kHex, "\r\nINFOHASH:  ", std::string(40, 'f'),
                        " \r\npOrT:\t80\r\nHost: anything\r\n\r\nrest"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->port, 80);
  EXPECT_EQ(read->cookie, "x");
  EXPECT_THAT(read->infohashes, ElementsAre(*Infohash::FromHex(kHex), Hash('\xff')));
}

TEST(LsdMessageTest, AnInfohashThatIsNoneCostsItself) {
  const std::string good = absl::StrCat("Infohash: ", kHex, "\r\n");
  const absl::optional<LsdMessage> read =
      Read(absl::StrCat("Port: 1\r\nInfohash: ", kHex.substr(1), "\r\nInfohash: ", kHex,
                        "0\r\nInfohash: \r\nInfohash: ", std::string(39, 'a'), "g\r\nInfohash: ", std::string(64, 'a'),
                        "\r\n", good, "\r\n"));
  ASSERT_TRUE(read.has_value());
  EXPECT_THAT(read->infohashes, ElementsAre(*Infohash::FromHex(kHex)));
}

TEST(LsdMessageTest, RefusesWhatIsNoMessage) {
  const std::string hash = absl::StrCat("Infohash: ", kHex, "\r\n");
  ASSERT_TRUE(Read("Port: 1\r\n" + hash + "\r\n").has_value());
  for (const char* port : {"0", "65536", "-1", "", " ", "+1", "1x", "0x1", "4294967297", "00001x", "1 2"}) {
    EXPECT_FALSE(Read(absl::StrCat("Port: ", port, "\r\n", hash, "\r\n")).has_value()) << port;
  }
  for (const std::string& lines : {
           hash + "\r\n",                             // no port
           std::string("Port: 1\r\n\r\n"),            // no infohash
           "Port: 1\r\n" + hash,                      // no end
           "Port: 1\r\nPort: 2\r\n" + hash + "\r\n",  // which?
           "Port: 1\r\nnothing\r\n" + hash + "\r\n",  // no colon
           "Port: 1\n" + hash + "\r\n",               // the line does not end
           std::string("Port: 1\r\n\r\n") + hash + "\r\n",
           std::string(),
           std::string("\r\n"),
       }) {
    EXPECT_FALSE(Read(lines).has_value()) << lines;
  }
  for (const char* first : {"GET / HTTP/1.1", "BT-SEARCH / HTTP/1.1", "BT-SEARCH * HTTP/1.0", "bt-search * HTTP/1.1",
                            "BT-SEARCH * HTTP/1.1 ", " BT-SEARCH * HTTP/1.1", "BT-SEARCH"}) {
    EXPECT_FALSE(ReadLsdMessage(absl::StrCat(first, "\r\nPort: 1\r\n", hash, "\r\n")).has_value()) << first;
  }
  EXPECT_FALSE(ReadLsdMessage("").has_value());
  EXPECT_FALSE(ReadLsdMessage(std::string(100, '\0')).has_value());
}

TEST(LsdMessageTest, IsBounded) {
  const std::string head = absl::StrCat("Port: 1\r\nInfohash: ", kHex, "\r\nX: ");
  const size_t others = std::string("BT-SEARCH * HTTP/1.1\r\n").size() + head.size() + 4;
  EXPECT_TRUE(Read(head + std::string(kMaxLsdBytes - others, 'x') + "\r\n\r\n").has_value());
  EXPECT_FALSE(Read(head + std::string(kMaxLsdBytes - others + 1, 'x') + "\r\n\r\n").has_value());
}

// Any prefix and any changed byte is read or refused, without harm.
TEST(LsdMessageTest, SurvivesCutAndChangedBytes) {
  const std::string whole = WriteLsdMessage("239.192.152.143:6771", {6881, {Hash('\x01'), Hash('\x02')}, "cookie"});
  size_t read = 0;
  for (size_t size = 0; size <= whole.size(); ++size) read += ReadLsdMessage(whole.substr(0, size)).has_value();
  EXPECT_EQ(read, 3u);  // from the first empty line on: "\r\n" of it, one byte more, all
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const char c : {'\0', '\r', '\n', ':', '\xff', ' '}) {
      std::string changed = whole;
      changed[i] = c;
      const absl::optional<LsdMessage> message = ReadLsdMessage(changed);
      EXPECT_TRUE(!message || message->port != 0);
    }
  }
}

}  // namespace
}  // namespace torrent
