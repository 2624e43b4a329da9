// What the status says of a download that stands still.
#include <gtest/gtest.h>

#include "test/session/fixture.h"
#include "test/support/fake_trackers.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

bool WaitStall(const TestSession& session, torrent::Stall stall) {
  return session.WaitStatus([stall](const TorrentStatus& status) { return status.stall == stall; });
}

// All at once: each takes five seconds to show.
TEST(StallOfASession, SaysWhyNothingComesUntilItDoes) {
  const Payload payload("stall.bin", 300 * kKiB, 64 * kKiB);
  Folders folders[4];
  // Closed: it talks, and unchokes nobody.
  ScriptedSeeder choker(&payload, {}, "127.0.0.2");
  ScriptedSeeder::Manner silent_manner;
  silent_manner.answer = [](ScriptedSeeder::Line& line, const wire::Message&) {
    line.Delivered();
    return true;
  };
  ScriptedSeeder silent(&payload, silent_manner, "127.0.0.3");
  silent.Open();
  TestSession choked(&folders[0]), lonely(&folders[1]), unanswered(&folders[2]), unserved(&folders[3]);
  const TimePoint begin = Now();
  choked.Add(payload, {choker.address()});
  lonely.Add(payload, {});
  unanswered.Add(payload, {"127.0.0.4:1"});
  unserved.Add(payload, {silent.address()});
  EXPECT_TRUE(WaitStall(choked, torrent::Stall::kAllChoke));
  EXPECT_GE(Now() - begin, std::chrono::seconds(5)) << "a few seconds are no stall";
  EXPECT_TRUE(WaitStall(lonely, torrent::Stall::kNoPeersKnown));
  EXPECT_TRUE(WaitStall(unanswered, torrent::Stall::kNoneAnswers));
  EXPECT_TRUE(WaitStall(unserved, torrent::Stall::kNoneSends));
  EXPECT_EQ(choked.Status().connected_peers, 1u);

  choker.Open();
  ASSERT_TRUE(choked.WaitDone());
  EXPECT_TRUE(WaitStall(choked, torrent::Stall::kNone));
}

// A peer that has nothing either.
TEST(StallOfASession, SaysThatThePeersLackWhatIsMissing) {
  const Payload payload("lack.bin", 300 * kKiB, 64 * kKiB);
  Folders folders[2];
  TestSession one(&folders[0]), other(&folders[1]);
  one.Add(payload, {});
  other.Add(payload, {one.address()});
  EXPECT_TRUE(WaitStall(one, torrent::Stall::kLackPieces));
  EXPECT_TRUE(WaitStall(other, torrent::Stall::kLackPieces));
}

}  // namespace
}  // namespace torrent::test
