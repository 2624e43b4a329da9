#include "swarm/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "test/support/files.h"
#include "test/support/payload.h"
#include "test/swarm/streams.h"
#include "wire/message.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kSentPieceBytes = 2 * kBlockBytes;

// Parsed with nothing left over: "have piece 1", "piece piece 0 begin 0 length 16384" with its payload checked.
std::vector<std::string> Parse(absl::string_view bytes, const test::Payload& payload) {
  wire::MessageRules rules;
  rules.piece_count = payload.piece_count();
  rules.max_block_bytes = kMaxServedRequestBytes;
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    const wire::Message message = wire::PeekMessage(AsBytes(bytes), rules);
    if (message.form != wire::MessageForm::kMessage) {
      messages.push_back("not a message");
      return messages;
    }
    bytes.remove_prefix(message.head_bytes);
    messages.push_back(wire::Describe(message));
    if (message.id == wire::MessageId::kPiece &&
        bytes.substr(0, message.payload_bytes) !=
            payload.Block(message.piece_index, message.begin, message.payload_bytes)) {
      messages.back() += " with wrong bytes";
    }
    bytes.remove_prefix(std::min<size_t>(bytes.size(), message.payload_bytes));
  }
  return messages;
}

// With and without sendfile.
class SenderTest : public ::testing::TestWithParam<bool> {
 protected:
  // Two whole pieces, and one that is the end of a file, a pad file, and the begin of a file that is not wanted.
  SenderTest()
      : payload_("sent", {{"a", 2 * kSentPieceBytes + 1000}, {"pad", 15000, true}, {"unwanted", 40000}, {"b", 500}},
                 kSentPieceBytes),
        pair_(GetParam()) {
    Open();
    std::string bytes(payload_.bytes());
    iovec all{bytes.data(), bytes.size()};
    EXPECT_EQ(store_->WriteRun(0, {&all, 1}), absl::OkStatus());
  }
  void Open() {
    FileStore::Options options;
    options.output_dir = folder_.path();
    options.wanted = {true, true, false, true};
    options.part_file = state_ / "parts";
    options.pool = &pool_;
    store_ = *FileStore::Open(payload_.metainfo(), options);
    sender_ = std::make_unique<Sender>(pair_.near.get(), store_.get());
  }
  void Start(uint32_t piece_index, uint32_t begin, uint32_t length) {
    sender_->StartBlock(piece_index, begin, length, uint64_t{piece_index} * kSentPieceBytes + begin);
  }
  // Flushes and reads in turn until nothing waits.
  absl::Status Pump() {
    do {
      size_t sent;
      absl::Status status = sender_->Flush(&sent);
      sent_ += sent;
      if (!status.ok()) return status;
      received_ += pair_.Read(1000);
    } while (sender_->pending());
    received_ += pair_.Read();
    return absl::OkStatus();
  }
  std::string PathOf(size_t file) { return payload_.PathIn(folder_.path(), file); }

  test::TempFolder folder_, state_;
  test::Payload payload_;
  FilePool pool_;
  std::unique_ptr<FileStore> store_;
  NarrowPair pair_;
  std::unique_ptr<Sender> sender_;
  std::string received_;
  size_t sent_ = 0;
};

TEST_P(SenderTest, MessagesAndBlocksLeaveWholeAndInOrder) {
  wire::EncodeHave(1, sender_->out());
  Start(0, 0, kBlockBytes);
  wire::EncodeHave(2, sender_->out());  // before the block has begun: goes first
  EXPECT_TRUE(sender_->pending());
  size_t sent;
  ASSERT_EQ(sender_->Flush(&sent), absl::OkStatus());
  EXPECT_TRUE(sender_->block_pending());  // the stream is narrow: the block is on its way
  EXPECT_GT(sent, 0u);
  EXPECT_LT(sent, kBlockBytes);
  sent_ += sent;
  wire::EncodeHave(3, sender_->out());
  ASSERT_EQ(Pump(), absl::OkStatus());
  EXPECT_FALSE(sender_->block_pending());
  EXPECT_FALSE(sender_->pending());
  EXPECT_EQ(sent_, kBlockBytes);
  Start(1, kBlockBytes, kBlockBytes);
  wire::EncodeUnchoke(sender_->out());
  ASSERT_EQ(Pump(), absl::OkStatus());
  Start(0, kBlockBytes, 100);
  ASSERT_EQ(Pump(), absl::OkStatus());
  EXPECT_THAT(Parse(received_, payload_),
              ElementsAre("have piece 1", "have piece 2", "piece piece 0 begin 0 length 16384", "have piece 3",
                          "unchoke", "piece piece 1 begin 16384 length 16384", "piece piece 0 begin 16384 length 100"));
}

TEST_P(SenderTest, AHeadThatLeavesInPartsIsNotTornFromItsBlock) {
  // Whatever of the head fits behind the control messages: what is appended meanwhile waits for the block's end.
  for (size_t fill = 0; fill < 14; fill++) {
    received_.clear();
    // So much that the stream is full with `fill` bytes of the head in it.
    std::string* out = sender_->out();
    size_t room = 0;
    {
      NarrowPair probe(false);
      const std::string bytes(1 << 20, 'x');
      while (true) {
        IoResult result = probe.near->TryWrite(AsBytes(bytes));
        if (!result.has_bytes()) break;
        room += result.bytes();
      }
    }
    size_t haves = 0;
    for (; out->size() + fill + 9 <= room; haves++) wire::EncodeHave(0, out);
    Start(0, 0, 50);
    size_t sent;
    ASSERT_EQ(sender_->Flush(&sent), absl::OkStatus());
    wire::EncodeUnchoke(out);
    ASSERT_EQ(Pump(), absl::OkStatus());
    const std::vector<std::string> messages = Parse(received_, payload_);
    ASSERT_EQ(messages.size(), haves + 2);
    EXPECT_THAT(std::vector<std::string>(messages.end() - 2, messages.end()),
                ::testing::UnorderedElementsAre("unchoke", "piece piece 0 begin 0 length 50"));
  }
}

TEST_P(SenderTest, SendsAcrossFilesPadsAndTheFileOfParts) {
  Start(2, 0, kBlockBytes);  // 1000 bytes of a, 15000 of pad, and the begin of what is not wanted
  ASSERT_EQ(Pump(), absl::OkStatus());
  Start(2, kBlockBytes, kBlockBytes);
  ASSERT_EQ(Pump(), absl::OkStatus());
  const auto last = static_cast<uint32_t>(payload_.size() - 3 * kSentPieceBytes);
  Start(3, 0, last);  // the end of what is not wanted, and b
  ASSERT_EQ(Pump(), absl::OkStatus());
  EXPECT_THAT(Parse(received_, payload_),
              ElementsAre("piece piece 2 begin 0 length 16384", "piece piece 2 begin 16384 length 16384",
                          absl::StrCat("piece piece 3 begin 0 length ", last)));
}

TEST_P(SenderTest, TheLongestRequestIsSentWhole) {
  // 128 KiB are more than all here: so a request of several pieces' worth stands for it.
  Start(0, 0, 2 * kSentPieceBytes);
  ASSERT_EQ(Pump(), absl::OkStatus());
  ASSERT_EQ(received_.size(), 2 * kSentPieceBytes + 13);
  EXPECT_TRUE(absl::string_view(received_).substr(13) == payload_.bytes().substr(0, 2 * kSentPieceBytes));
}

TEST_P(SenderTest, AFileThatWasCutEndsTheConnection) {
  ASSERT_EQ(truncate(PathOf(0).c_str(), 5000), 0);
  Start(0, 0, kBlockBytes);
  EXPECT_EQ(Pump().code(), absl::StatusCode::kDataLoss);
}

TEST_P(SenderTest, AFileThatIsCutWhileItIsSentEndsTheConnection) {
  Start(0, 0, 4 * kBlockBytes);
  size_t sent;
  ASSERT_EQ(sender_->Flush(&sent), absl::OkStatus());
  ASSERT_GT(sent, 0u);
  ASSERT_EQ(truncate(PathOf(0).c_str(), static_cast<off_t>(sent)), 0);
  const absl::Status status = Pump();
  // Without sendfile the bytes were read before; then they are right.
  if (GetParam()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  } else {
    EXPECT_EQ(status, absl::OkStatus());
    EXPECT_THAT(received_.substr(13), payload_.bytes().substr(0, 4 * kBlockBytes));
  }
}

TEST_P(SenderTest, AFileThatIsMissingEndsTheConnection) {
  ASSERT_EQ(unlink(PathOf(0).c_str()), 0);
  store_.reset();
  Open();
  Start(0, 0, kBlockBytes);
  EXPECT_EQ(Pump().code(), absl::StatusCode::kNotFound);
}

TEST_P(SenderTest, APeerThatHangsUpIsUnavailable) {
  pair_.HangUp();
  Start(0, 0, kBlockBytes);
  EXPECT_EQ(Pump().code(), absl::StatusCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(Streams, SenderTest, ::testing::Bool(), [](const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "ThatSendFiles" : "OfBytesOnly";
});

}  // namespace
}  // namespace torrent
