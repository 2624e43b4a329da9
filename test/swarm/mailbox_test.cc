#include "swarm/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>

#include "base/thread.h"

namespace torrent {
namespace {

using ::testing::ElementsAre;

bool Readable(const Mailbox& mailbox, int timeout_ms = 0) {
  pollfd fd = {mailbox.fd(), POLLIN, 0};
  return poll(&fd, 1, timeout_ms) == 1;
}

TEST(MailboxTest, ManyPostsAreOneWake) {
  Mailbox mailbox(*Wakeup::Create());
  EXPECT_FALSE(Readable(mailbox));
  EXPECT_FALSE(mailbox.HasMail());
  for (uint32_t i = 0; i < 100; i++) mailbox.PostCancel({i, i});
  mailbox.PostChoke(false);
  mailbox.PostChoke(true);
  mailbox.Wake();
  EXPECT_TRUE(mailbox.HasMail());
  uint64_t wakes = 0;
  ASSERT_EQ(read(mailbox.fd(), &wakes, sizeof wakes), 8);  // the descriptor counts them
  EXPECT_EQ(wakes, 1u);
  const Mailbox::Mail mail = mailbox.Take();
  EXPECT_EQ(mail.cancels.size(), 100u);
  EXPECT_EQ(mail.choke, absl::optional<bool>(true));  // the last one counts
  EXPECT_FALSE(mail.stop.has_value());
}

TEST(MailboxTest, ATakeEmptiesItAndTheNextPostWakesAgain) {
  Mailbox mailbox(*Wakeup::Create());
  mailbox.PostCancel({1, 1});
  mailbox.Take();
  EXPECT_FALSE(Readable(mailbox));
  EXPECT_FALSE(mailbox.HasMail());
  EXPECT_TRUE(mailbox.Take().cancels.empty());
  mailbox.PostCancel({2, 2});
  EXPECT_TRUE(Readable(mailbox));
  EXPECT_THAT(mailbox.Take().cancels, ElementsAre(BlockRef{2, 2}));
}

TEST(MailboxTest, TheFirstReasonToStopStaysAndALiarStaysOne) {
  Mailbox mailbox(*Wakeup::Create());
  mailbox.PostStop(absl::DataLossError("lied"), /*proven_liar=*/true);
  mailbox.PostStop(absl::CancelledError("stopping"));
  const Mailbox::Mail mail = mailbox.Take();
  EXPECT_EQ(mail.stop, absl::optional<absl::Status>(absl::DataLossError("lied")));
  EXPECT_TRUE(mail.proven_liar);
}

TEST(MailboxTest, NoPostIsMissedBetweenThreads) {
  Mailbox mailbox(*Wakeup::Create());
  constexpr uint32_t kPosts = 20'000;
  Thread poster = *Thread::Start("poster", [&] {
    for (uint32_t i = 0; i < kPosts; i++) mailbox.PostCancel({i, 0});
  });
  uint32_t next = 0;
  while (next < kPosts) {
    ASSERT_TRUE(Readable(mailbox, 20'000)) << next;
    for (const BlockRef& block : mailbox.Take().cancels) ASSERT_EQ(block.piece_index, next++);
  }
}

}  // namespace
}  // namespace torrent
