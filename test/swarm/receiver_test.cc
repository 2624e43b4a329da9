#include "swarm/receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/random.h"
#include "test/swarm/streams.h"
#include "wire/bitfield.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Item = Receiver::Item;

constexpr int kClasses[] = {0, 1, 2};

std::string RandomBytes(size_t size, uint64_t seed) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

std::string Piece(uint32_t piece_index, uint32_t begin, absl::string_view block) {
  std::string out;
  wire::EncodePieceHeader(piece_index, begin, static_cast<uint32_t>(block.size()), &out);
  return absl::StrCat(out, block);
}

std::string BytesOf(const BlockWrite& block) {
  std::string bytes;
  for (const BlockWrite::Span& span : block.spans) {
    bytes.append(reinterpret_cast<const char*>(span.buffer.data()) + span.begin, span.length);
  }
  return bytes;
}

class ReceiverTest : public ::testing::Test {
 protected:
  ReceiverTest() {
    rules_.piece_count = 20;
    rules_.fast = true;
    rules_.extended = true;
  }

  // All that can be parsed, an item a line. Blocks that begin at 0 are kept, others dropped.
  void Parse(Receiver* receiver, std::vector<std::string>* items) {
    while (true) {
      switch (receiver->Next(rules_)) {
        case Item::kNothing:
          return;
        case Item::kMessage:
          items->push_back(wire::Describe(receiver->message()));
          break;
        case Item::kPayload:
          items->push_back(
              absl::StrCat(wire::Describe(receiver->message()), " = ", absl::BytesToHexString(receiver->payload())));
          break;
        case Item::kBlockHead:
          items->push_back(wire::Describe(receiver->message()));
          if (receiver->message().begin == 0) {
            receiver->KeepBlock(0, 1000 * receiver->message().piece_index);
          } else {
            receiver->DropBlock();
          }
          break;
        case Item::kBlock: {
          BlockWrite block = receiver->TakeBlock();
          items->push_back(absl::StrCat("block ", block.piece_index, " at ", block.offset, ", ", block.length, ": ",
                                        absl::BytesToHexString(BytesOf(block))));
          if (hold_) held_.push_back(std::move(block));
          break;
        }
        case Item::kError:
          items->push_back(wire::StatusOf(receiver->message(), rules_).ToString());
          return;
      }
    }
  }

  // Feeds `bytes` in portions of those sizes, the last one for all that is left.
  std::vector<std::string> Run(absl::string_view bytes, const std::vector<size_t>& portions, int size_class) {
    MemoryStream stream;
    stream.Feed(bytes);
    Receiver receiver(&stream, &pool_);
    std::vector<std::string> items;
    size_t next = 0;
    while (stream.left() > 0) {
      const size_t limit = portions[std::min(next++, portions.size() - 1)];
      EXPECT_TRUE(receiver.Receive(limit, size_class).has_bytes());
      Parse(&receiver, &items);
    }
    return items;
  }

  BufferPool pool_{64 << 20, 1 << 20};
  wire::MessageRules rules_;
  bool hold_ = false;  // as the writer's queue does
  std::vector<BlockWrite> held_;
};

std::string Everything() {
  std::string s;
  wire::EncodeKeepAlive(&s);
  wire::EncodeBitfield(*wire::Bitfield::FromWire(std::vector<uint8_t>{0xf0, 0x0f, 0x30}, 20), &s);
  wire::EncodeUnchoke(&s);
  wire::EncodeHave(19, &s);
  s += std::string("\0\0\0\x08\x63unknown", 12);
  s += std::string("\0\0\0\x01\x63", 5);
  s += Piece(7, 0, "the block that is kept");
  wire::EncodeExtended(3, "payload", &s);
  wire::EncodeExtended(1, "", &s);
  s += Piece(8, 16384, "the block that is dropped");
  wire::EncodeRequest(1, 0, 16384, &s);
  s += Piece(9, 0, "k");
  wire::EncodeAllowedFast(4, &s);
  return s;
}

TEST_F(ReceiverTest, ReadsEveryKindOfMessage) {
  EXPECT_THAT(Run(Everything(), {SIZE_MAX}, 0),
              ElementsAre("keep-alive", ::testing::EndsWith(" = f00f30"), "unchoke", "have piece 19",
                          "piece piece 7 begin 0 length 22",
                          absl::StrCat("block 7 at 7000, 22: ", absl::BytesToHexString("the block that is kept")),
                          ::testing::EndsWith(absl::StrCat(" = ", absl::BytesToHexString("payload"))),
                          ::testing::EndsWith(" = "), "piece piece 8 begin 16384 length 25",
                          "request piece 1 begin 0 length 16384", "piece piece 9 begin 0 length 1",
                          absl::StrCat("block 9 at 9000, 1: ", absl::BytesToHexString("k")), "allowed fast piece 4"));
}

TEST_F(ReceiverTest, ReadsTheSameWhereverTheStreamIsCut) {
  const std::string bytes = Everything();
  const std::vector<std::string> whole = Run(bytes, {SIZE_MAX}, 0);
  for (const int size_class : kClasses) {
    for (const bool hold : {false, true}) {
      hold_ = hold;
      for (size_t cut = 1; cut < bytes.size(); cut++) {
        ASSERT_EQ(Run(bytes, {cut, SIZE_MAX}, size_class), whole) << cut;
        ASSERT_EQ(Run(bytes, {cut, 1, 1, SIZE_MAX}, size_class), whole) << cut;
      }
      ASSERT_EQ(Run(bytes, {1}, size_class), whole);
      ASSERT_EQ(Run(bytes, {2}, size_class), whole);
      ASSERT_EQ(Run(bytes, {17}, size_class), whole);
      held_.clear();
    }
  }
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_F(ReceiverTest, ReadsTheSameWhereverABufferEnds) {
  const std::string bytes = Everything();
  const std::vector<std::string> whole = Run(bytes, {SIZE_MAX}, 0);
  for (const bool hold : {false, true}) {
    hold_ = hold;
    const size_t capacity = BufferPool::kBufferClasses[0];
    for (size_t before = 1; before <= bytes.size(); before++) {
      // A block that is kept first, so that its buffer is not the receiver's alone; then what nobody knows, up to the
      // border.
      std::string filler = Piece(5, 0, "first");
      const size_t rest = capacity - before - filler.size() - 5;
      AppendBE32(&filler, static_cast<uint32_t>(rest + 1));
      filler += '\x63';
      filler.append(rest, 'x');
      ASSERT_EQ(filler.size(), capacity - before);
      std::vector<std::string> items = Run(filler + bytes, {SIZE_MAX}, 0);
      ASSERT_GE(items.size(), 2u);
      items.erase(items.begin(), items.begin() + 2);
      ASSERT_EQ(items, whole) << before << " bytes before the border";
      held_.clear();
    }
  }
}

TEST_F(ReceiverTest, FullBlocksCrossBuffersWhole) {
  std::string bytes;
  std::vector<std::string> blocks;
  for (uint32_t i = 0; i < 20; i++) {
    blocks.push_back(RandomBytes(kBlockBytes, i));
    bytes += Piece(i, 0, blocks.back());
  }
  for (const int size_class : kClasses) {
    MemoryStream stream;
    stream.Feed(bytes);
    Receiver receiver(&stream, &pool_);
    std::vector<BlockWrite> got;
    size_t spans = 0;
    while (receiver.Receive(SIZE_MAX, size_class).has_bytes()) {
      for (Item item = receiver.Next(rules_); item != Item::kNothing; item = receiver.Next(rules_)) {
        if (item == Item::kBlockHead) receiver.KeepBlock(0, 0);
        if (item == Item::kBlock) got.push_back(receiver.TakeBlock());
      }
    }
    ASSERT_EQ(got.size(), blocks.size());
    for (size_t i = 0; i < got.size(); i++) {
      EXPECT_TRUE(BytesOf(got[i]) == blocks[i]) << i;
      spans += got[i].spans.size();
    }
    EXPECT_GT(spans, blocks.size());  // some did cross
    // What is held is held; nothing beyond it and the receiver's own buffer.
    EXPECT_GE(pool_.bytes_in_use(), bytes.size());
    EXPECT_LE(pool_.bytes_in_use(), 2 * bytes.size() + 2 * BufferPool::kBufferClasses[size_class]);
    got.clear();
    receiver.Rest();
    EXPECT_EQ(pool_.bytes_in_use(), 0u);
  }
}

TEST_F(ReceiverTest, ABufferIsFilledAgainOnceTheWriterIsThrough) {
  MemoryStream stream;
  Receiver receiver(&stream, &pool_);
  std::vector<std::string> items;
  for (int i = 0; i < 100; i++) {
    stream.Feed(Piece(1, 0, RandomBytes(kBlockBytes, 1)));
    while (stream.left() > 0) {
      receiver.Receive(SIZE_MAX, 1);
      Parse(&receiver, &items);
    }
    EXPECT_EQ(pool_.bytes_in_use(), BufferPool::kBufferClasses[1]);
  }
  EXPECT_EQ(items.size(), 200u);
}

TEST_F(ReceiverTest, ABitfieldLargerThanAnyBufferIsRead) {
  constexpr uint32_t kPieces = 1u << 21;
  rules_.piece_count = kPieces;
  const std::string bits = RandomBytes(kPieces / 8, 3);
  std::string bytes;
  wire::EncodeBitfield(*wire::Bitfield::FromWire(AsBytes(bits), kPieces), &bytes);
  wire::EncodeHave(5, &bytes);
  for (const int size_class : kClasses) {
    MemoryStream stream;
    stream.Feed(bytes);
    Receiver receiver(&stream, &pool_);
    bool whole = false, have = false;
    while (receiver.Receive(SIZE_MAX, size_class).has_bytes()) {
      for (Item item = receiver.Next(rules_); item != Item::kNothing; item = receiver.Next(rules_)) {
        if (item == Item::kPayload) whole = receiver.payload() == bits;
        if (item == Item::kMessage) have = receiver.message().id == wire::MessageId::kHave;
      }
    }
    EXPECT_TRUE(whole);
    EXPECT_TRUE(have);
  }
}

TEST_F(ReceiverTest, WrongMessagesAreErrors) {
  std::string unchoke;
  wire::EncodeUnchoke(&unchoke);
  std::string have;
  wire::EncodeHave(20, &have);
  const struct {
    std::string bytes;
    const char* says;
  } rows[] = {
      {have, "20"},
      {std::string("\xff\xff\xff\xff", 4), "4294967295"},
      {std::string("\0\0\0\2\1\1", 6), "unchoke"},
      {Piece(20, 0, "x"), "20"},
      {Piece(1, 0, std::string(kBlockBytes + 1, 'x')), "16394"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(Run(unchoke + row.bytes.substr(0, 40), {SIZE_MAX}, 0),
                ElementsAre("unchoke", ::testing::AllOf(HasSubstr("INVALID_ARGUMENT"), HasSubstr(row.says))));
  }
}

TEST_F(ReceiverTest, AnIdlePeerHoldsNoBufferAndNoByteIsLost) {
  std::string bytes;
  wire::EncodeRequest(1, 0, 16384, &bytes);
  wire::EncodeHave(3, &bytes);
  for (size_t cut = 1; cut < bytes.size(); cut++) {
    MemoryStream stream;
    Receiver receiver(&stream, &pool_);
    std::vector<std::string> items;
    for (const absl::string_view part :
         {absl::string_view(bytes).substr(0, cut), absl::string_view(bytes).substr(cut)}) {
      stream.Feed(part);
      EXPECT_TRUE(receiver.Receive(SIZE_MAX, 0).has_bytes());
      Parse(&receiver, &items);
      receiver.Rest();
      EXPECT_EQ(pool_.bytes_in_use(), 0u);
      EXPECT_EQ(receiver.Next(rules_), Item::kNothing);  // whoever asks now
    }
    EXPECT_THAT(items, ElementsAre("request piece 1 begin 0 length 16384", "have piece 3")) << cut;
  }
}

TEST_F(ReceiverTest, RestsInTheMiddleOfAPayloadButNotOfABlock) {
  MemoryStream stream;
  Receiver receiver(&stream, &pool_);
  std::vector<std::string> items;
  std::string bytes;
  wire::EncodeExtended(3, "payload", &bytes);
  stream.Feed(bytes.substr(0, 9));
  receiver.Receive(SIZE_MAX, 0);
  Parse(&receiver, &items);
  receiver.Rest();
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
  stream.Feed(bytes.substr(9));
  bytes = Piece(2, 0, "block");
  stream.Feed(bytes.substr(0, 15));
  receiver.Receive(SIZE_MAX, 0);
  Parse(&receiver, &items);
  receiver.Rest();
  EXPECT_GT(pool_.bytes_in_use(), 0u);
  stream.Feed(bytes.substr(15));
  receiver.Receive(SIZE_MAX, 0);
  Parse(&receiver, &items);
  EXPECT_THAT(items, ElementsAre(HasSubstr(absl::BytesToHexString("payload")), "piece piece 2 begin 0 length 5",
                                 HasSubstr(absl::BytesToHexString("block"))));
  receiver.Rest();
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_F(ReceiverTest, SaysWhenTheStreamIsEmptyAndWhenItEnded) {
  MemoryStream stream;
  Receiver receiver(&stream, &pool_);
  std::string bytes;
  wire::EncodeUnchoke(&bytes);
  stream.Feed(bytes);
  receiver.Receive(5, 0);
  EXPECT_FALSE(receiver.drained());
  std::vector<std::string> items;
  Parse(&receiver, &items);
  EXPECT_TRUE(receiver.Receive(SIZE_MAX, 0).would_block());
  EXPECT_TRUE(receiver.drained());
  stream.End();
  EXPECT_TRUE(receiver.Receive(SIZE_MAX, 0).closed());
}

}  // namespace
}  // namespace torrent
