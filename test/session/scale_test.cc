// How a session begins, and many torrents beside each other.
#include <gtest/gtest.h>

#include <list>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "test/session/fixture.h"
#include "test/support/fake_trackers.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;

// From the tracker's answer to the first request on its way to a peer: a connect, two handshakes, an unchoke. Usually
// it takes 2 ms.
TEST(Scale, TheFirstBlockIsAskedForAtOnce) {
  const Payload payload("quick.bin", 64 * kKiB, 64 * kKiB);
  Mutex mutex;
  TimePoint asked = TimePoint::max();
  Manner manner;
  manner.answer = [&](Line& line, const wire::Message& request) {
    {
      MutexLock lock(&mutex);
      asked = std::min(asked, Now());
    }
    return line.SendBlock(request);
  };
  ScriptedSeeder seeder(&payload, manner);
  seeder.Open();
  FakeTracker tracker({seeder.endpoint()});
  TimePoint answered;
  class Watch final : public EventListener {
   public:
    explicit Watch(TimePoint* answered) : EventListener(kAnnounceEvents | kEndEvents), answered_(answered) {}
    void OnEvent(const Event& event) override {
      const AnnounceEvent* announce = absl::get_if<AnnounceEvent>(&event.what);
      if (announce != nullptr && announce->event == "started" && announce->status.ok()) *answered_ = Now();
    }

   private:
    TimePoint* const answered_;
  } watch(&answered);
  Folders folders;
  SessionOptions session_options;
  session_options.port = 0;
  session_options.state_dir = folders.state.path();
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Start(session_options, &watch);
  ASSERT_OK(session.status());
  TorrentOptions options;
  options.output_dir = folders.output.path();
  options.trackers = {tracker.url()};
  absl::StatusOr<TorrentId> id = (*session)->Add(payload.metainfo(), options);
  ASSERT_OK(id.status());
  ASSERT_TRUE((*session)->WaitStopped(*id, kPatience));
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  MutexLock lock(&mutex);
  ASSERT_NE(answered, TimePoint());
  EXPECT_LT(ToSeconds(asked - answered), 0.1);
}

TEST(Scale, FiftyTorrentsAtOnce) {
  constexpr int kTorrents = 50;
  std::list<Payload> payloads;
  Folders seeding, leeching;
  SessionOptions options;
  options.max_peers = 500;
  TestSession seeder(&seeding, options);
  TestSession leecher(&leeching, options);
  TorrentOptions seed;
  seed.output_dir = seeding.output.path();
  seed.seed = true;
  for (int i = 0; i < kTorrents; i++) {
    const Payload& payload = payloads.emplace_back(absl::StrCat("many ", i, ".bin"), (100 + i) * kKiB, 32 * kKiB);
    payload.PutFiles(seeding.output.path());
    ASSERT_OK(seeder->Add(payload.metainfo(), seed).status());
  }
  TorrentOptions leech;
  leech.output_dir = leeching.output.path();
  // All come from one address, and no more than eight connections may: the others wait for their turn.
  leech.peers = {seeder.address()};
  leech.wait_for_space = false;
  std::vector<TorrentId> ids;
  for (const Payload& payload : payloads) {
    absl::StatusOr<TorrentId> id = leecher->Add(payload.metainfo(), leech);
    ASSERT_OK(id.status());
    ids.push_back(*id);
  }
  for (const TorrentId id : ids) {
    ASSERT_TRUE(leecher->WaitStopped(id, kPatience)) << id;
    EXPECT_TRUE(leecher->Status(id).complete) << id;
  }
  for (const Payload& payload : payloads) {
    const std::string path = payload.PathIn(leeching.output.path(), 0);
    EXPECT_EQ(ReadFile(path), std::string(payload.bytes())) << path;
  }
}

}  // namespace
}  // namespace torrent::test
