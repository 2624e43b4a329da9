#include "wire/metadata_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent::wire {
namespace {

using Type = MetadataMessage::Type;

TEST(MetadataMessageTest, ReadsTheExamplesOfItsBep) {
  absl::StatusOr<MetadataMessage> request = ParseMetadataMessage("d8:msg_typei0e5:piecei0ee");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->type, Type::kRequest);
  EXPECT_EQ(request->piece, 0u);
  // Its reject, with the number that its text has.
  absl::StatusOr<MetadataMessage> reject = ParseMetadataMessage("d8:msg_typei2e5:piecei0ee");
  ASSERT_TRUE(reject.ok());
  EXPECT_EQ(reject->type, Type::kReject);
  // Piece 2 is the last of 34256 bytes.
  const std::string last(1488, 'x');
  const std::string payload = absl::StrCat("d8:msg_typei1e5:piecei2e10:total_sizei34256ee", last);
  absl::StatusOr<MetadataMessage> data = ParseMetadataMessage(payload);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->type, Type::kData);
  EXPECT_EQ(data->piece, 2u);
  EXPECT_EQ(data->total_size, 34256u);
  EXPECT_EQ(data->bytes, last);
  EXPECT_EQ(EncodeMetadataMessage(*data), payload);
}

// The misprint, taken at its word: a data message with neither size nor bytes.
TEST(MetadataMessageTest, TheMisprintedRejectOfItsBepIsNoDataMessage) {
  EXPECT_TRUE(absl::IsInvalidArgument(ParseMetadataMessage("d8:msg_typei1e5:piecei0ee").status()));
}

TEST(MetadataMessageTest, IsItsBytesAndBack) {
  EXPECT_EQ(EncodeMetadataRequest(7), "d8:msg_typei0e5:piecei7ee");
  EXPECT_EQ(EncodeMetadataReject(4294967295u), "d8:msg_typei2e5:piecei4294967295ee");
  for (uint32_t size : {1u, 16383u, 16384u, 16385u, 32768u, 100'000u, kMaxPeerMetadataBytes}) {
    uint32_t total = 0;
    const uint32_t last = MetadataPieceCount(size) - 1;
    for (uint32_t piece = 0; piece <= last; ++piece) total += MetadataPieceBytes(size, piece);
    EXPECT_EQ(total, size);
    // Bytes that look like bencode going on.
    const std::string bytes(MetadataPieceBytes(size, last), 'd');
    const std::string payload = EncodeMetadataMessage({Type::kData, last, size, bytes});
    absl::StatusOr<MetadataMessage> data = ParseMetadataMessage(payload);
    ASSERT_TRUE(data.ok()) << size << data.status();
    EXPECT_EQ(data->piece, last);
    EXPECT_EQ(data->bytes, bytes);
  }
}

TEST(MetadataMessageTest, IgnoresWhatItsBepDoesNotName) {
  for (const char* payload :
       {"d8:msg_typei3ee", "d8:msg_typei-1e5:piecei0ee", "d8:msg_typei99999999999e5:piece1:xe", "d8:msg_typei255ee"}) {
    absl::StatusOr<MetadataMessage> message = ParseMetadataMessage(payload);
    ASSERT_TRUE(message.ok()) << payload;
    EXPECT_EQ(message->type, Type::kUnknown) << payload;
  }
  EXPECT_TRUE(ParseMetadataMessage("d5:piecei1e8:msg_typei0e3:fooli1eee").ok())
      << "keys in any order, and more of them";
  EXPECT_TRUE(ParseMetadataMessage("d8:msg_typei0e5:piecei0ee\n").ok());
}

TEST(MetadataMessageTest, RefusesWhatBreaksTheForm) {
  const std::string piece(16384, 'x');
  const std::string rows[] = {
      "",
      "d",
      "i0e",
      "le",
      "de",
      "d8:msg_type1:0e",
      "d8:msg_typei0ee",
      "d8:msg_typei0e5:piece1:0e",
      "d8:msg_typei0e5:piecei-1ee",
      "d8:msg_typei2e5:piecei4294967296ee",
      "d8:msg_typei1e5:piecei0e10:total_sizei0ee",
      "d8:msg_typei1e5:piecei0e10:total_sizei-5ee" + piece,
      "d8:msg_typei1e5:piecei0e10:total_sizei16777217ee" + piece,
      "d8:msg_typei1e5:piecei0e10:total_sizei99999999999ee" + piece,
      "d8:msg_typei1e5:piecei0e10:total_sizei16384ee" + piece.substr(1),
      "d8:msg_typei1e5:piecei0e10:total_sizei16384ee" + piece + "x",
      "d8:msg_typei1e5:piecei0e10:total_sizei20000ee" + piece.substr(0, 3616),
      "d8:msg_typei1e5:piecei1e10:total_sizei16384ee",
      "d8:msg_typei1e5:piecei1000000e10:total_sizei20000ee" + piece,
      "d8:msg_typei1e5:piecei4294967295e10:total_sizei16777216ee" + piece,
      "d3:pad2000:" + std::string(2000, 'x') + "8:msg_typei0e5:piecei0ee",
      "d3:pad" + std::string(200, 'l') + std::string(200, 'e') + "8:msg_typei0e5:piecei0ee",
      "d3:padl" + std::string(100, 'd') + std::string(100, 'e') + "e8:msg_typei0e5:piecei0ee",
  };
  for (const std::string& row : rows) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseMetadataMessage(row).status())) << row.substr(0, 80);
  }
}

TEST(MetadataMessageTest, NoPrefixOfAMessageIsReadBeyondItsEnd) {
  const std::string payload = absl::StrCat("d8:msg_typei1e5:piecei0e10:total_sizei10ee", std::string(10, 'x'));
  for (size_t size = 0; size <= payload.size(); ++size) {
    const std::vector<char> exact(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(ParseMetadataMessage({exact.data(), exact.size()}).ok(), size == payload.size()) << size;
  }
}

}  // namespace
}  // namespace torrent::wire
