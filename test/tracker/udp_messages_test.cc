#include "tracker/udp_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;

Url UrlOf(absl::string_view text) { return *Url::Parse(text); }

AnnounceRequest VectorRequest() {
  AnnounceRequest request;
  request.infohash = Infohash::FromRaw(std::string(20, '\xaa'));
  for (size_t i = 0; i < 20; ++i) request.peer_id[i] = static_cast<uint8_t>("-XX0001-abcdefghijkl"[i]);
  request.left = 1000;
  request.event = TrackerEvent::kStarted;
  request.key = 0x99aabbcc;
  request.numwant = -1;
  request.port = 6881;
  return request;
}

TEST(UdpMessagesTest, WritesTheRequestsByteForByte) {
  std::string connect = UdpConnectRequest();
  SetUdpTransactionId(0x11223344, &connect);
  EXPECT_EQ(absl::BytesToHexString(connect), "00000417271019800000000011223344");
  EXPECT_EQ(ActionOfUdpRequest(connect), UdpAction::kConnect);

  std::string announce = UdpAnnounceRequest(0x0102030405060708, VectorRequest(), UrlOf("udp://t.test:1"));
  SetUdpTransactionId(0x55667788, &announce);
  EXPECT_EQ(absl::BytesToHexString(announce),
            absl::StrCat("01020304050607080000000155667788", std::string(40, 'a'),
                         absl::BytesToHexString("-XX0001-abcdefghijkl"), "0000000000000000", "00000000000003e8",
                         "0000000000000000", "00000002", "00000000", "99aabbcc", "ffffffff", "1ae1"));
  EXPECT_EQ(announce.size(), 98u);
  EXPECT_EQ(ActionOfUdpRequest(announce), UdpAction::kAnnounce);

  const std::string scrape =
      UdpScrapeRequest(1, {Infohash::FromRaw(std::string(20, 'a')), Infohash::FromRaw(std::string(20, 'b'))});
  EXPECT_EQ(scrape, absl::StrCat(std::string("\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0", 16), std::string(20, 'a'),
                                 std::string(20, 'b')));
}

TEST(UdpMessagesTest, EventsHaveTheCodesOfBep15AndFiguresTheirPlaces) {
  const std::pair<TrackerEvent, char> codes[] = {{TrackerEvent::kNone, '\0'},
                                                 {TrackerEvent::kCompleted, '\1'},
                                                 {TrackerEvent::kStarted, '\2'},
                                                 {TrackerEvent::kStopped, '\3'}};
  for (const auto& [event, code] : codes) {
    AnnounceRequest request = VectorRequest();
    request.event = event;
    request.numwant = 80;
    request.downloaded = 0x1122334455667788;
    request.uploaded = 0x99;
    const std::string bytes = UdpAnnounceRequest(1, request, UrlOf("udp://t.test:1"));
    EXPECT_EQ(bytes.substr(56, 8), "\x11\x22\x33\x44\x55\x66\x77\x88");
    EXPECT_EQ(bytes.substr(72, 8), std::string("\0\0\0\0\0\0\0\x99", 8));
    EXPECT_EQ(bytes.substr(80, 4), std::string("\0\0\0", 3) + code);
    // Who leaves wants no peers.
    const char wanted = event == TrackerEvent::kStopped ? '\0' : 'P';
    EXPECT_EQ(bytes.substr(92, 4), std::string("\0\0\0", 3) + wanted);
  }
}

// BEP 41
TEST(UdpMessagesTest, PathAndQueryFollowAsOptions) {
  const auto options = [](absl::string_view url) {
    return UdpAnnounceRequest(1, VectorRequest(), UrlOf(url)).substr(98);
  };
  EXPECT_EQ(options("udp://t.test:80"), "");
  EXPECT_EQ(options("udp://t.test:80/"), "");
  EXPECT_EQ(options("udp://t.test:80/dir?a=b&c=d"), std::string("\x02\x0c/dir?a=b&c=d\0", 15));
  EXPECT_EQ(options("udp://t.test:80?auth=1"), std::string("\x02\x08/?auth=1\0", 11));
  const std::string rest(299, 'x');
  EXPECT_EQ(options("udp://t.test:80/" + rest),
            absl::StrCat("\x02\xff/", rest.substr(0, 254), "\x02\x2d", rest.substr(254), std::string(1, '\0')));
  EXPECT_EQ(options("udp://t.test:80/" + rest.substr(0, 254)),
            absl::StrCat("\x02\xff/", rest.substr(0, 254), std::string(1, '\0')));
}

TEST(UdpMessagesTest, ReadsTheReplies) {
  const std::string connect = absl::HexStringToBytes("00000000112233440102030405060708");
  absl::optional<UdpReplyHead> head = ReadUdpReplyHead(connect);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->action, UdpAction::kConnect);
  EXPECT_EQ(head->transaction_id, 0x11223344u);
  EXPECT_EQ(ReadUdpConnectionId(head->body), 0x0102030405060708u);

  const std::string announce = absl::HexStringToBytes(
      "00000001556677880000070800000003"
      "00000005010203041ae1090807061ae2");
  head = ReadUdpReplyHead(announce);
  ASSERT_TRUE(head.has_value());
  const AnnounceReply reply = ReadUdpAnnounce(head->body, true);
  EXPECT_EQ(reply.interval, std::chrono::seconds(1800));
  EXPECT_EQ(reply.incomplete, 3);
  EXPECT_EQ(reply.complete, 5);
  EXPECT_THAT(reply.peers, ElementsAre(*Endpoint::Parse("1.2.3.4:6881"), *Endpoint::Parse("9.8.7.6:6882")));
  EXPECT_EQ(reply.skipped_peers, 0u);

  const std::string error = absl::HexStringToBytes("0000000355667788626164");
  head = ReadUdpReplyHead(error);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->action, UdpAction::kError);
  EXPECT_EQ(head->body, "bad");
}

TEST(UdpMessagesTest, WhatIsShorterThanItsActionIsNoReply) {
  const std::pair<char, size_t> least[] = {{'\0', 16}, {'\1', 20}, {'\2', 8}, {'\3', 8}};
  for (const auto& [action, bytes] : least) {
    std::string reply(bytes, '\0');
    reply[3] = action;
    EXPECT_TRUE(ReadUdpReplyHead(reply).has_value()) << int{action};
    for (size_t shorter = 0; shorter < bytes; ++shorter) {
      EXPECT_FALSE(ReadUdpReplyHead(reply.substr(0, shorter)).has_value()) << int{action} << " " << shorter;
    }
  }
  EXPECT_FALSE(ReadUdpReplyHead(absl::HexStringToBytes("000000045566778800000000000000000000000000000000")));
  EXPECT_FALSE(ReadUdpReplyHead(absl::HexStringToBytes("010000005566778800000000000000000000000000000000")));
}

TEST(UdpMessagesTest, BoundsWhatAReplySays) {
  const auto read = [](const std::string& hex, bool v4) { return ReadUdpAnnounce(absl::HexStringToBytes(hex), v4); };
  // hazard 82: 0, -1 and 2^31 - 1 as interval; counts of -1 are not known.
  EXPECT_EQ(read("000000000000000000000000", true).interval, kMinAnnounceInterval);
  const AnnounceReply negative = read("ffffffffffffffffffffffff", true);
  EXPECT_EQ(negative.interval, kMinAnnounceInterval);
  EXPECT_FALSE(negative.complete.has_value() || negative.incomplete.has_value());
  EXPECT_EQ(read("7fffffff0000000000000000", true).interval, kMaxAnnounceInterval);
  // A rest and port 0 cost themselves; the same peer twice is one.
  const AnnounceReply odd = read("00000708000000000000000001020304000001020304000101020304000101", true);
  EXPECT_THAT(odd.peers, ElementsAre(*Endpoint::Parse("1.2.3.4:1")));
  EXPECT_EQ(odd.skipped_peers, 2u);
  // 18 bytes a peer over IPv6.
  const AnnounceReply v6 =
      read(absl::StrCat("000007080000000000000000", "20010db8000000000000000000000001", "1ae1"), false);
  EXPECT_THAT(v6.peers, ElementsAre(*Endpoint::Parse("[2001:db8::1]:6881")));
  // 65,507 bytes are over 10,000 peers.
  std::string many(12, '\0');
  for (uint32_t i = 0; many.size() + 6 <= 65'507; ++i) {
    many += {'\x01', static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i), '\x1a', '\xe1'};
  }
  EXPECT_EQ(ReadUdpAnnounce(many, true).peers.size(), kMaxTrackerPeers);
}

TEST(UdpMessagesTest, AScrapeIsReadAsFarAsItGoes) {
  const std::vector<Infohash> asked = {Infohash::FromRaw(std::string(20, 'a')),
                                       Infohash::FromRaw(std::string(20, 'b'))};
  const std::string first = absl::HexStringToBytes("000000010000000200000003");
  ScrapeReply reply = ReadUdpScrape(first + absl::HexStringToBytes("ffffffff0000000500000006"), asked);
  ASSERT_EQ(reply.files.size(), 2u);
  EXPECT_EQ(reply.files[0].first, asked[0]);
  EXPECT_EQ(reply.files[0].second.complete, 1);
  EXPECT_EQ(reply.files[0].second.downloaded, 2);
  EXPECT_EQ(reply.files[0].second.incomplete, 3);
  EXPECT_EQ(reply.files[1].second.complete, 0);
  EXPECT_EQ(ReadUdpScrape(first + "12345678901", asked).files.size(), 1u);
  EXPECT_TRUE(ReadUdpScrape("", asked).files.empty());
}

}  // namespace
}  // namespace torrent
