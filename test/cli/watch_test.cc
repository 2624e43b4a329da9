#include "cli/watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "base/unique_fd.h"

namespace torrent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A session that plays a script: each look at a torrent answers the next status, the last one again and again. A
// request to stop makes it kStopped where it is.
class FakeSession : public Session {
 public:
  absl::optional<DhtStatus> Dht() override { return absl::nullopt; }
  absl::StatusOr<DhtSearchResult> SearchDht(const Infohash&, std::chrono::milliseconds,
                                            const std::function<void(const std::vector<std::string>&)>&) override {
    return absl::UnimplementedError("not here");
  }
  absl::StatusOr<TorrentId> Add(std::shared_ptr<const Metainfo>, const TorrentOptions&) override {
    return TorrentId{0};
  }
  absl::StatusOr<TorrentId> Add(const Magnet&, const TorrentOptions&) override {
    return absl::UnimplementedError("not needed here");
  }
  std::shared_ptr<const Metainfo> MetainfoOf(TorrentId) const override { return nullptr; }
  TorrentStatus Status(TorrentId id) const override {
    std::deque<TorrentStatus>& script = scripts[id];
    TorrentStatus status = script.front();
    if (script.size() > 1) script.pop_front();
    if (stop_requested) status.state = TorrentState::kStopped;
    return status;
  }
  bool WaitStopped(TorrentId, std::chrono::milliseconds timeout) override {
    waited += timeout;
    usleep(1000);
    return false;
  }
  uint16_t port() const override { return 0; }
  void RequestStop() override { stop_requested = true; }
  bool Stop(std::chrono::milliseconds) override { return true; }

  mutable std::vector<std::deque<TorrentStatus>> scripts;
  bool stop_requested = false;
  std::chrono::milliseconds waited{0};
};

TorrentStatus StatusOf(TorrentState state, uint64_t done) {
  TorrentStatus status;
  status.state = state;
  status.wanted_bytes = 1000;
  status.done_bytes = done;
  status.downloaded_bytes = done;
  status.seconds = 1;
  status.complete = done == 1000;
  return status;
}

// A file that remembers what is written to its descriptor.
class Capture {
 public:
  Capture() : file_(tmpfile()) {}
  ~Capture() { fclose(file_); }
  int fd() const { return fileno(file_); }
  std::string Text() const {
    std::string text(1 << 20, '\0');
    const ssize_t n = pread(fd(), text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<size_t>(n));
    return text;
  }

 private:
  FILE* file_;
};

class WatchTest : public ::testing::Test {
 protected:
  Outcome Run(WatchOptions options = {}, bool seed = false) {
    std::vector<Running> running;
    for (size_t i = 0; i < session_.scripts.size(); ++i) {
      running.push_back({static_cast<TorrentId>(i), "name" + std::to_string(i), seed});
    }
    Display display({.text_fd = text_.fd(), .error_fd = error_.fd()});
    return Watch(&session_, std::move(running), &display, &events_, std::move(options)).Run();
  }
  std::vector<nlohmann::json> JsonEvents(const std::string& kind) const {
    std::vector<nlohmann::json> events;
    for (absl::string_view line : absl::StrSplit(json_.Text(), '\n', absl::SkipEmpty())) {
      auto event = nlohmann::json::parse(line);
      if (event["event"] == kind) events.push_back(event);
    }
    return events;
  }

  FakeSession session_;
  EventQueue events_{{.json = true}};
  Capture text_, error_, json_;
};

TEST_F(WatchTest, EndsWithZeroAndASummaryWhenAllIsDone) {
  session_.scripts = {{StatusOf(TorrentState::kDownloading, 1), StatusOf(TorrentState::kStopped, 1000)},
                      {StatusOf(TorrentState::kDownloading, 1), StatusOf(TorrentState::kDownloading, 2),
                       StatusOf(TorrentState::kStopped, 1000)}};
  EXPECT_EQ(Run().exit_code, 0);
  EXPECT_THAT(text_.Text(), HasSubstr("name0: 1.0 KiB in 1.0 s"));
  EXPECT_THAT(text_.Text(), HasSubstr("name1: 1.0 KiB in 1.0 s"));
  EXPECT_EQ(error_.Text(), "");
}

TEST_F(WatchTest, FirstFailureGivesTheExitCodeAndOneLine) {
  TorrentStatus full = StatusOf(TorrentState::kStopped, 5);
  full.failure = Failure::kDisk;
  full.error = absl::ErrnoToStatus(ENOSPC, "/mnt/x");
  session_.scripts = {{StatusOf(TorrentState::kStopped, 1000)}, {full}};
  WatchOptions options;
  options.json_fd = json_.fd();
  EXPECT_EQ(Run(options).exit_code, kExitDisk);
  EXPECT_THAT(error_.Text(), HasSubstr("torrent: name1: /mnt/x: No space left on device; free some space"));
  ASSERT_EQ(JsonEvents("error").size(), 1u);
  EXPECT_EQ(JsonEvents("error")[0]["exit_code"], kExitDisk);
  EXPECT_EQ(JsonEvents("error")[0]["torrent"], 1);
  EXPECT_EQ(JsonEvents("done").size(), 1u);
}

TEST_F(WatchTest, ASignalIsTheExitCodeAndTheUserIsToldHowToContinue) {
  session_.scripts = {{StatusOf(TorrentState::kDownloading, 432), StatusOf(TorrentState::kStopped, 432)}};
  WatchOptions options;
  options.signal = [] { return SIGINT; };
  EXPECT_EQ(Run(options).exit_code, 130);
  EXPECT_THAT(text_.Text(), HasSubstr("name0: stopped at 43.2%"));
  EXPECT_THAT(text_.Text(), HasSubstr("the same command continues"));
}

TEST_F(WatchTest, ASignalThatCameBeforeATorrentWasAddedStopsItToo) {
  session_.scripts = {{StatusOf(TorrentState::kDownloading, 432)}};
  WatchOptions options;
  options.signal = [] { return SIGTERM; };
  EXPECT_EQ(Run(options).exit_code, 143);
  EXPECT_TRUE(session_.stop_requested);
}

TEST_F(WatchTest, ASignalAfterTheEndChangesNothing) {
  session_.scripts = {{StatusOf(TorrentState::kStopped, 1000)}};
  WatchOptions options;
  options.signal = [] { return SIGTERM; };
  EXPECT_EQ(Run(options).exit_code, 0);
}

TEST_F(WatchTest, ASeedThatIsStoppedIsStoppedByTheSignal) {
  session_.scripts = {{StatusOf(TorrentState::kSeeding, 1000), StatusOf(TorrentState::kStopped, 1000)}};
  WatchOptions options;
  options.signal = [] { return SIGTERM; };
  EXPECT_EQ(Run(options, true).exit_code, 143);
}

TEST_F(WatchTest, TimesOutWhenNothingComes) {
  session_.scripts = {{StatusOf(TorrentState::kDownloading, 432)}};
  WatchOptions options;
  options.timeout = std::chrono::milliseconds(50);
  const TimePoint start = Now();
  const Outcome outcome = Run(options);
  EXPECT_GE(Now() - start, options.timeout);
  EXPECT_TRUE(session_.stop_requested);
  EXPECT_EQ(outcome.exit_code, kExitTimeout);
  EXPECT_THAT(outcome.message, HasSubstr("--timeout"));
}

TEST_F(WatchTest, HashingAndSeedingDoNotTimeOut) {
  for (TorrentState state :
       {TorrentState::kChecking, TorrentState::kSeeding, TorrentState::kWaitingForDisk, TorrentState::kSyncing}) {
    session_.scripts = {std::deque<TorrentStatus>(100, StatusOf(state, state == TorrentState::kSeeding ? 1000 : 5))};
    session_.scripts[0].push_back(StatusOf(TorrentState::kStopped, 1000));
    WatchOptions options;
    options.timeout = std::chrono::milliseconds(20);  // 100 looks take longer
    EXPECT_EQ(Run(options).exit_code, 0) << static_cast<int>(state);
    EXPECT_FALSE(session_.stop_requested);
  }
}

TEST_F(WatchTest, WritesALineEachIntervalToALog) {
  session_.scripts = {std::deque<TorrentStatus>(50, StatusOf(TorrentState::kDownloading, 432))};
  session_.scripts[0].push_back(StatusOf(TorrentState::kStopped, 1000));
  WatchOptions options;
  options.log_interval = std::chrono::milliseconds(10);
  Run(options);
  EXPECT_THAT(text_.Text(), HasSubstr("name0: 43.2% of 1.0 KiB, down"));
  EXPECT_THAT(text_.Text(), Not(HasSubstr("\x1b")));
}

TEST_F(WatchTest, JsonHasProgressEventsAndDone) {
  session_.scripts = {std::deque<TorrentStatus>(50, StatusOf(TorrentState::kDownloading, 432))};
  session_.scripts[0].push_back(StatusOf(TorrentState::kStopped, 1000));
  events_.OnEvent({0, PieceEvent{PieceEvent::What::kVerified, 3}});
  WatchOptions options;
  options.json_fd = json_.fd();
  options.json_interval = std::chrono::milliseconds(5);
  Run(options);
  EXPECT_GE(JsonEvents("progress").size(), 2u);
  EXPECT_EQ(JsonEvents("piece").size(), 1u);
  EXPECT_EQ(JsonEvents("done").size(), 1u);
}

TEST_F(WatchTest, StopsInOrderWhenNobodyReadsItsJson) {
  signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  session_.scripts = {{StatusOf(TorrentState::kDownloading, 432)}};
  WatchOptions options;
  options.json_fd = ends[1];
  options.json_interval = std::chrono::milliseconds(1);
  EXPECT_EQ(Run(options).exit_code, 128 + SIGPIPE);
  EXPECT_TRUE(session_.stop_requested);
  close(ends[1]);
}

TEST_F(WatchTest, ATrackersWarningIsToldOnce) {
  session_.scripts = {{StatusOf(TorrentState::kStopped, 1000)}};
  for (int i = 0; i < 3; ++i) events_.OnEvent({0, AnnounceEvent{"http://t", "", absl::OkStatus(), 0, "pay up"}});
  Run();
  EXPECT_EQ(error_.Text(), "tracker http://t: pay up\n");
}

TEST_F(WatchTest, ATrackersFailureIsToldOnlyWithoutPeers) {
  events_.OnEvent({0, AnnounceEvent{"http://t", "", absl::UnavailableError("refused"), 0, ""}});
  TorrentStatus alone = StatusOf(TorrentState::kStopped, 1000);
  TorrentStatus among_others = alone;
  among_others.connected_peers = 1;
  session_.scripts = {{among_others}};
  Run();
  EXPECT_EQ(error_.Text(), "");
  session_.scripts = {{alone}};
  events_.OnEvent({0, AnnounceEvent{"http://t", "", absl::UnavailableError("refused"), 0, ""}});
  Run();
  EXPECT_EQ(error_.Text(), "tracker http://t: refused\n");
}

}  // namespace
}  // namespace torrent
