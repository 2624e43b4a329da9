#include "wire/peer_priority.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "test/wire/hex.h"

namespace torrent::wire {
namespace {

uint32_t CrcOf(absl::string_view hex) { return Crc32c(AsBytes(FromHex(hex))); }

std::vector<uint8_t> Ip(absl::string_view hex) {
  const std::string bytes = FromHex(hex);
  return {bytes.begin(), bytes.end()};
}

struct Row {
  const char* what;
  std::vector<uint8_t> a, b;
  uint16_t port_a, port_b;
  uint32_t priority;
};

TEST(PeerPriorityTest, IsThatOfTheBepAndOfOthersWhoeverAsks) {
  const std::string ones = "ffffffffffffffffffffffffffffffff";
  const Row rows[] = {
      {"BEP 40, first example", {123, 213, 32, 10}, {98, 76, 54, 32}, 1, 2, 0xec2d7224},
      {"BEP 40, second example", {123, 213, 32, 10}, {123, 213, 32, 234}, 1, 2, 0x99568189},
      {"same address: ports", {230, 12, 123, 3}, {230, 12, 123, 3}, 1234, 300, 0xae8b7034},
      {"same /24", {230, 12, 123, 1}, {230, 12, 123, 3}, 1, 2, 0x99c54d79},
      {"same /16", {230, 12, 23, 1}, {230, 12, 123, 3}, 1, 2, 0x21fd5f80},
      {"same /8", {230, 120, 23, 1}, {230, 12, 123, 3}, 1, 2, 0xfa9a860e},
      {"IPv6, same /16", Ip(ones), Ip("ffff0fffffffffffffffffffffffffff"), 1, 2, 0x59d71f38},
      {"IPv6, same /32", Ip(ones), Ip("ffffffff0fffffffffffffffffffffff"), 1, 2, 0x081d5282},
      {"IPv6, same /48", Ip(ones), Ip("ffffffffffff0fffffffffffffffffff"), 1, 2,
       CrcOf("ffffffffffff0f55555555555555555 5 ffffffffffffff555555555555555555")},
      {"IPv6, same /56", Ip(ones), Ip("ffffffffffffff0fffffffffffffffff"), 1, 2,
       CrcOf("ffffffffffffff0f5555555555555555 ffffffffffffffff5555555555555555")},
      {"IPv6, last byte", Ip(ones), Ip("ffffffffffffffffffffffffffffff0f"), 1, 2,
       CrcOf("ffffffffffffffffffffffffffffff0f ffffffffffffffffffffffffffffffff")},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(PeerPriority(row.a, row.port_a, row.b, row.port_b), row.priority) << row.what;
    EXPECT_EQ(PeerPriority(row.b, row.port_b, row.a, row.port_a), row.priority) << row.what << ", other side";
  }
}

TEST(PeerPriorityTest, PortsCountOnlyBetweenEqualAddresses) {
  const std::vector<uint8_t> a = {1, 2, 3, 4}, b = {1, 2, 3, 5};
  EXPECT_EQ(PeerPriority(a, 1, b, 2), PeerPriority(a, 3, b, 4));
  EXPECT_NE(PeerPriority(a, 1, a, 2), PeerPriority(a, 3, a, 4));
  EXPECT_EQ(PeerPriority(a, 1, a, 2), CrcOf("0001 0002"));
}

}  // namespace
}  // namespace torrent::wire
