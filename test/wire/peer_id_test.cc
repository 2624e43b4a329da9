#include "wire/peer_id.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "absl/strings/ascii.h"
#include "base/bytes.h"
#include "base/random.h"

namespace torrent::wire {
namespace {

// `text` filled up with what stands for the random part.
PeerId Id(absl::string_view text) {
  PeerId id;
  id.fill('z');
  memcpy(id.data(), text.data(), text.size());
  return id;
}

TEST(PeerIdTest, OursHasThePrefixAndTwelveCharactersThatDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const PeerId id = GeneratePeerId("0.1.0");
    const std::string text(AsText(id));
    EXPECT_EQ(text.substr(0, 8), "-PW0100-");
    for (char c : text.substr(8)) EXPECT_TRUE(absl::ascii_isalnum(static_cast<unsigned char>(c))) << text;
    seen.insert(text.substr(8));
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(AsText(GeneratePeerId("1.22.3")).substr(0, 8), "-PW1223-");
  EXPECT_EQ(AsText(GeneratePeerId("2.0")).substr(0, 8), "-PW2000-");
  EXPECT_EQ(ClientOfPeerId(GeneratePeerId("0.1.0")), "piecework 0.1.0");
}

TEST(PeerIdTest, TellsTheClient) {
  const struct {
    const char* id;
    const char* client;
  } rows[] = {
      {"-TR3000-", "Transmission 3.00"},
      {"-TR294Z-", "Transmission 2.94"},
      {"-TR4050-", "Transmission 4.0.5"},
      {"-qB4520-", "qBittorrent 4.5.2"},
      {"-LT2080-", "libtorrent 2.0.8"},
      {"-lt0D80-", "rTorrent 0.13.8"},
      {"-UT355W-", "uTorrent 3.5.5"},
      {"-UT3551-", "uTorrent 3.5.5.1"},
      {"-DE211s-", "Deluge 2.1.1"},
      {"-DE13F0-", "Deluge 1.3.15"},
      {"-AZ5750-", "Vuze 5.7.5"},
      {"-KTaZ10-", "KTorrent 36.35.1"},
      {"-ZZ1234-", "ZZ 1.2.3.4"},
      {"-ML2.7.2-", "MLDonkey"},
      {"A2-1-36-0-", "aria2 1.36.0"},
      {"M7-9-2--", "BitTorrent 7.9.2"},
      {"M4-20-8-", "BitTorrent 4.20.8"},
      {"S58B-----", "Shadow 5.8.11"},
      {"T03I-----", "BitTornado 0.3.18"},
      {"T03I1----", "BitTornado 0.3.18.1"},
      {"TIX0258-", "Tixati"},
      {"XBT054d-", "XBT Client"},
      {"-ZZ1234", "unknown client"},
      {"-\x1b[1234-", "unknown client"},
      {"T03I", "unknown client"},
      {"S--------", "unknown client"},
      {"M7-9-2", "unknown client"},
      {"Mbrst1-1-3", "unknown client"},
      {"", "unknown client"},
  };
  for (const auto& row : rows) EXPECT_EQ(ClientOfPeerId(Id(row.id)), row.client) << row.id;
}

// Hazards 11 and 12.
TEST(PeerIdTest, WhateverTheBytesTheNameIsShortPrintableAscii) {
  Random random(3);
  const char* const prefixes[] = {"", "-TR", "-", "M", "A2-", "S", "-qB\x80", "T1----\x1b", "-~A"};
  for (int i = 0; i < 50'000; ++i) {
    PeerId id;
    for (uint8_t& byte : id) byte = static_cast<uint8_t>(random.Next());
    const char* prefix = prefixes[random.Below(9)];
    memcpy(id.data(), prefix, strlen(prefix));
    if (random.Below(2) == 0) id[7] = '-';
    if (random.Below(2) == 0) memcpy(id.data() + 6, "---", 3);
    const std::string client = ClientOfPeerId(id);
    ASSERT_FALSE(client.empty());
    ASSERT_LE(client.size(), 64u);
    for (char c : client) ASSERT_TRUE(absl::ascii_isprint(static_cast<unsigned char>(c)));
  }
}

}  // namespace
}  // namespace torrent::wire
