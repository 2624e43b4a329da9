// Hazards 8, 11 and 12: whatever others put into a name or a message, no byte of it moves a cursor, renames a window or
// turns text round, at any of the doors by which text leaves the program.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clean_text.h"
#include "base/utf8.h"
#include "cli/display.h"
#include "cli/event_notes.h"
#include "cli/json_lines.h"
#include "cli/metainfo_text.h"
#include "test/cli/program.h"
#include "test/support/fake_trackers.h"

namespace torrent {
namespace {

using ::testing::HasSubstr;

// A title, a cleared screen, CSI as one character of C1 and as a bare byte, DEL, a line, right-to-left, no UTF-8.
constexpr char kHostile[] =
    "evil\x1b]0;title\x07\x1b[2J\xc2\x9b"
    "31m\x9b"
    "1m\x7f\r\nnext\xe2\x80\xaetxt.exe\xe2\x80\xa8\xc3 end";

// Where `text` has something that must not go to a terminal; npos for nowhere. Lines may end.
size_t FirstUnsafe(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    uint32_t code_point = 0;
    const size_t length = FirstCharacter(text.substr(at), &code_point);
    if (length == 0 || (!MayBeShown(code_point) && code_point != '\n')) return at;
    at += length;
  }
  return std::string::npos;
}

#define EXPECT_SAFE(text)                                                                \
  do {                                                                                   \
    const std::string safe_ = (text);                                                    \
    EXPECT_THAT(safe_, HasSubstr("evil")) << "it did not come this way at all";          \
    EXPECT_EQ(FirstUnsafe(safe_), std::string::npos) << ::testing::PrintToString(safe_); \
  } while (false)

std::vector<Event> HostileEvents() {
  const absl::Status error = absl::UnavailableError(kHostile);
  return {
      {0, MetadataEvent{kHostile, std::string(40, 'a'), 1000, 2}},
      {0, AnnounceEvent{kHostile, "started", absl::OkStatus(), 7, ""}},
      {0, AnnounceEvent{"t", "started", error, 0, ""}},
      {0, AnnounceEvent{"t", "started", absl::OkStatus(), 0, kHostile}},
      {0, PeerConnectedEvent{"1.2.3.4:5", PeerSource::kTracker, false, kHostile}},
      {0, PeerGoneEvent{"1.2.3.4:5", error, 5, 6, true}},
      {0, DiskEvent{error}},
  };
}

TEST(TerminalTextTest, ThisTestKnowsWhatIsUnsafe) {
  EXPECT_EQ(FirstUnsafe("plain \xc3\xa4\n"), std::string::npos);
  for (const char* text : {"\x1b[2J", "\r", "\x7f", "\xc2\x9b", "\x9b", "\xe2\x80\xae"})
    EXPECT_EQ(FirstUnsafe(text), 0u);
}

TEST(TerminalTextTest, Events) {
  for (const Event& event : HostileEvents()) {
    EXPECT_SAFE(JsonOfEvent(event).value());
    if (const absl::optional<Note> note = NoteOfEvent(event)) EXPECT_SAFE(note->text);
  }
}

TEST(TerminalTextTest, JsonMeansTheSameAsBefore) {
  const std::string text = "evil\x1b\x7f\xc2\x9b\xe2\x80\xae \xc3\xa4";
  const std::string line = JsonOfEvent({0, MetadataEvent{text, "", 0, 0}}).value();
  EXPECT_SAFE(line);
  EXPECT_THAT(line, HasSubstr("\\u001b\\u007f\\u009b\\u202e \xc3\xa4"));
  EXPECT_EQ(nlohmann::json::parse(line)["name"], text);
}

TEST(TerminalTextTest, ErrorsAndStates) {
  TorrentStatus status;
  status.state = TorrentState::kWaitingForDisk;
  status.error = absl::ResourceExhaustedError(kHostile);
  EXPECT_SAFE(JsonOfProgress(0, status));
  EXPECT_SAFE(JsonOfError(absl::nullopt, kHostile, 3, kHostile));
  EXPECT_SAFE(JsonOfDhtPeer(kHostile));
}

TEST(TerminalTextTest, WhatIsInATorrent) {
  Metainfo metainfo;
  metainfo.name = metainfo.comment = metainfo.created_by = kHostile;
  metainfo.trackers = {{kHostile}};
  metainfo.web_seeds = {kHostile};
  metainfo.nodes = {{kHostile, 1}};
  MetainfoFile file;
  file.path = absl::StrCat(kHostile, "/", kHostile);
  metainfo.files = {file};
  EXPECT_SAFE(MetainfoText(metainfo));
  EXPECT_SAFE(FileTreeText(metainfo));
  const std::vector<ScrapeResult> scrapes = {{kHostile, absl::UnavailableError(kHostile)}};
  EXPECT_SAFE(JsonOfMetainfo(metainfo, &scrapes));
}

// The last door: also for a line that somebody forgot to clean.
TEST(TerminalTextTest, Display) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  {
    const UniqueFd writing(ends[1]);
    Display display({.text_fd = writing.get(), .error_fd = writing.get()});
    display.Print(kHostile);
    display.PrintNote(kHostile);
    display.PrintError(kHostile);
  }
  char buffer[4096];
  const ssize_t n = read(reading.get(), buffer, sizeof buffer);
  ASSERT_GT(n, 0);
  const std::string text(buffer, static_cast<size_t>(n));
  EXPECT_SAFE(text);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
}

std::string Bencoded(absl::string_view text) { return absl::StrCat(text.size(), ":", text); }

// The program itself, with a torrent and a tracker that mean no good.
class HostileTorrentTest : public ProgramTest {
 protected:
  // Whose files cannot be there.
  std::string Torrent(const std::string& tracker) {
    const std::string text = Bencoded(kHostile);
    const std::string file = absl::StrCat("d6:lengthi5e4:pathl", text, "ee");
    WriteFile(Path("evil.torrent"), absl::StrCat("d8:announce", Bencoded(tracker), "7:comment", text, "10:created by",
                                                 text, "4:infod5:filesl", file, "e4:name", text,
                                                 "12:piece lengthi16384e6:pieces20:", std::string(20, 'x'), "ee"));
    return Path("evil.torrent");
  }
};

TEST_F(HostileTorrentTest, OfEachCommand) {
  const std::string file = Torrent(absl::StrCat("http://127.0.0.1:1/", kHostile));
  mkdir(Path("out").c_str(), 0755);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"show", file},
                                             {"show", file, "--json"},
                                             {"show", file, "--scrape"},
                                             {"magnet", file},
                                             {"verify", file, "-o", Path("out")}}) {
    Program program(command);
    program.Wait();
    EXPECT_SAFE(program.out + program.error);
  }
}

TEST_F(HostileTorrentTest, OfADownloadWhoseTrackerRefuses) {
  const std::string hostile = Bencoded(kHostile);
  const struct {
    std::string body;
    std::string said;
  } replies[] = {
      {absl::StrCat("d14:failure reason", hostile, "e"), "refuses: evil"},
      {absl::StrCat("d8:intervali1800e5:peers0:15:warning message", hostile, "e"), "announce: evil"},
  };
  for (const auto& reply : replies) {
    const auto tracker = test::FakeTracker::Answering(reply.body);
    const std::string file = Torrent(tracker->url());
    for (const std::string how : {"-v", "--json"}) {
      Program program({file, "-o", Path("out"), "--no-dht", "--no-lan", "--bind", "127.0.0.1", "--port", "0", how});
      ASSERT_TRUE(program.WaitFor(reply.said)) << program.out << program.error;
      program.Signal(SIGINT);
      EXPECT_EQ(program.Wait(), 130) << program.error;
      EXPECT_SAFE(program.out + program.error);
    }
  }
}

TEST_F(HostileTorrentTest, OfAnArgument) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{kHostile},
                                             {"show", kHostile},
                                             {"magnet:?xt=" + std::string(kHostile)},
                                             {"verify", kHostile},
                                             {"create", kHostile},
                                             {"x.torrent", "--select", kHostile},
                                             {"x.torrent", "--peer", kHostile},
                                             {"x.torrent", "--bind", kHostile},
                                             {"--" + std::string(kHostile)},
                                             {"dht", kHostile},
                                             {"http://" + std::string(kHostile)}}) {
    Program program(command);
    EXPECT_NE(program.Wait(), 0);
    EXPECT_EQ(FirstUnsafe(program.out + program.error), std::string::npos)
        << command[0] << ": " << ::testing::PrintToString(program.error);
    EXPECT_EQ(std::count(program.error.begin(), program.error.end(), '\n'), 1) << program.error;
  }
}

}  // namespace
}  // namespace torrent
