#include "wire/pex_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "test/wire/hex.h"

namespace torrent::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PexMessage Parsed(absl::string_view payload) {
  absl::StatusOr<PexMessage> message = ParsePex(payload);
  EXPECT_TRUE(message.ok()) << payload << ": " << message.status();
  return message.ok() ? *std::move(message) : PexMessage();
}

PexPeer PexAt(absl::string_view hex, uint8_t flags = 0) {
  const std::string bytes = FromHex(hex);
  PexPeer peer;
  peer.compact.assign(bytes.begin(), bytes.end());
  peer.flags = flags;
  return peer;
}

// As "hex/flags".
std::vector<std::string> TextsOf(const std::vector<PexPeer>& peers) {
  std::vector<std::string> texts;
  for (const PexPeer& peer : peers) {
    texts.push_back(absl::StrCat(ToHex(std::string(peer.compact.begin(), peer.compact.end())), "/", peer.flags));
  }
  return texts;
}

std::string Field(absl::string_view key, const std::string& bytes) {
  return absl::StrCat(key.size(), ":", key, bytes.size(), ":", bytes);
}

const char kV6[] = "20010db8000000000000000000000001 1ae1";

TEST(PexMessageTest, IsItsBytesAndBack) {
  PexMessage message;
  message.added = {PexAt("01020304 1ae1", kPexSeed | kPexReachable), PexAt(kV6, kPexUtp), PexAt("05060708 0001")};
  message.dropped = {PexAt(kV6), PexAt("09080706 ffff")};
  const std::string bytes = EncodePex(message);
  EXPECT_EQ(bytes,
            absl::StrCat("d", Field("added", FromHex("010203041ae1 050607080001")), Field("added.f", FromHex("1200")),
                         Field("added6", FromHex(kV6)), Field("added6.f", FromHex("04")),
                         Field("dropped", FromHex("09080706ffff")), Field("dropped6", FromHex(kV6)), "e"));
  const PexMessage parsed = Parsed(bytes);
  EXPECT_THAT(TextsOf(parsed.added),
              ElementsAre("010203041ae1/18", "050607080001/0", absl::StrCat(ToHex(FromHex(kV6)), "/4")));  // IPv4 first
  EXPECT_THAT(TextsOf(parsed.dropped), ElementsAre("09080706ffff/0", absl::StrCat(ToHex(FromHex(kV6)), "/0")));
}

TEST(PexMessageTest, AnEmptyOneHoldsNobody) {
  EXPECT_EQ(EncodePex({}), "de");
  for (const char* bytes : {"de", "d5:added0:7:added.f0:7:dropped0:e", "de and what follows"}) {
    EXPECT_THAT(Parsed(bytes).added, IsEmpty());
    EXPECT_THAT(Parsed(bytes).dropped, IsEmpty());
  }
}

TEST(PexMessageTest, AListOfTheWrongLengthOrTypeIsAsIfItHadNotBeenSent) {
  const std::string good = Field("dropped", FromHex("010203041ae1"));
  for (const std::string& bad :
       {Field("added", "12345"), Field("added", "1234567"), Field("added6", std::string(17, 'a')),
        Field("added6", std::string(6, 'a')), std::string("5:addedi5e"), std::string("5:addedl6:abcdefe")}) {
    const PexMessage message = Parsed(absl::StrCat("d", bad, good, "e"));
    EXPECT_THAT(message.added, IsEmpty()) << bad;
    EXPECT_EQ(message.dropped.size(), 1u) << bad;
  }
}

TEST(PexMessageTest, FlagsThatAreMissingAreZero) {
  const std::string two = Field("added", "aaaaaabbbbbb");
  EXPECT_THAT(TextsOf(Parsed(absl::StrCat("d", two, "e")).added), ElementsAre("616161616161/0", "626262626262/0"));
  EXPECT_THAT(TextsOf(Parsed(absl::StrCat("d", two, Field("added.f", "\x02"), "e")).added),
              ElementsAre("616161616161/2", "626262626262/0"));
  EXPECT_THAT(TextsOf(Parsed(absl::StrCat("d", two, Field("added.f", "\x02\x01\x04\x08"), "e")).added),
              ElementsAre("616161616161/2", "626262626262/1"));
  EXPECT_THAT(TextsOf(Parsed(absl::StrCat("d", two, "7:added.fi255ee")).added),
              ElementsAre("616161616161/0", "626262626262/0"));
}

// Hazard 57: other clients were flooded by one message.
TEST(PexMessageTest, TakesAndSendsFiftyAtMost) {
  const std::string many(6 * 10'000, 'a');
  const PexMessage message = Parsed(
      absl::StrCat("d", Field("added", many), Field("added6", std::string(18, 'b')), Field("dropped", many), "e"));
  EXPECT_EQ(message.added.size(), kMaxPexPeers);
  EXPECT_EQ(message.dropped.size(), kMaxPexPeers);
  // Of both families together.
  const PexMessage both = Parsed(
      absl::StrCat("d", Field("added", std::string(6 * 30, 'a')), Field("added6", std::string(18 * 30, 'b')), "e"));
  EXPECT_EQ(both.added.size(), kMaxPexPeers);
  EXPECT_EQ(both.added[29].compact.size(), 6u);
  EXPECT_EQ(both.added[30].compact.size(), 18u);

  PexMessage too_many;
  too_many.added.assign(kMaxPexPeers + 1, PexAt("010203041ae1"));
  too_many.dropped.assign(kMaxPexPeers + 1, PexAt("010203041ae1"));
  const PexMessage sent = Parsed(EncodePex(too_many));
  EXPECT_EQ(sent.added.size(), kMaxPexPeers);
  EXPECT_EQ(sent.dropped.size(), kMaxPexPeers);
}

TEST(PexMessageTest, RefusesWhatIsNoDictionaryWithinItsBounds) {
  std::string too_many = "d1:xl";
  for (size_t i = 0; i < kMaxPexItems; ++i) too_many += "0:";
  too_many += "ee";
  for (const std::string& bytes :
       {std::string(), std::string("le"), std::string("i1e"), std::string("d"), std::string("d5:added"),
        std::string("d5:added99999999:xe"), std::string("d5:added-1:e"), std::string(60'000, 'l'), too_many}) {
    EXPECT_EQ(ParsePex(bytes).status().code(), absl::StatusCode::kInvalidArgument) << bytes.substr(0, 50);
  }
}

TEST(PexMessageTest, AnyCutOfAMessageIsRefused) {
  const std::string whole =
      absl::StrCat("d", Field("added", "aaaaaabbbbbb"), Field("added.f", "\x02\x10"), Field("dropped", "cccccc"), "e");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(ParsePex(whole.substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace torrent::wire
