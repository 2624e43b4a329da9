// Whole runs of the program: what it shows, how it stops and continues, and its tracker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/cli/program.h"

namespace torrent {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ProgramTest, AReaderThatLeftIsAsBySigpipe) {
  const std::string file = MakeTorrent(1000);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  close(ends[0]);
  Program show({"show", file}, ends[1]);
  close(ends[1]);
  EXPECT_EQ(show.Wait(), 141) << show.error;
  EXPECT_EQ(show.error, "");
}

TEST_F(ProgramTest, DownloadsSaysSoInBothWaysAndContinuesFromWhatIsThere) {
  const std::string file = MakeTorrent(3'000'001);
  std::string address;
  const auto seeder = Seed(file, &address);
  Program program({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0", "--peer", address, "--json"});
  EXPECT_EQ(program.Wait(), 0) << program.error;
  EXPECT_EQ(ReadFile(Path("out/payload")), ReadFile(Path("seed/payload")));
  std::map<std::string, int> events;
  for (absl::string_view line : absl::StrSplit(program.out, '\n', absl::SkipEmpty())) {
    const auto event = nlohmann::json::parse(line);
    EXPECT_EQ(event["v"], 1);
    ++events[event["event"]];
  }
  EXPECT_EQ(events["metadata"], 1);
  EXPECT_GE(events["piece"], 2);
  EXPECT_GE(events["peer"], 1);
  EXPECT_EQ(events["done"], 1);
  EXPECT_EQ(events["error"], 0);
  EXPECT_THAT(program.error, ContainsRegex("payload: 2.9 MiB in .* wasted, 0 B corrupt"));

  std::string out, error;
  EXPECT_EQ(Run({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0"}, &out, &error), 0);
  EXPECT_THAT(out, HasSubstr("all of it was there already"));
  EXPECT_EQ(error, "");
  EXPECT_EQ(Run({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0", "-q"}, &out, &error), 0);
  EXPECT_EQ(out + error, "");
}

TEST_F(ProgramTest, ASignalStopsInOrderAndItSaysHowToContinue) {
  const std::string file = MakeTorrent(20'000'000);
  std::string address;
  const auto seeder = Seed(file, &address, {"--upload-limit", "2M"});
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    Program program({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0", "--peer", address, "--json"});
    ASSERT_TRUE(program.WaitFor("\"written\"")) << program.error;
    const TimePoint start = Now();
    program.Signal(number);
    EXPECT_EQ(program.Wait(), 128 + number) << program.error;
    EXPECT_LT(Now() - start, std::chrono::seconds(10));
    EXPECT_THAT(program.error, HasSubstr("the same command continues"));
  }
  seeder->Signal(SIGTERM);
  EXPECT_EQ(seeder->Wait(), 143) << seeder->error;
}

TEST_F(ProgramTest, StopsInOrderWhenNobodyReadsItsEvents) {
  const std::string file = MakeTorrent(20'000'000);
  std::string address;
  const auto seeder = Seed(file, &address, {"--upload-limit", "1M"});
  Program program({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0", "--peer", address, "--json"});
  ASSERT_TRUE(program.WaitFor("\"written\"")) << program.error;
  program.CloseOut();
  EXPECT_EQ(program.Wait(), 141) << program.error;
}

TEST_F(ProgramTest, DrawsALiveLineOnATerminalAndLeavesNothingBehind) {
  const std::string file = MakeTorrent(6'000'001);
  std::string address;
  const auto seeder = Seed(file, &address, {"--upload-limit", "2M"});
  int main, side;
  struct winsize size = {};
  size.ws_col = 60;
  size.ws_row = 24;
  ASSERT_EQ(openpty(&main, &side, nullptr, nullptr, &size), 0);
  setenv("TERM", "xterm", 1);
  Program program({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0", "--peer", address}, side);
  UniqueFd terminal(main);
  close(side);
  std::string drawn;
  char buffer[4096];
  while (true) {
    const ssize_t n = read(main, buffer, sizeof buffer);
    if (n <= 0) break;  // EIO: the program has ended
    drawn.append(buffer, static_cast<size_t>(n));
  }
  EXPECT_EQ(program.Wait(), 0) << program.error;
  EXPECT_THAT(drawn, ContainsRegex("payload .*%"));
  EXPECT_THAT(drawn, HasSubstr("\r\x1b[J"));
  // What stays after the last erasure is the summary alone.
  const std::string rest = drawn.substr(drawn.rfind("\x1b[J") + 3);
  EXPECT_THAT(rest, ContainsRegex("^payload: 5.7 MiB in .*\r\n$"));
  EXPECT_THAT(rest, Not(HasSubstr("%")));
  EXPECT_THAT(drawn, HasSubstr("on average"));
}

TEST_F(ProgramTest, WithoutStandardStreamsNothingIsWrittenIntoTheFiles) {
  const std::string file = MakeTorrent(100'000);
  std::string address;
  const auto seeder = Seed(file, &address);
  const std::string command = absl::StrCat(ProgramPath(), " ", file, " -o ", Path("out"),
                                           " --bind 127.0.0.1 --port 0 --peer ", address, " --json -v <&- >&- 2>&-");
  EXPECT_EQ(system(command.c_str()), 0);
  EXPECT_EQ(ReadFile(Path("out/payload")), ReadFile(Path("seed/payload")));
}

TEST_F(ProgramTest, FindsPeersByOurOwnTrackerAndScrapesIt) {
  Program tracker({"tracker", "--bind", "127.0.0.1", "--port", "0"});
  ASSERT_TRUE(tracker.WaitFor("/announce")) << tracker.error;
  const size_t start = tracker.out.find("http://");
  const std::string url = tracker.out.substr(start, tracker.out.find(';', start) - start);
  mkdir(Path("seed").c_str(), 0755);
  WriteFile(Path("seed/payload"), std::string(50'000, 'x'));
  const std::string file = Path("t.torrent");
  ASSERT_EQ(Run({"create", Path("seed/payload"), "-a", url, "-o", file, "-q"}), 0);
  std::string address, out;
  const auto seeder = Seed(file, &address);
  EXPECT_EQ(Run({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0"}, &out), 0);
  EXPECT_EQ(ReadFile(Path("out/payload")), ReadFile(Path("seed/payload")));
  EXPECT_EQ(Run({"show", file, "--scrape"}, &out), 0);
  EXPECT_THAT(out, HasSubstr("/announce: 1 seeds, 0 leeches, 1 downloads"));
}

TEST_F(ProgramTest, TrackerSaysWhereItListensAndStops) {
  Program tracker({"tracker", "--bind", "127.0.0.1", "--port", "0"});
  ASSERT_TRUE(tracker.WaitFor("/announce")) << tracker.error;
  EXPECT_THAT(tracker.out, ContainsRegex("http://127\\.0\\.0\\.1:[1-9][0-9]*/announce"));
  tracker.Signal(SIGTERM);
  EXPECT_EQ(tracker.Wait(), 143) << tracker.error;
}

// What --help lists is in the man page and in the completion: none is forgotten when an option is added.
TEST_F(ProgramTest, EveryOptionIsInTheManPageAndTheCompletion) {
  std::string man = ReadFile("src/cli/torrent.1");
  man.erase(std::remove(man.begin(), man.end(), '\\'), man.end());
  const std::string completion = ReadFile("src/cli/torrent.bash");
  ASSERT_FALSE(man.empty() || completion.empty()) << "not run from the top of the tree";
  int options = 0;
  for (const char* command : {"", "create", "show", "verify", "tracker"}) {
    std::vector<std::string> arguments = {"--help"};
    if (*command != '\0') arguments.insert(arguments.begin(), command);
    std::string help;
    EXPECT_EQ(Run(arguments, &help), 0);
    for (size_t at = help.find("--"); at != std::string::npos; at = help.find("--", at)) {
      const size_t end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
      const std::string option = help.substr(at, end - at);
      at = end;
      if (option.size() < 4) continue;
      ++options;
      EXPECT_THAT(man, HasSubstr(option));
      EXPECT_THAT(completion, HasSubstr(option));
    }
  }
  EXPECT_GT(options, 30);
}

}  // namespace
}  // namespace torrent
