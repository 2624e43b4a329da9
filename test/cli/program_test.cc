// The built program as a shell sees it: exit codes, what it writes where, signals. On loopback alone.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/unique_fd.h"

namespace torrent {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The program lies beside the folder of this test's own program.
std::string ProgramPath() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, n > 0 ? static_cast<size_t>(n) : 0);
  return self.substr(0, self.rfind("/test/")) + "/torrent";
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// A running program. Its output is read while it is waited for, and it is killed when this object dies.
class Program {
 public:
  // `out`: where its stdout goes instead of a pipe that this object reads.
  explicit Program(std::vector<std::string> arguments, int out = -1) {
    arguments.insert(arguments.begin(), ProgramPath());
    int out_pipe[2], error_pipe[2];
    if (pipe2(out_pipe, O_CLOEXEC) != 0 || pipe2(error_pipe, O_CLOEXEC) != 0) abort();
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      // Other tests of this program have blocked or ignored some.
      sigset_t none;
      sigemptyset(&none);
      sigprocmask(SIG_SETMASK, &none, nullptr);
      for (int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) signal(number, SIG_DFL);
      dup2(open("/dev/null", O_RDONLY), 0);
      dup2(out >= 0 ? out : out_pipe[1], 1);
      dup2(error_pipe[1], 2);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(out_pipe[1]);
    close(error_pipe[1]);
    out_.Reset(out_pipe[0]);
    error_.Reset(error_pipe[0]);
  }
  ~Program() {
    if (pid_ > 0 && !ended_) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  // Until it ends, or `text` was on stdout or stderr, or 60 s have passed. False for the last.
  bool WaitFor(const std::string& text) {
    return Pump([&] { return out.find(text) != std::string::npos || error.find(text) != std::string::npos; });
  }
  // Its exit code, 1000 + signal when one killed it, -1 when it does not end within 60 s.
  int Wait() {
    if (!Pump([] { return false; }) && out_.valid()) return -1;
    if (ended_) return code_;
    int status;
    if (waitpid(pid_, &status, 0) != pid_) return -1;
    ended_ = true;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    return code_;
  }
  void Signal(int number) { kill(pid_, number); }
  // Nobody reads its stdout any more.
  void CloseOut() { out_.Reset(); }

  std::string out, error;

 private:
  template <typename Condition>
  bool Pump(Condition condition) {
    const TimePoint deadline = Now() + std::chrono::seconds(60);
    while (!condition()) {
      struct pollfd fds[] = {{out_.get(), POLLIN, 0}, {error_.get(), POLLIN, 0}};
      if (!out_.valid() && !error_.valid()) return false;
      if (poll(fds, 2, PollTimeout(deadline, Now())) <= 0) return false;
      Take(fds[0], &out_, &out);
      Take(fds[1], &error_, &error);
    }
    return true;
  }
  static void Take(const struct pollfd& ready, UniqueFd* fd, std::string* text) {
    if (ready.revents == 0) return;
    char buffer[65536];
    const ssize_t n = read(fd->get(), buffer, sizeof buffer);
    if (n > 0) {
      text->append(buffer, static_cast<size_t>(n));
    } else {
      fd->Reset();
    }
  }

  pid_t pid_;
  bool ended_ = false;
  int code_ = 0;
  UniqueFd out_, error_;
};

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    char name[] = "/tmp/program_test.XXXXXX";
    folder_ = mkdtemp(name);
    setenv("XDG_STATE_HOME", Path("state").c_str(), 1);
  }
  ~ProgramTest() override {
    const std::string command = "rm -rf " + folder_;
    EXPECT_EQ(system(command.c_str()), 0);
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  // Runs to the end, with one line on stderr when it is an error of ours.
  static int Run(const std::vector<std::string>& arguments, std::string* out = nullptr, std::string* error = nullptr) {
    Program program(arguments);
    const int code = program.Wait();
    if (code > 0 && code < 128 && code != 6) {
      EXPECT_EQ(std::count(program.error.begin(), program.error.end(), '\n'), 1) << program.error;
      EXPECT_THAT(program.error, StartsWith("torrent: "));
    }
    if (out != nullptr) *out = program.out;
    if (error != nullptr) *error = program.error;
    return code;
  }

  // A payload in `seed/` and its .torrent, which is the answer.
  std::string MakeTorrent(size_t bytes, const std::string& name = "payload") {
    mkdir(Path("seed").c_str(), 0755);
    std::string content(bytes, '\0');
    Random random(bytes);
    for (char& c : content) c = static_cast<char>(random.Next());
    WriteFile(Path("seed/" + name), content);
    const std::string file = Path(name + ".torrent");
    EXPECT_EQ(Run({"create", Path("seed/" + name), "-o", file, "-q"}), 0);
    return file;
  }
  // Seeds it, and where.
  std::unique_ptr<Program> Seed(const std::string& file, std::string* address, std::vector<std::string> more = {}) {
    // A port that was free a moment ago; nobody else binds to 127.0.0.1 here.
    const int port = 20000 + static_cast<int>(getpid() % 20000) + next_port_++;
    std::vector<std::string> arguments = {
        file,     "--seed",           "-o",     Path("seed"), "--bind",          "127.0.0.1",
        "--port", absl::StrCat(port), "--json", "--state",    Path("seed-state")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto program = std::make_unique<Program>(arguments);
    EXPECT_TRUE(program->WaitFor("\"state\":\"seeding\"")) << program->error;
    *address = absl::StrCat("127.0.0.1:", port);
    return program;
  }

  std::string folder_;
  int next_port_ = 0;
};

TEST_F(ProgramTest, HelpAndVersionGoToStdout) {
  std::string out, error;
  EXPECT_EQ(Run({"--help"}, &out, &error), 0);
  EXPECT_THAT(out, HasSubstr("Usage: torrent SOURCE..."));
  EXPECT_EQ(error, "");
  EXPECT_EQ(Run({"--version"}, &out), 0);
  EXPECT_EQ(out, "torrent " TORRENT_VERSION "\n");
}

TEST_F(ProgramTest, UsageErrorsAreTwo) {
  std::string error;
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"--no-such-option", "x"}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("--no-such-option"));
  EXPECT_EQ(Run({"ftp://host/x.torrent"}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("ftp"));
  EXPECT_EQ(Run({MakeTorrent(1000), "--select", "7", "-o", Path("out")}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("--select: "));
}

TEST_F(ProgramTest, WhatIsNoUsableTorrentIsThree) {
  const struct {
    const char* name;
    std::string content;
  } kCases[] = {
      {"empty.torrent", ""},
      {"garbage.torrent", "this is not bencode"},
      {"cut.torrent", "d4:infod6:lengthi1e"},
      {"v2.torrent", absl::StrCat("d4:infod9:file treed1:ad0:d6:lengthi1e11:pieces root32:", std::string(32, 'x'),
                                  "eee12:meta versioni2e4:name1:a12:piece lengthi16384eee")}};
  std::string error;
  for (const auto& c : kCases) {
    WriteFile(Path(c.name), c.content);
    for (const char* command : {"show", "verify", ""}) {
      std::vector<std::string> arguments = {Path(c.name)};
      if (*command != '\0') arguments.insert(arguments.begin(), command);
      EXPECT_EQ(Run(arguments, nullptr, &error), 3) << c.name;
      EXPECT_THAT(error, HasSubstr(c.name));
    }
  }
  EXPECT_EQ(Run({Path("none.torrent")}, nullptr, &error), 3);
  EXPECT_THAT(error, HasSubstr("No such file"));
  EXPECT_EQ(Run({"magnet:?xt=urn:btih:01234567890123456789&tr=http://secret"}, nullptr, &error), 3);
  EXPECT_THAT(error, HasSubstr("magnet"));
  EXPECT_THAT(error, Not(HasSubstr("secret")));
  EXPECT_EQ(Run({"http://name:pass3word@127.0.0.1:1/x.torrent?passkey=s3cret"}, nullptr, &error), 3);
  EXPECT_THAT(error, HasSubstr("127.0.0.1:1/x.torrent"));
  EXPECT_THAT(error, Not(HasSubstr("pass3word")));
  EXPECT_THAT(error, Not(HasSubstr("s3cret")));
}

TEST_F(ProgramTest, NothingForTheTimeoutIsFour) {
  std::string error;
  const TimePoint start = Now();
  EXPECT_EQ(Run({MakeTorrent(1000), "-o", Path("out"), "--timeout", "1", "--bind", "127.0.0.1", "--port", "0"}, nullptr,
                &error),
            4);
  EXPECT_GE(Now() - start, std::chrono::seconds(1));
  EXPECT_THAT(error, HasSubstr("--timeout"));
}

TEST_F(ProgramTest, WhatTheDiskRefusesIsFive) {
  std::string error;
  const std::string file = MakeTorrent(1000);
  WriteFile(Path("a-file"), "x");
  EXPECT_EQ(Run({file, "-o", Path("a-file/out"), "--bind", "127.0.0.1", "--port", "0"}, nullptr, &error), 5);
  EXPECT_THAT(error, HasSubstr("a-file"));
  EXPECT_EQ(Run({"create", Path("none"), "-o", Path("x.torrent")}, nullptr, &error), 5);
  EXPECT_THAT(error, HasSubstr("none"));
  Program full({"show", file}, open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(full.Wait(), 5);
}

TEST_F(ProgramTest, BadOrMissingDataIsSix) {
  const std::string file = MakeTorrent(100'000);
  std::string out;
  EXPECT_EQ(Run({"verify", file, "-o", Path("seed")}, &out), 0);
  EXPECT_THAT(out, HasSubstr("whole    payload\n1 of 1 file is whole"));
  std::string content = ReadFile(Path("seed/payload"));
  content[50'000] = static_cast<char>(content[50'000] ^ 1);
  WriteFile(Path("seed/payload"), content);
  EXPECT_EQ(Run({"verify", file, "--output", Path("seed")}, &out), 6);
  EXPECT_THAT(out, ContainsRegex("bad +payload \\(.* in pieces that differ\\)"));
  unlink(Path("seed/payload").c_str());
  EXPECT_EQ(Run({"verify", file, "-o", Path("seed")}, &out), 6);
  EXPECT_THAT(out, HasSubstr("missing  payload"));
  EXPECT_EQ(Run({"verify", file, "-o", Path("seed"), "-q"}, &out), 6);
  EXPECT_EQ(out, "");
}

TEST_F(ProgramTest, ANetworkThatCannotBeSetUpIsSeven) {
  std::string error;
  EXPECT_EQ(Run({MakeTorrent(1000), "-o", Path("out"), "--bind", "203.0.113.9"}, nullptr, &error), 7);
  EXPECT_THAT(error, HasSubstr("203.0.113.9"));
  EXPECT_EQ(Run({"tracker", "--bind", "203.0.113.9"}, nullptr, &error), 7);
  EXPECT_THAT(error, HasSubstr("203.0.113.9"));
}

TEST_F(ProgramTest, CreateShowsWhatItWasToldAndReplacesOnlyByForce) {
  mkdir(Path("tree").c_str(), 0755);
  WriteFile(Path("tree/a"), "aa");
  WriteFile(Path("tree/b"), "b");
  const std::string file = Path("t.torrent");
  std::string out, error;
  EXPECT_EQ(Run({"create", Path("tree"), "-o", file, "-a", "http://one.invalid/announce", "--private", "--comment",
                 "Gruß", "-l", "64K"},
                &out),
            0);
  EXPECT_THAT(out, HasSubstr("1 pieces of 64.0 KiB"));
  EXPECT_EQ(Run({"create", Path("tree"), "-o", file}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("--force"));
  EXPECT_EQ(Run({"show", file, "--json"}, &out), 0);
  const auto shown = nlohmann::json::parse(out);
  EXPECT_EQ(shown["name"], "tree");
  EXPECT_EQ(shown["private"], true);
  EXPECT_EQ(shown["comment"], "Gruß");
  EXPECT_EQ(shown["piece_length"], 65536);
  EXPECT_EQ(shown["files"][1]["path"], "tree/b");
  EXPECT_EQ(Run({"show", file}, &out), 0);
  EXPECT_THAT(out, HasSubstr(shown["infohash"].get<std::string>()));
  EXPECT_EQ(Run({"create", Path("tree/a"), "-o", file, "-f", "-q"}, &out), 0);
  EXPECT_EQ(out, "");
  EXPECT_EQ(Run({"show", file, "--json"}, &out), 0);
  EXPECT_EQ(nlohmann::json::parse(out)["name"], "a");
}

TEST_F(ProgramTest, AReaderThatLeftIsAsBySigpipe) {
  const std::string file = MakeTorrent(1000);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  close(ends[0]);
  Program show({"show", file}, ends[1]);
  close(ends[1]);
  EXPECT_EQ(show.Wait(), 141);
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
    EXPECT_EQ(program.Wait(), 128 + number);
    EXPECT_LT(Now() - start, std::chrono::seconds(10));
    EXPECT_THAT(program.error, HasSubstr("the same command continues"));
  }
  seeder->Signal(SIGTERM);
  EXPECT_EQ(seeder->Wait(), 143);
}

TEST_F(ProgramTest, StopsInOrderWhenNobodyReadsItsEvents) {
  const std::string file = MakeTorrent(20'000'000);
  std::string address;
  const auto seeder = Seed(file, &address, {"--upload-limit", "1M"});
  Program program({file, "-o", Path("out"), "--bind", "127.0.0.1", "--port", "0", "--peer", address, "--json"});
  ASSERT_TRUE(program.WaitFor("\"written\"")) << program.error;
  program.CloseOut();
  EXPECT_EQ(program.Wait(), 141);
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
  EXPECT_EQ(tracker.Wait(), 143);
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
