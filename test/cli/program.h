// The program itself, run as a shell runs it, and the folders and seeders that its tests need.
#ifndef TORRENT_TEST_CLI_PROGRAM_H_
#define TORRENT_TEST_CLI_PROGRAM_H_

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
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/unique_fd.h"

namespace torrent {

// The program lies beside the folder of this test's own program.
inline std::string ProgramPath() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, n > 0 ? static_cast<size_t>(n) : 0);
  return self.substr(0, self.rfind("/test/")) + "/torrent";
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void WriteFile(const std::string& path, const std::string& content) {
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
      EXPECT_THAT(program.error, ::testing::StartsWith("torrent: "));
    }
    if (out != nullptr) *out = program.out;
    if (error != nullptr) *error = program.error;
    return code;
  }

  // A payload in `seed/` and its .torrent, which is the answer. Each test has its own: tests that run side by side
  // would find each other's peers.
  std::string MakeTorrent(size_t bytes, const std::string& name = "payload") {
    mkdir(Path("seed").c_str(), 0755);
    std::string content(bytes, '\0');
    Random random(bytes + std::hash<std::string>()(::testing::UnitTest::GetInstance()->current_test_info()->name()));
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

}  // namespace torrent

#endif  // TORRENT_TEST_CLI_PROGRAM_H_
