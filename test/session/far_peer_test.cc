// How much a peer at the other end of a long line is asked for at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "swarm/pipeline.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

constexpr Duration kRoundTrip = std::chrono::milliseconds(150);

// Whoever sleeps until its blocks come must ask for more of them: with what a near peer is asked for, the line would be
// empty most of the time.
TEST(FarPeer, IsAskedForMoreThanANearOne) {
  const Payload payload("far.bin", 24 * kMiB, 256 * kKiB);
  std::atomic<size_t> most{0};
  ScriptedSeeder::Manner manner;
  manner.answer = [&most](ScriptedSeeder::Line& line, const wire::Message& request) {
    std::vector<wire::Message> asked = {request};
    if (!line.Pause(kRoundTrip)) return false;
    while (const absl::optional<Received> received = line.peer().Read(Duration{})) {
      if (received->head.id == wire::MessageId::kRequest) asked.push_back(received->head);
    }
    most.store(std::max(most.load(), asked.size()));
    return std::all_of(asked.begin(), asked.end(), [&line](const auto& block) { return line.SendBlock(block); });
  };
  ScriptedSeeder far(&payload, manner);
  far.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {far.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_GE(most.load(), 3 * Pipeline::kNearDepth);
}

}  // namespace
}  // namespace torrent::test
