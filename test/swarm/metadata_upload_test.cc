#include "swarm/metadata_upload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "test/swarm/streams.h"
#include "wire/message.h"
#include "wire/metadata_message.h"

namespace torrent {
namespace {

using Type = wire::MetadataMessage::Type;
constexpr uint8_t kTheirId = 3;

class MetadataUploadTest : public testing::Test {
 protected:
  void Make(uint32_t size, int64_t limit = 0) {
    metainfo_.info_bytes.resize(size);
    for (uint32_t i = 0; i < size; i++) metainfo_.info_bytes[i] = static_cast<char>(i % 251);
    limit_ = std::make_unique<RateLimiter>(limit, now_);
    upload_ = std::make_unique<MetadataUpload>(&metainfo_, limit_.get(), &sender_);
  }
  // The answers that were appended since the last call: "piece 3", "reject 9".
  std::vector<std::string> Said() {
    upload_->Say(kTheirId, now_);
    std::vector<std::string> said;
    absl::string_view bytes = *sender_.out();
    wire::MessageRules rules;
    rules.extended = true;
    while (!bytes.empty()) {
      const wire::Message head = wire::PeekMessage(AsBytes(bytes), rules);
      EXPECT_EQ(head.extended_id, kTheirId);
      bytes.remove_prefix(head.head_bytes);
      absl::StatusOr<wire::MetadataMessage> message = wire::ParseMetadataMessage(bytes.substr(0, head.payload_bytes));
      bytes.remove_prefix(head.payload_bytes);
      if (!message.ok()) return {message.status().ToString()};
      if (message->type == Type::kData) {
        EXPECT_EQ(message->bytes, absl::string_view(metainfo_.info_bytes)
                                      .substr(size_t{message->piece} * kMetadataPieceBytes, message->bytes.size()));
        EXPECT_EQ(message->total_size, metainfo_.info_bytes.size());
      }
      said.push_back(absl::StrCat(message->type == Type::kData ? "piece " : "reject ", message->piece));
    }
    sender_.out()->clear();
    return said;
  }
  using Answers = std::vector<std::string>;

  TimePoint now_ = TimePoint() + std::chrono::seconds(1000);
  Metainfo metainfo_;
  NarrowPair pair_{/*sendfile=*/false};
  Sender sender_{pair_.near.get(), nullptr};
  std::unique_ptr<RateLimiter> limit_;
  std::unique_ptr<MetadataUpload> upload_;
};

TEST_F(MetadataUploadTest, AnswersInOrderAndOneAtATime) {
  Make(2 * kMetadataPieceBytes + 5);
  EXPECT_EQ(upload_->ResumeAt(now_), TimePoint::max());
  for (uint32_t piece : {2, 0, 1}) upload_->OnRequest(piece, kTheirId);
  EXPECT_EQ(upload_->ResumeAt(now_), now_);
  EXPECT_EQ(Said(), (Answers{"piece 2", "piece 0"})) << "a short one does not fill the output";
  EXPECT_EQ(Said(), (Answers{"piece 1"}));
  EXPECT_EQ(Said(), Answers{});
}

// Hazard 56: a piece that is not there.
TEST_F(MetadataUploadTest, RejectsPiecesThatAreNotThere) {
  Make(kMetadataPieceBytes);
  for (uint32_t piece : {1u, 1000u, 4294967295u}) upload_->OnRequest(piece, kTheirId);
  EXPECT_EQ(Said(), (Answers{"reject 1", "reject 1000", "reject 4294967295"}));
}

// Hazard 56: at most 64 at a time.
TEST_F(MetadataUploadTest, RejectsWhatIsTooMuchAtATime) {
  Make(100 * kMetadataPieceBytes);
  for (uint32_t piece = 0; piece < 70; piece++) upload_->OnRequest(piece, kTheirId);
  EXPECT_EQ(Said(), (Answers{"reject 64", "reject 65", "reject 66", "reject 67", "reject 68", "reject 69", "piece 0"}));
  EXPECT_EQ(Said(), (Answers{"piece 1"}));
}

TEST_F(MetadataUploadTest, ServesItAFewTimesToOnePeerAndNoMore) {
  Make(10);
  int served = 0, rejected = 0;
  for (int i = 0; i < 20; i++) {
    upload_->OnRequest(0, kTheirId);
    for (const std::string& answer : Said()) (answer == "piece 0" ? served : rejected)++;
  }
  EXPECT_EQ(served, static_cast<int>(kMaxMetadataServings));
  EXPECT_EQ(served + rejected, 20);
}

TEST_F(MetadataUploadTest, KeepsTheUploadLimit) {
  Make(40 * kMetadataPieceBytes, /*limit=*/kMetadataPieceBytes);
  for (uint32_t piece = 0; piece < 40; piece++) upload_->OnRequest(piece, kTheirId);
  size_t served = 0;
  while (!Said().empty()) served++;
  EXPECT_LT(served, 10u);
  const TimePoint resume = upload_->ResumeAt(now_);
  ASSERT_GT(resume, now_);
  now_ = resume;
  EXPECT_EQ(upload_->ResumeAt(now_), now_);
  EXPECT_EQ(Said().size(), 1u);
}

TEST_F(MetadataUploadTest, APrivateTorrentAndAPeerThatCannotHearGetNothing) {
  Make(100);
  upload_->OnRequest(0, 0);
  EXPECT_EQ(Said(), Answers{});
  metainfo_.is_private = true;
  EXPECT_FALSE(upload_->offered());
  upload_->OnRequest(0, kTheirId);
  EXPECT_EQ(Said(), (Answers{"reject 0"}));
}

}  // namespace
}  // namespace torrent
