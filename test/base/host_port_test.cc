#include "base/host_port.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

TEST(HostPortTest, TakesNamesAndAddresses) {
  using HostPort = std::pair<std::string, uint16_t>;
  EXPECT_EQ(ParseHostPort("router.example:6881"), HostPort("router.example", 6881));
  EXPECT_EQ(ParseHostPort("10.0.0.1:1"), HostPort("10.0.0.1", 1));
  EXPECT_EQ(ParseHostPort("[2001:db8::1]:65535"), HostPort("2001:db8::1", 65535));
}

TEST(HostPortTest, RefusesWhatHasNoHostOrNoPort) {
  for (const char* text : {"", "host", ":80", "host:", "host:0", "host:65536", "host:-1", "host:+1", "host: 1",
                           "host:1x", "host:4294967297", "[::1:80", "[]:80"}) {
    EXPECT_FALSE(ParseHostPort(text)) << text;
  }
}

}  // namespace
}  // namespace torrent
