// The worked example of src/wire/README.md, read from there: what the page teaches is what the code does.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/bytes.h"
#include "test/wire/hex.h"
#include "wire/extension.h"
#include "wire/handshake.h"
#include "wire/message.h"
#include "wire/metadata_message.h"
#include "wire/pex_message.h"

namespace torrent::wire {
namespace {

// What stands between < and > is hexadecimal.
// The id that the example's peers gave to ut_pex; its other extended messages are of ut_metadata.
constexpr uint8_t kPexId = 1;

std::string WithBytes(absl::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const size_t begin = std::min(text.find('<'), text.size());
    absl::StrAppend(&bytes, text.substr(0, begin));
    text.remove_prefix(begin);
    if (text.empty()) break;
    const size_t end = text.find('>');
    absl::StrAppend(&bytes, FromHex(text.substr(1, end - 1)));
    text.remove_prefix(end + 1);
  }
  return bytes;
}

TEST(ReadmeTest, TheWholeExchangeIsWhatItsCommentsSay) {
  std::ifstream file("src/wire/README.md");
  ASSERT_TRUE(file) << "run from the top of the source tree";
  MessageRules rules;
  rules.piece_count = 2;
  rules.fast = rules.extended = true;
  std::map<std::string, std::string> handshakes;
  int messages = 0, extension_handshakes = 0, metadata_messages = 0, peer_exchanges = 0;
  std::string line;
  while (std::getline(file, line)) {
    const std::string direction = line.substr(0, 3);
    if (direction != "L>S" && direction != "S>L") continue;
    SCOPED_TRACE(line);
    const size_t comment_at = line.find("  ", 5);
    ASSERT_NE(comment_at, std::string::npos);
    const std::string bytes = FromHex(line.substr(5, comment_at - 5));
    const std::string comment(absl::StripAsciiWhitespace(line.substr(comment_at)));
    if (absl::StartsWith(comment, "handshake:")) {
      handshakes[direction] += bytes;
      continue;
    }
    const Message message = PeekMessage(AsBytes(bytes), rules);
    EXPECT_EQ(Describe(message), comment);
    EXPECT_EQ(message.head_bytes, bytes.size());
    ++messages;
    if (message.id == MessageId::kExtended && message.form == MessageForm::kMessage) {
      std::string payload;
      std::getline(file, payload);
      payload = WithBytes(absl::StripLeadingAsciiWhitespace(payload));
      EXPECT_EQ(payload.size(), message.payload_bytes);
      if (message.extended_id != kExtensionHandshakeId) {
        if (message.extended_id == kPexId) {
          absl::StatusOr<PexMessage> pex = ParsePex(payload);
          ASSERT_TRUE(pex.ok()) << pex.status();
          EXPECT_EQ(EncodePex(*pex), payload);
          EXPECT_EQ(pex->added.size(), 2u);
          EXPECT_EQ(pex->added[0].flags, kPexReachable);
          EXPECT_EQ(pex->added[1].flags, kPexSeed);
          ++peer_exchanges;
        } else {
          absl::StatusOr<MetadataMessage> metadata = ParseMetadataMessage(payload);
          ASSERT_TRUE(metadata.ok()) << metadata.status();
          EXPECT_EQ(EncodeMetadataMessage(*metadata), payload);
          ++metadata_messages;
        }
        continue;
      }
      absl::StatusOr<ExtensionHandshake> handshake = ParseExtensionHandshake(payload);
      ASSERT_TRUE(handshake.ok()) << handshake.status();
      EXPECT_EQ(EncodeExtensionHandshake(*handshake), payload) << "every field of it is known here";
      ++extension_handshakes;
    }
  }
  EXPECT_EQ(messages, 28);
  EXPECT_EQ(metadata_messages, 4);
  EXPECT_EQ(peer_exchanges, 1);
  EXPECT_EQ(extension_handshakes, 2);
  ASSERT_EQ(handshakes.size(), 2u);
  for (const auto& [direction, bytes] : handshakes) {
    absl::StatusOr<Handshake> handshake = ParseHandshake(AsBytes(bytes));
    ASSERT_TRUE(handshake.ok()) << direction << handshake.status();
    EXPECT_TRUE(handshake->fast && handshake->extended);
    EXPECT_EQ(handshake->dht, direction == "S>L");
    EXPECT_EQ(EncodeHandshake(*handshake), bytes);
    EXPECT_EQ(ClientOfPeerId(handshake->peer_id), direction == "L>S" ? "piecework 0.1.0" : "Transmission 4.0.5");
  }
}

}  // namespace
}  // namespace torrent::wire
