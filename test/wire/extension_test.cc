#include "wire/extension.h"

#include <gtest/gtest.h>

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent::wire {
namespace {

ExtensionHandshake Parse(absl::string_view payload) {
  absl::StatusOr<ExtensionHandshake> handshake = ParseExtensionHandshake(payload);
  EXPECT_TRUE(handshake.ok()) << payload << ": " << handshake.status();
  return handshake.ok() ? *std::move(handshake) : ExtensionHandshake();
}

uint8_t IdOf(const ExtensionHandshake& handshake, Extension extension) {
  return handshake.ids[static_cast<size_t>(extension)].value_or(0);
}

std::string Ip(const ExtensionHandshake& handshake) { return {handshake.your_ip.begin(), handshake.your_ip.end()}; }

TEST(ExtensionHandshakeTest, IsItsBytesAndBack) {
  ExtensionHandshake handshake;
  handshake.ids[static_cast<size_t>(Extension::kDontHave)] = 7;
  handshake.ids[static_cast<size_t>(Extension::kUploadOnly)] = 3;
  handshake.ids[static_cast<size_t>(Extension::kHolepunch)] = 4;
  handshake.ids[static_cast<size_t>(Extension::kMetadata)] = 1;
  handshake.ids[static_cast<size_t>(Extension::kPex)] = 2;
  handshake.client = "piecework 0.1.0";
  handshake.request_queue = 500;
  handshake.port = 6881;
  handshake.your_ip = {10, 0, 0, 1};
  handshake.metadata_size = 31235;
  handshake.upload_only = true;
  const std::string bytes = EncodeExtensionHandshake(handshake);
  EXPECT_EQ(bytes,
            "d1:md11:lt_donthavei7e11:upload_onlyi3e12:ut_holepunchi4e11:ut_metadatai1e6:ut_pexi2ee"
            "13:metadata_sizei31235e1:pi6881e4:reqqi500e11:upload_onlyi1e1:v15:piecework 0.1.06:yourip4:\x0a" +
                std::string("\0\0\x01", 3) + "e");
  const ExtensionHandshake parsed = Parse(bytes);
  EXPECT_EQ(parsed.ids, handshake.ids);
  EXPECT_EQ(parsed.client, "piecework 0.1.0");
  EXPECT_EQ(parsed.request_queue, 500u);
  EXPECT_EQ(parsed.port, 6881);
  EXPECT_EQ(Ip(parsed), std::string("\x0a\0\0\x01", 4));
  EXPECT_EQ(parsed.metadata_size, 31235u);
  EXPECT_EQ(parsed.upload_only, true);
}

TEST(ExtensionHandshakeTest, AnEmptyOneSaysNothing) {
  EXPECT_EQ(EncodeExtensionHandshake({}), "d1:mdee");
  for (const char* bytes : {"de", "d1:mdee"}) {
    const ExtensionHandshake handshake = Parse(bytes);
    for (const auto& id : handshake.ids) EXPECT_FALSE(id.has_value());
    EXPECT_EQ(handshake.client, "");
    EXPECT_FALSE(handshake.request_queue || handshake.port || handshake.metadata_size || handshake.upload_only);
    EXPECT_TRUE(handshake.your_ip.empty());
  }
}

// BEP 10's own example: names of other clients' extensions, a client name with a micro sign.
TEST(ExtensionHandshakeTest, ReadsTheExampleOfItsBep) {
  const ExtensionHandshake handshake =
      Parse("d1:md11:LT_metadatai1e7:\xc2\xb5T_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e");
  EXPECT_EQ(handshake.client, "\xc2\xb5Torrent 1.2");
  EXPECT_EQ(handshake.port, 6881);
  for (const auto& id : handshake.ids) EXPECT_FALSE(id.has_value()) << "names are compared with their case";
}

TEST(ExtensionHandshakeTest, AFieldThatIsWrongIsAsIfItHadNotBeenSent) {
  const char* const rows[] = {
      "d1:mi1ee",
      "d1:m2:dee",
      "d1:mlee",
      "d1:md6:ut_pex1:1ee",
      "d1:md6:ut_pexi256eee",
      "d1:md6:ut_pexi-1eee",
      "d1:p4:6881e",
      "d1:pi0ee",
      "d1:pi65536ee",
      "d1:pi-1ee",
      "d1:pi6881000000000000ee",
      "d4:reqqi0ee",
      "d4:reqqi-5ee",
      "d4:reqq3:250e",
      "d13:metadata_sizei0ee",
      "d13:metadata_sizei-1ee",
      "d13:metadata_sizei16777217ee",
      "d13:metadata_sizei9223372036854775807ee",
      "d11:upload_only1:1e",
      "d1:vi5ee",
      "d1:vlee",
      "d6:yourip3:abce",
      "d6:yourip0:e",
      "d6:yourip5:abcdee",
      "d6:yourip17:aaaaaaaaaaaaaaaaae",
      "d6:youripi1ee",
  };
  const std::string nothing = EncodeExtensionHandshake({});
  for (const char* row : rows) {
    EXPECT_EQ(EncodeExtensionHandshake(Parse(row)), nothing) << row;
    // The fields beside it count all the same.
    const std::string beside = absl::StrCat(absl::string_view(row).substr(0, strlen(row) - 1), "1:q0:6:yourip4:abcde");
    if (absl::StrContains(row, "yourip")) continue;
    EXPECT_EQ(Ip(Parse(beside)), "abcd") << beside;
  }
}

TEST(ExtensionHandshakeTest, ReadsTheLastValuesOfEachRange) {
  EXPECT_EQ(IdOf(Parse("d1:md6:ut_pexi255eee"), Extension::kPex), 255);
  EXPECT_EQ(Parse("d1:pi65535ee").port, 65535);
  EXPECT_EQ(Parse("d4:reqqi9223372036854775807ee").request_queue, 0xffffffffu);
  EXPECT_EQ(Parse("d13:metadata_sizei16777216ee").metadata_size, 16777216u);
  EXPECT_EQ(Parse("d11:upload_onlyi0ee").upload_only, false);
  EXPECT_EQ(Parse("d11:upload_onlyi-7ee").upload_only, true);
  EXPECT_EQ(Ip(Parse("d6:yourip16:abcdefghijklmnope")), "abcdefghijklmnop");
  EXPECT_EQ(Parse("degarbage").client, "") << "what follows the dictionary is not looked at";
}

TEST(ExtensionHandshakeTest, RefusesWhatIsNoDictionaryWithinItsBounds) {
  std::string too_many = "d1:ml";
  for (size_t i = 0; i < kMaxExtensionHandshakeItems; ++i) too_many += "0:";
  too_many += "ee";
  for (const std::string& bytes : {std::string(""), std::string("le"), std::string("i1e"), std::string("d"),
                                   std::string("d1:m"), std::string("d1:v99999999:xe"), std::string("d1:vi1"),
                                   std::string(60'000, 'l'), "d1:m" + std::string(200, 'l'), too_many}) {
    absl::StatusOr<ExtensionHandshake> handshake = ParseExtensionHandshake(bytes);
    EXPECT_EQ(handshake.status().code(), absl::StatusCode::kInvalidArgument) << bytes.substr(0, 50);
    EXPECT_EQ(handshake.status().message().substr(0, 19), "extension handshake");
  }
}

// Hazards 8, 11, 12.
TEST(ExtensionHandshakeTest, TheClientsNameIsCleanAndBounded) {
  const std::string name = Parse(absl::StrCat("d1:v", 7, ":\x1b[2J\xff\n!e")).client;
  EXPECT_EQ(name.find_first_of("\x1b\n\xff"), std::string::npos) << name;
  EXPECT_EQ(name.back(), '!');
  EXPECT_LE(Parse(absl::StrCat("d1:v", 5000, ":", std::string(5000, 'A'), "e")).client.size(), kMaxClientNameBytes);
}

TEST(ExtensionIdsTest, ALaterHandshakeChangesOnlyWhatItNames) {
  ExtensionIds ids;
  EXPECT_EQ(ids[Extension::kPex], 0);
  EXPECT_FALSE(ids.Find(0).has_value()) << "0 is the handshake, no extension";
  ids.Update(Parse("d1:md11:ut_metadatai3e6:ut_pexi1eee"));
  EXPECT_EQ(ids[Extension::kPex], 1);
  EXPECT_EQ(ids.Find(3), Extension::kMetadata);
  EXPECT_FALSE(ids.Find(2).has_value());
  ids.Update(Parse("d1:md6:ut_pexi0eee"));
  EXPECT_EQ(ids[Extension::kPex], 0);
  EXPECT_FALSE(ids.Find(1).has_value());
  EXPECT_EQ(ids[Extension::kMetadata], 3);
}

}  // namespace
}  // namespace torrent::wire
