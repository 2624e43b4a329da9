#include "wire/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/random.h"
#include "test/wire/hex.h"
#include "wire/bitfield.h"

namespace torrent::wire {
namespace {

MessageRules Rules(absl::optional<uint32_t> piece_count) {
  MessageRules rules;
  rules.piece_count = piece_count;
  rules.fast = true;
  rules.extended = true;
  return rules;
}

// From a heap block of exactly that size, so that AddressSanitizer sees a read beyond the end.
Message Peek(absl::string_view bytes, const MessageRules& rules) {
  auto exact = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return PeekMessage({exact.get(), bytes.size()}, rules);
}

// Enough to compare two messages by.
std::string Fields(const Message& m) {
  return absl::StrCat(static_cast<int>(m.form), " id ", static_cast<int>(m.id), " head ", m.head_bytes, " payload ",
                      m.payload_bytes, " piece ", m.piece_index, " begin ", m.begin, " length ", m.length, " port ",
                      m.port, " extended ", static_cast<int>(m.extended_id), " error ", static_cast<int>(m.error));
}

struct GoodMessage {
  const char* name;
  std::function<void(std::string*)> encode;
  const char* hex;
  const char* described;
};

const std::vector<GoodMessage>& GoodMessages() {
  static const auto* messages = new std::vector<GoodMessage>{
      {"keep-alive", EncodeKeepAlive, "00000000", "keep-alive"},
      {"choke", EncodeChoke, "00000001 00", "choke"},
      {"unchoke", EncodeUnchoke, "00000001 01", "unchoke"},
      {"interested", EncodeInterested, "00000001 02", "interested"},
      {"not interested", EncodeNotInterested, "00000001 03", "not interested"},
      {"have", [](std::string* out) { EncodeHave(0x0102, out); }, "00000005 04 00000102", "have piece 258"},
      {"bitfield",
       [](std::string* out) {
         Bitfield bitfield(1000);
         bitfield.Set(0);
         bitfield.Set(9);
         bitfield.Set(999);
         EncodeBitfield(bitfield, out);
       },
       "0000007e 05 8040"
       "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "0000 01",
       "bitfield 125 bytes"},
      {"request", [](std::string* out) { EncodeRequest(3, 0x4000, 0x4000, out); },
       "0000000d 06 00000003 00004000 00004000", "request piece 3 begin 16384 length 16384"},
      {"piece",
       [](std::string* out) {
         EncodePieceHeader(3, 0x4000, 4, out);
         out->append("data");
       },
       "0000000d 07 00000003 00004000 64617461", "piece piece 3 begin 16384 length 4"},
      {"cancel", [](std::string* out) { EncodeCancel(3, 0x4000, 0x4000, out); },
       "0000000d 08 00000003 00004000 00004000", "cancel piece 3 begin 16384 length 16384"},
      {"port", [](std::string* out) { EncodePort(6881, out); }, "00000003 09 1ae1", "port 6881"},
      {"suggest piece", [](std::string* out) { EncodeSuggestPiece(7, out); }, "00000005 0d 00000007",
       "suggest piece piece 7"},
      {"have all", EncodeHaveAll, "00000001 0e", "have all"},
      {"have none", EncodeHaveNone, "00000001 0f", "have none"},
      {"reject request", [](std::string* out) { EncodeRejectRequest(3, 0, 1, out); },
       "0000000d 10 00000003 00000000 00000001", "reject request piece 3 begin 0 length 1"},
      {"allowed fast", [](std::string* out) { EncodeAllowedFast(999, out); }, "00000005 11 000003e7",
       "allowed fast piece 999"},
      {"extension handshake", [](std::string* out) { EncodeExtended(0, "de", out); }, "00000004 14 00 6465",
       "extended id 0 2 bytes"},
      {"extended", [](std::string* out) { EncodeExtended(3, "", out); }, "00000002 14 03", "extended id 3 0 bytes"},
  };
  return *messages;
}

TEST(MessageTest, EveryMessageIsItsBytesAndBack) {
  for (const GoodMessage& good : GoodMessages()) {
    SCOPED_TRACE(good.name);
    const std::string bytes = FromHex(good.hex);
    std::string encoded = "before";
    good.encode(&encoded);
    EXPECT_EQ(ToHex(encoded), ToHex("before" + bytes)) << "appended, nothing else touched";
    const Message message = Peek(bytes, Rules(1000));
    EXPECT_EQ(Describe(message), good.described);
    EXPECT_EQ(message.head_bytes + message.payload_bytes, bytes.size());
    EXPECT_LE(message.head_bytes, kMaxHeadBytes);
  }
}

TEST(MessageTest, EveryShorterFrontIsIncompleteAndSaysWhatItNeeds) {
  for (const GoodMessage& good : GoodMessages()) {
    SCOPED_TRACE(good.name);
    const std::string bytes = FromHex(good.hex);
    const Message whole = Peek(bytes, Rules(1000));
    for (size_t size = 0; size < bytes.size(); ++size) {
      const Message message = Peek(absl::string_view(bytes).substr(0, size), Rules(1000));
      if (size < whole.head_bytes) {
        EXPECT_EQ(message.form, MessageForm::kIncomplete) << size;
        EXPECT_GT(message.head_bytes, size);
        EXPECT_LE(message.head_bytes, whole.head_bytes);
      } else {
        EXPECT_EQ(Fields(message), Fields(whole)) << "the payload is not waited for";
      }
    }
  }
}

TEST(MessageTest, WhatFollowsChangesNothing) {
  for (const GoodMessage& good : GoodMessages()) {
    const std::string bytes = FromHex(good.hex);
    EXPECT_EQ(Fields(Peek(bytes, Rules(1000))), Fields(Peek(bytes + "\xff\xff\xff\xff\xff", Rules(1000)))) << good.name;
  }
}

TEST(MessageTest, AStreamCutAnywhereGivesTheSameMessages) {
  // Each message by its description, with its payload.
  std::string stream;
  std::vector<std::string> sent;
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const GoodMessage& good = GoodMessages()[random.Below(GoodMessages().size())];
    const std::string bytes = FromHex(good.hex);
    stream += bytes;
    sent.push_back(absl::StrCat(good.described, ":", bytes.substr(Peek(bytes, Rules(1000)).head_bytes)));
  }
  for (int run = 0; run < 20; ++run) {
    std::vector<std::string> received;
    std::string buffer, payload;
    absl::optional<Message> current;
    for (size_t at = 0; at < stream.size();) {
      const size_t part = 1 + random.Below(run < 5 ? 3 : 60);
      buffer += stream.substr(at, part);
      at += part;
      while (true) {
        if (!current.has_value()) {
          const Message message = Peek(buffer, Rules(1000));
          if (message.form == MessageForm::kIncomplete) break;
          ASSERT_NE(message.form, MessageForm::kError) << StatusOf(message, Rules(1000));
          buffer.erase(0, message.head_bytes);
          current = message;
        }
        const size_t taken = std::min(buffer.size(), current->payload_bytes - payload.size());
        payload += buffer.substr(0, taken);
        buffer.erase(0, taken);
        if (payload.size() < current->payload_bytes) break;
        received.push_back(absl::StrCat(Describe(*current), ":", payload));
        payload.clear();
        current.reset();
      }
    }
    EXPECT_EQ(received, sent);
  }
}

TEST(MessageTest, ABlockStreamsBehindAHeadOfThirteenBytes) {
  std::string head;
  EncodePieceHeader(5, 0xc000, kBlockBytes, &head);
  ASSERT_EQ(head.size(), 13u);
  const Message message = Peek(head, Rules(1000));
  EXPECT_EQ(message.form, MessageForm::kMessage);
  EXPECT_EQ(message.id, MessageId::kPiece);
  EXPECT_EQ(message.head_bytes, 13u);
  EXPECT_EQ(message.payload_bytes, kBlockBytes);
  EXPECT_EQ(message.length, kBlockBytes);
}

struct BadMessage {
  const char* hex;
  const char* error;
};

TEST(MessageTest, RefusesWhatItsLengthOrIndexCannotBe) {
  const BadMessage bad[] = {
      // Length prefix: hazard 40; refused before the id is there.
      {"ffffffff", "message length 4294967295 is over the limit of 1048576 bytes"},
      {"00100001", "message length 1048577 is over the limit of 1048576 bytes"},
      {"80000005", "message length 2147483653 is over the limit of 1048576 bytes"},
      // Fixed lengths, refused before any field is there.
      {"00000002 00", "choke: message length 2 is not 1"},
      {"00000005 01", "unchoke: message length 5 is not 1"},
      {"00000002 02", "interested: message length 2 is not 1"},
      {"00000002 03", "not interested: message length 2 is not 1"},
      {"00000001 04", "have: message length 1 is not 5"},
      {"00000006 04", "have: message length 6 is not 5"},
      {"0000000c 06", "request: message length 12 is not 13"},
      {"0000000e 08", "cancel: message length 14 is not 13"},
      {"00000001 09", "port: message length 1 is not 3"},
      {"00000004 0d", "suggest piece: message length 4 is not 5"},
      {"00000002 0e", "have all: message length 2 is not 1"},
      {"00000002 0f", "have none: message length 2 is not 1"},
      {"00000001 10", "reject request: message length 1 is not 13"},
      {"00000009 11", "allowed fast: message length 9 is not 5"},
      // A bitfield of 1000 pieces has 125 bytes: hazard 39.
      {"0000007d 05", "bitfield: message length 125 is not 126"},
      {"0000007f 05", "bitfield: message length 127 is not 126"},
      {"00000001 05", "bitfield: message length 1 is not 126"},
      // A piece message shorter than its head: hazard 41; longer than what we ever ask: hazard 40.
      {"00000001 07", "piece: message length 1 is not in [9, 16394)"},
      {"00000008 07", "piece: message length 8 is not in [9, 16394)"},
      {"0000400a 07", "piece: message length 16394 is not in [9, 16394)"},
      {"00000001 14", "extended: message length 1 is not in [2, 65539)"},
      {"00010003 14", "extended: message length 65539 is not in [2, 65539)"},
      // Piece indices out of the torrent: hazards 36, 37, 38.
      {"00000005 04 000003e8", "have: piece 1000 is not in [0, 1000)"},
      {"00000005 04 ffffffff", "have: piece 4294967295 is not in [0, 1000)"},
      {"00000005 04 80000000", "have: piece 2147483648 is not in [0, 1000)"},
      {"00000005 0d 000003e8", "suggest piece: piece 1000 is not in [0, 1000)"},
      {"00000005 11 000003e8", "allowed fast: piece 1000 is not in [0, 1000)"},
      {"0000000d 06 000003e8 00000000 00004000", "request: piece 1000 is not in [0, 1000)"},
      {"0000000d 08 000003e8 00000000 00004000", "cancel: piece 1000 is not in [0, 1000)"},
      {"0000000d 10 000003e8 00000000 00004000", "reject request: piece 1000 is not in [0, 1000)"},
      {"00000009 07 000003e8 00000000", "piece: piece 1000 is not in [0, 1000)"},
      // Lengths that nobody serves, sums that wrap in 32 bits: hazard 42.
      {"0000000d 06 00000000 00000000 00000000", "request: piece 0: length 0 is not in [1, 131073)"},
      {"0000000d 06 00000000 00000000 00020001", "request: piece 0: length 131073 is not in [1, 131073)"},
      {"0000000d 06 00000000 00000000 ffffffff", "request: piece 0: length 4294967295 is not in [1, 131073)"},
      {"0000000d 06 00000000 ffffffff 00000001",
       "request: piece 0: begin 4294967295 + length 1 is beyond any piece, 536870912 bytes at most"},
      {"0000000d 08 00000000 ffffc000 00004000",
       "cancel: piece 0: begin 4294950912 + length 16384 is beyond any piece, 536870912 bytes at most"},
      {"0000000d 07 00000000 1ffffffd",
       "piece: piece 0: begin 536870909 + length 4 is beyond any piece, 536870912 bytes at most"},
  };
  for (const BadMessage& row : bad) {
    SCOPED_TRACE(row.hex);
    const std::string bytes = FromHex(row.hex);
    const Message message = Peek(bytes, Rules(1000));
    ASSERT_EQ(message.form, MessageForm::kError);
    const absl::Status status = StatusOf(message, Rules(1000));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), row.error);
    EXPECT_EQ(Fields(Peek(bytes + "more", Rules(1000))), Fields(message)) << "stays one, whatever comes";
    const absl::string_view shorter = absl::string_view(bytes).substr(0, bytes.size() - 1);
    EXPECT_EQ(Peek(shorter, Rules(1000)).form, MessageForm::kIncomplete) << "told by the last byte of these";
  }
}

TEST(MessageTest, TheLastOfEachRangeIsAccepted) {
  const char* const good[] = {
      "00000005 04 000003e7",                    // piece 999 of 1000
      "0000000d 06 000003e7 1fffc000 00004000",  // ends where the longest piece ends
      "0000000d 06 00000000 00000000 00020000",  // 128 KiB
      "00004009 07 000003e7 00000000",           // a whole block
      "00000009 07 00000000 00000000",           // an empty one: waste, not an error (hazard 46)
      "00010002 14 01",                          // 64 KiB of an extension
  };
  for (const char* hex : good) {
    const Message message = Peek(FromHex(hex), Rules(1000));
    EXPECT_EQ(message.form, MessageForm::kMessage) << hex << ": " << StatusOf(message, Rules(1000));
  }
}

TEST(MessageTest, UnknownIdsAreSkippedUpToOneMebibyte) {
  for (const char* id : {"0a", "0b", "0c", "12", "13", "15", "16", "17", "18", "54", "ff"}) {
    const Message message = Peek(FromHex(absl::StrCat("00100000", id)), Rules(1000));
    EXPECT_EQ(message.form, MessageForm::kIgnored) << id;
    EXPECT_EQ(message.head_bytes, 5u);
    EXPECT_EQ(message.payload_bytes, 1024u * 1024 - 1);
  }
  EXPECT_EQ(Describe(Peek(FromHex("00000031 15"), Rules(1000))), "hash request (id 21), 48 bytes ignored");
  EXPECT_EQ(Describe(Peek(FromHex("00000003 63"), Rules(1000))), "unknown message (id 99), 2 bytes ignored");
}

TEST(MessageTest, IdsOfAnExtensionThatWasNotAgreedOnAreUnknown) {
  MessageRules plain;
  plain.piece_count = 1000;
  for (const char* hex :
       {"00000005 0d ffffffff", "00000001 0e", "00000001 0f", "0000000d 10", "00000005 11", "00000003 14 00"}) {
    EXPECT_EQ(Peek(FromHex(hex), plain).form, MessageForm::kIgnored) << hex;
  }
}

TEST(MessageTest, WithoutMetadataAnIndexMayBeThatOfAnyTorrent) {
  const MessageRules rules = Rules(absl::nullopt);
  EXPECT_EQ(Peek(FromHex("00000005 04 001fffff"), rules).form, MessageForm::kMessage);
  EXPECT_EQ(StatusOf(Peek(FromHex("00000005 04 00200000"), rules), rules).message(),
            "have: piece 2097152 is not in [0, 2097152)");
  EXPECT_EQ(Peek(FromHex("00040001 05"), rules).payload_bytes, 256u * 1024);
  EXPECT_EQ(StatusOf(Peek(FromHex("00040002 05"), rules), rules).message(),
            "bitfield: message length 262146 is not in [1, 262146)");
}

TEST(MessageTest, TheLargestTorrentsBitfieldIsAHeadAndAStream) {
  std::string bytes;
  EncodeBitfield(Bitfield::AllSet(kMaxPieces), &bytes);
  const Message message = Peek(absl::string_view(bytes).substr(0, 5), Rules(kMaxPieces));
  EXPECT_EQ(message.form, MessageForm::kMessage);
  EXPECT_EQ(message.head_bytes, 5u);
  EXPECT_EQ(message.payload_bytes, 256u * 1024);
}

TEST(MessageTest, LongerBlocksPassWhereTheyWereRequested) {
  MessageRules rules = Rules(10);
  rules.max_block_bytes = 2 * kBlockBytes;
  EXPECT_EQ(Peek(FromHex("00008009 07 00000000 00000000"), rules).payload_bytes, 2 * kBlockBytes);
  EXPECT_EQ(StatusOf(Peek(FromHex("0000800a 07"), rules), rules).message(),
            "piece: message length 32778 is not in [9, 32778)");
}

TEST(MessageTest, RandomBytesNeverGiveMoreThanTheRulesAllow) {
  Random random(7);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes(random.Below(24), '\0');
    for (char& c : bytes) c = static_cast<char>(random.Next());
    // Half of them with a length that some message has.
    if (bytes.size() >= 5 && random.Below(2) == 0) {
      constexpr uint8_t kLengths[] = {0, 1, 3, 5, 9, 13, 126};
      StoreBE32(&bytes[0], kLengths[random.Below(7)]);
      bytes[4] = static_cast<char>(random.Below(24));
      for (size_t j = 5; j < bytes.size(); ++j) bytes[j] = static_cast<char>(random.Below(3) == 0 ? random.Next() : 0);
    }
    const Message message = Peek(bytes, Rules(1000));
    ASSERT_LE(message.payload_bytes, kMaxIgnoredMessageBytes);
    if (message.form == MessageForm::kError) {
      ASSERT_FALSE(StatusOf(message, Rules(1000)).ok());
    } else if (message.form == MessageForm::kMessage) {
      ++accepted;
      ASSERT_LE(message.head_bytes, bytes.size());
      ASSERT_LT(message.piece_index, 1000u);
      ASSERT_LE(uint64_t{message.begin} + message.length, kMaxPieceBytes);
      ASSERT_LE(message.length, kMaxServedRequestBytes);
    }
  }
  EXPECT_GT(accepted, 1000) << "else nothing was tried";
}

TEST(CheckBlockTest, ABlockLiesWhollyInItsPieceAndIsNotEmpty) {
  EXPECT_TRUE(CheckBlock(12, 0, 1, 1).ok());
  EXPECT_TRUE(CheckBlock(12, 49152, 16384, 65536).ok());
  EXPECT_TRUE(CheckBlock(12, 65535, 1, 65536).ok());
  EXPECT_TRUE(CheckBlock(12, 0, kMaxPieceBytes, kMaxPieceBytes).ok());
  const struct {
    uint32_t begin, length;
    const char* error;
  } bad[] = {
      {65536, 1, "piece 12: begin 65536 is not in [0, 65536)"},
      {0xffffffff, 1, "piece 12: begin 4294967295 is not in [0, 65536)"},
      {0, 0, "piece 12: length 0 at begin 0 is not in [1, 65537)"},
      {65535, 2, "piece 12: length 2 at begin 65535 is not in [1, 2)"},
      {1, 0xffffffff, "piece 12: length 4294967295 at begin 1 is not in [1, 65536)"},
  };
  for (const auto& row : bad) {
    const absl::Status status = CheckBlock(12, row.begin, row.length, 65536);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), row.error);
  }
}

}  // namespace
}  // namespace torrent::wire
