// Stopping, in every phase of a torrent's life: within 5 s, with every thread joined (hazards 81, 121, 123).
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "test/session/fixture.h"
#include "test/support/fake_trackers.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;

class Stop : public ::testing::Test {
 protected:
  // Once all fakes are up: their threads for connections end with these.
  void Start(SessionOptions options = {}) {
    threads_before_ = ThreadCount();
    session_.emplace(&folders_, options);
  }
  void ExpectStops() {
    EXPECT_TRUE(session_->StopsInTime());
    EXPECT_EQ(session_->Status().state, TorrentState::kStopped);
    EXPECT_EQ(session_->Status().failure, Failure::kNone) << session_->Status().error;
    session_->End();
    EXPECT_TRUE(WaitForThreadCount(threads_before_)) << ThreadCount() << " threads, before " << threads_before_;
  }

  const Payload payload_{"stop.bin", kMiB, 64 * kKiB};
  Folders folders_;
  int threads_before_ = 0;
  std::optional<TestSession> session_;
};

TEST_F(Stop, WhileChecking) {
  const Payload payload("check.bin", 48 * kMiB, kMiB);
  payload.PutFiles(folders_.output.path());
  Start();
  session_->Add(payload, {});
  ASSERT_TRUE(session_->events().Wait<CheckEvent>());
  ExpectStops();
}

TEST_F(Stop, WithoutAnyPeer) {
  Start();
  session_->Add(payload_, {});
  ASSERT_TRUE(session_->events().Wait<MetadataEvent>());
  ExpectStops();
}

TEST_F(Stop, BeforeAnythingWasAdded) {
  Start();
  (*session_)->RequestStop();
  EXPECT_TRUE((*session_)->Stop());
  session_->End();
  EXPECT_TRUE(WaitForThreadCount(threads_before_));
}

TEST_F(Stop, WhileConnecting) {
  BlackHole hole;
  if (!hole.is_full()) GTEST_SKIP() << "no connect can be made to hang here";
  Start();
  session_->Add(payload_, {hole.endpoint().ToString()});
  // The worker's thread stands in connect.
  ASSERT_TRUE(session_->WaitStatus([](const TorrentStatus& status) { return status.known_peers == 1; }));
  ExpectStops();
}

TEST_F(Stop, WhileShakingHands) {
  Manner manner;
  manner.instead = [](Line& line) {
    line.Delivered();
    line.ReadUntilClosed();
  };
  ScriptedSeeder silent(&payload_, manner);
  Start();
  session_->Add(payload_, {silent.address()});
  ASSERT_TRUE(silent.WaitDelivered());
  // And one that came to us and says nothing, one that said half of it.
  std::unique_ptr<PeerConnection> mute = session_->Dial("127.0.0.2"), half = session_->Dial("127.0.0.3");
  ASSERT_TRUE(half->Send(wire::kProtocolString));
  ExpectStops();
  EXPECT_TRUE(mute->WaitClosed());
  EXPECT_TRUE(half->WaitClosed());
}

TEST_F(Stop, WhileDownloading) {
  Manner manner;
  manner.answer = [](Line& line, const wire::Message& request) {
    if (line.requests() > 20) return true;  // and then nothing, so that the download cannot end before the stop
    line.Delivered();
    return line.SendBlock(request);
  };
  ScriptedSeeder peer(&payload_, manner);
  peer.Open();
  Start();
  session_->Add(payload_, {peer.address()});
  ASSERT_TRUE(peer.WaitDelivered(20));
  ExpectStops();
}

TEST_F(Stop, WhileATrackerHangs) {
  FakeTracker tracker({}, /*silent=*/true);
  Start();
  TorrentOptions options;
  options.trackers = {tracker.url()};
  session_->AddWith(payload_, options);
  ASSERT_TRUE(tracker.WaitForRequest("event=started"));
  ExpectStops();
}

TEST_F(Stop, WhileSeedingToWhoReadsNothing) {
  payload_.PutFiles(folders_.output.path());
  Start();
  TorrentOptions options;
  options.seed = true;
  session_->AddWith(payload_, options);
  ASSERT_TRUE(session_->WaitDone());
  std::unique_ptr<PeerConnection> peer = Greet(*session_, payload_, "deaf", false, "127.0.0.2", 4096);
  ASSERT_NE(peer, nullptr);
  ASSERT_TRUE(peer->Send(Bytes(wire::EncodeInterested)));
  ASSERT_TRUE(peer->Expect(wire::MessageId::kUnchoke));
  std::string requests;
  for (uint32_t i = 0; i < 450; i++) wire::EncodeRequest(i % 16, 0, 16 * kKiB, &requests);
  ASSERT_TRUE(peer->Send(requests));
  ASSERT_TRUE(session_->WaitStatus([](const TorrentStatus& status) { return status.uploaded_bytes > 0; }));
  ExpectStops();
}

// The destructor alone does the same.
TEST_F(Stop, ByTheEndOfTheSession) {
  ScriptedSeeder peer(&payload_, {});  // chokes us for ever
  Start();
  session_->Add(payload_, {peer.address()});
  ASSERT_TRUE(session_->events().WaitConnected(peer.address()));
  const TimePoint begin = Now();
  session_->End();
  EXPECT_LT(Now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(WaitForThreadCount(threads_before_));
}

// Holds up the thread that tells of a peer's end for longer than all but the last save has time for, as a machine does
// that stands still.
class HoldsUpThePeersEnd final : public EventListener {
 public:
  HoldsUpThePeersEnd() : EventListener(kPeerEvents | kEndEvents) {}
  void OnEvent(const Event& event) override {
    if (absl::holds_alternative<PeerGoneEvent>(event.what)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3300));
      held_up_.store(true);
    }
    recorder_.OnEvent(event);
  }
  bool held_up() const { return held_up_.load(); }
  const Recorder& events() const { return recorder_; }

 private:
  std::atomic<bool> held_up_{false};
  Recorder recorder_;
};

TEST_F(Stop, WhatIsThereIsSavedWhateverTookLongBefore) {
  ScriptedSeeder seeder(&payload_, {});
  seeder.Open();
  HoldsUpThePeersEnd listener;
  SessionOptions session_options;
  session_options.state_dir = folders_.state.path();
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Start(session_options, &listener);
  ASSERT_OK(session.status());
  TorrentOptions options;
  options.output_dir = folders_.output.path();
  options.peers = {seeder.address()};
  absl::StatusOr<TorrentId> id = (*session)->Add(payload_.metainfo(), options);
  ASSERT_OK(id.status());
  ASSERT_TRUE((*session)->WaitStopped(*id, kPatience));
  EXPECT_TRUE(listener.held_up());
  EXPECT_TRUE((*session)->Status(*id).complete);
  EXPECT_EQ(listener.events().All<DoneEvent>().size(), 1u);
  EXPECT_EQ(payload_.Differences(folders_.output.path()), "");
}

}  // namespace
}  // namespace torrent::test
