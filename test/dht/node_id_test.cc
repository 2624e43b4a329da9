#include "dht/node_id.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

NodeId Filled(absl::string_view first, uint8_t rest) {
  NodeId id;
  id.bytes.fill(rest);
  const std::string bytes = absl::HexStringToBytes(first);
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

// The highest bit in which they differ; 0 also for equal ids.
int Exponent(const NodeId& a, const NodeId& b) { return std::max(0, kNodeIdBits - 1 - SharedPrefixBits(a, b)); }

TEST(NodeIdTest, MeasuresDistance) {
  EXPECT_EQ(Exponent(Filled("", 0xff), Filled("", 0)), 159);
  EXPECT_EQ(Exponent(Filled("", 0xff), Filled("7f", 0xff)), 159);
  EXPECT_EQ(Exponent(Filled("", 0xff), Filled("", 0xff)), 0);
  NodeId one_less = Filled("", 0xff);
  one_less.bytes[19] = 0xfe;
  EXPECT_EQ(Exponent(Filled("", 0xff), one_less), 0);
  EXPECT_EQ(SharedPrefixBits(Filled("", 0xff), one_less), 159);
  EXPECT_EQ(Exponent(Filled("80", 0), one_less), 158);
  EXPECT_EQ(Exponent(Filled("c0", 0), one_less), 157);
  EXPECT_EQ(Exponent(Filled("e0", 0), one_less), 156);
  EXPECT_EQ(Exponent(Filled("f0", 0), one_less), 155);

  EXPECT_TRUE(IsCloser(Filled("10", 0), Filled("20", 0), Filled("", 0)));
  EXPECT_FALSE(IsCloser(Filled("20", 0), Filled("10", 0), Filled("", 0)));
  EXPECT_TRUE(IsCloser(Filled("20", 0), Filled("10", 0), Filled("30", 0x0f)));
  EXPECT_FALSE(IsCloser(Filled("20", 0), Filled("20", 0), Filled("", 0)));
}

TEST(NodeIdTest, RandomIdsShareExactlyThePrefix) {
  const NodeId id = RandomNodeId();
  for (int bits = 0; bits < kNodeIdBits; ++bits) EXPECT_EQ(SharedPrefixBits(id, RandomIdSharing(id, bits)), bits);
}

TEST(NodeIdTest, FollowsTheVectorsOfBep42) {
  const struct {
    const char* address;
    uint8_t r;
    const char* id;
  } kVectors[] = {
      {"124.31.75.21", 1, "5fbfbf"},  {"21.75.31.124", 86, "5a3ce9"},
      {"65.23.51.170", 22, "a5d432"}, {"84.124.73.14", 65, "1b0321"},
      {"43.213.53.83", 90, "e56f6c"}, {"2001:b829:2123:be84:e16c:d6ae:5290:49f1", 4, "0a8ad1"},
  };
  for (const auto& [text, r, expected] : kVectors) {
    const Address address = *Address::Parse(text);
    const NodeId wanted = Filled(expected, r);
    const NodeId id = NodeIdFor(address, r);
    EXPECT_EQ(id.bytes[0], wanted.bytes[0]) << text;
    EXPECT_EQ(id.bytes[1], wanted.bytes[1]) << text;
    EXPECT_EQ(id.bytes[2] & 0xf8, wanted.bytes[2] & 0xf8) << text;
    EXPECT_EQ(id.bytes[19], r) << text;
    EXPECT_TRUE(NodeIdFits(id, address)) << text;
    EXPECT_TRUE(NodeIdFits(wanted, address)) << text;
    for (const int bit : {0, 12, 20, 159}) {
      NodeId other = wanted;
      other.bytes[static_cast<size_t>(bit / 8)] ^= static_cast<uint8_t>(0x80 >> bit % 8);
      EXPECT_FALSE(NodeIdFits(other, address)) << text << " bit " << bit;
    }
    NodeId free_bits = wanted;
    free_bits.bytes[2] ^= 7;
    free_bits.bytes[10] ^= 0xff;
    EXPECT_TRUE(NodeIdFits(free_bits, address)) << text;
  }
}

TEST(NodeIdTest, AnyIdFitsAnAddressThatIsNotGlobal) {
  for (const char* exempt : {"10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "127.0.0.1", "::1", "fd00::1"}) {
    EXPECT_TRUE(NodeIdFits(Filled("", 0xaa), *Address::Parse(exempt))) << exempt;
  }
  EXPECT_FALSE(NodeIdFits(Filled("", 0xaa), *Address::Parse("8.8.8.8")));
}

}  // namespace
}  // namespace torrent
