#include "net/endpoint.h"

#include <gtest/gtest.h>

#include "absl/hash/hash_testing.h"
#include "base/bytes.h"

namespace torrent {
namespace {

TEST(EndpointTest, ParsesWhatItPrints) {
  for (const char* text : {"1.2.3.4:80", "127.0.0.1:0", "127.0.0.1:65535", "[::1]:45", "[2001:db8::1]:6881"}) {
    const absl::optional<Endpoint> endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(endpoint->ToString(), text);
  }
}

TEST(EndpointTest, RefusesTextsThatAreNone) {
  for (const char* text : {"",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:-4",
                           "127.0.0.1:66000",
                           "127.0.0.1:4294967376",
                           "127.0.0:123",
                           "127.0.0.1X",
                           "127.0.0.1:80x",
                           "127.0.0.1: 80",
                           "127.0.0.1:+80",
                           ":80",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[::1:80",
                           "::1]:80",
                           "[127.0.0.1]:80",
                           "[]:80",
                           "[[::1]]:80",
                           "host:80"}) {
    EXPECT_FALSE(Endpoint::Parse(text).has_value()) << text;
  }
}

TEST(EndpointTest, HasTheCompactFormOfPeerLists) {
  std::string compact;
  Endpoint{*Address::Parse("1.2.3.4"), 0x1ae1}.AppendCompact(&compact);
  EXPECT_EQ(compact, "\x01\x02\x03\x04\x1a\xe1");
  EXPECT_EQ(Endpoint::FromCompact(AsBytes(compact)), Endpoint::Parse("1.2.3.4:6881"));

  std::string compact6;
  Endpoint::Parse("[2001:db8::1]:443")->AppendCompact(&compact6);
  EXPECT_EQ(compact6, std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb", 18));
  EXPECT_EQ(Endpoint::FromCompact(AsBytes(compact6)), Endpoint::Parse("[2001:db8::1]:443"));

  for (size_t size : {0u, 5u, 7u, 12u, 17u, 19u}) {
    EXPECT_FALSE(Endpoint::FromCompact(AsBytes(std::string(size, 'x'))).has_value()) << size;
  }
}

TEST(EndpointTest, SurvivesTheWayThroughSockaddr) {
  for (const char* text : {"1.2.3.4:80", "[2001:db8::1]:65535"}) {
    const Endpoint endpoint = *Endpoint::Parse(text);
    sockaddr_storage storage;
    EXPECT_GT(endpoint.ToSockaddr(&storage), 0u);
    EXPECT_EQ(Endpoint::FromSockaddr(storage), endpoint);
  }
  sockaddr_storage local = {};
  local.ss_family = AF_UNIX;
  EXPECT_FALSE(Endpoint::FromSockaddr(local).has_value());
}

TEST(EndpointTest, OrdersByAddressThenPortAndHashesAsItCompares) {
  const Endpoint a = *Endpoint::Parse("1.2.3.4:80"), b = *Endpoint::Parse("1.2.3.4:81"),
                 c = *Endpoint::Parse("1.2.3.5:1");
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  EXPECT_FALSE(a < a);
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({a, b, c, Endpoint(), *Endpoint::Parse("[::1]:80")}));
}

}  // namespace
}  // namespace torrent
