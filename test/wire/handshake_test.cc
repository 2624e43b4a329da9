#include "wire/handshake.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "test/wire/hex.h"

namespace torrent::wire {
namespace {

// Extension, DHT and fast bits; infohash aa*20.
std::string Example() {
  return FromHex(absl::StrCat("13", ToHex("BitTorrent protocol"), "0000000000100005", std::string(40, 'a'),
                              ToHex("-XX0001-abcdefghijkl")));
}

TEST(HandshakeTest, IsItsSixtyEightBytesAndBack) {
  Handshake handshake;
  handshake.dht = handshake.fast = handshake.extended = true;
  handshake.infohash = *Infohash::FromHex(std::string(40, 'a'));
  const absl::string_view id = "-XX0001-abcdefghijkl";
  std::copy(id.begin(), id.end(), handshake.peer_id.begin());
  const std::string bytes = EncodeHandshake(handshake);
  EXPECT_EQ(ToHex(bytes), ToHex(Example()));

  absl::StatusOr<Handshake> parsed = ParseHandshake(AsBytes(bytes));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->infohash, handshake.infohash);
  EXPECT_EQ(parsed->peer_id, handshake.peer_id);
  EXPECT_TRUE(parsed->dht && parsed->fast && parsed->extended);
}

TEST(HandshakeTest, EachBitMeansItsExtensionAndTheOthersNothing) {
  for (size_t bit = 0; bit < 64; ++bit) {
    std::string bytes = Example();
    std::fill_n(bytes.begin() + 20, 8, '\0');
    bytes[20 + bit / 8] = static_cast<char>(0x80 >> bit % 8);
    absl::StatusOr<Handshake> handshake = ParseHandshake(AsBytes(bytes));
    ASSERT_TRUE(handshake.ok());
    EXPECT_EQ(handshake->extended, bit == 43) << bit;
    EXPECT_EQ(handshake->fast, bit == 61) << bit;
    EXPECT_EQ(handshake->dht, bit == 63) << bit;
    if (bit == 43 || bit == 61 || bit == 63) {
      EXPECT_EQ(EncodeHandshake(*handshake), bytes);
    }
  }
}

TEST(HandshakeTest, TheHeadIsEnoughToAnswer) {
  absl::StatusOr<Handshake> head = ParseHandshakeHead(AsBytes(Example()).first(kHandshakeHeadBytes));
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->infohash.Hex(), std::string(40, 'a'));
  EXPECT_TRUE(head->fast);
  EXPECT_EQ(head->peer_id, PeerId{});
}

TEST(HandshakeTest, RefusesAnotherProtocolAndAnotherSize) {
  for (size_t i = 0; i < kProtocolBytes; ++i) {
    std::string bytes = Example();
    bytes[i] ^= 1;
    EXPECT_EQ(ParseHandshake(AsBytes(bytes)).status().code(), absl::StatusCode::kInvalidArgument) << i;
    EXPECT_FALSE(ParseHandshakeHead(AsBytes(bytes).first(48)).ok()) << i;
    EXPECT_FALSE(StartsLikeHandshake(AsBytes(bytes))) << i;
    EXPECT_FALSE(StartsLikeHandshake(AsBytes(bytes).first(i + 1))) << "told at once";
    EXPECT_TRUE(StartsLikeHandshake(AsBytes(bytes).first(i))) << i;
  }
  EXPECT_EQ(ParseHandshake(AsBytes("\x13"
                                   "GET / HTTP/1.1\r\n\r\n" +
                                   std::string(49, '\xff')))
                .status()
                .message(),
            "handshake: protocol \"\\023GET / HTTP/1.1\\r\\n\\r\\n\\377\" is not \"\\023BitTorrent protocol\"");
  EXPECT_EQ(ParseHandshake(AsBytes(Example()).first(67)).status().message(), "handshake: 67 bytes are not 68");
  EXPECT_EQ(ParseHandshakeHead(AsBytes(Example())).status().message(), "handshake: 68 bytes are not 48");
}

}  // namespace
}  // namespace torrent::wire
