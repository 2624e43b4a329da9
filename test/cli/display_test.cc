#include "cli/display.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace torrent {
namespace {

using ::testing::HasSubstr;

// A terminal as small as that, which remembers what is written to it, as bytes and as a screen.
class Terminal {
 public:
  Terminal(int columns, int rows) : columns_(columns), rows_(rows) {
    setenv("TERM", "xterm", 1);
    int main, side;
    struct winsize size = {};
    size.ws_col = static_cast<uint16_t>(columns);
    size.ws_row = static_cast<uint16_t>(rows);
    if (openpty(&main, &side, nullptr, nullptr, &size) != 0) abort();
    main_.Reset(main);
    side_.Reset(side);
    fcntl(main, F_SETFL, O_NONBLOCK);
  }
  int fd() const { return side_.get(); }
  void Resize(int columns) {
    struct winsize size = {};
    size.ws_col = static_cast<uint16_t>(columns);
    size.ws_row = static_cast<uint16_t>(rows_);
    ioctl(side_.get(), TIOCSWINSZ, &size);
  }
  // All that was written so far.
  const std::string& Written() {
    char buffer[4096];
    struct pollfd ready = {main_.get(), POLLIN, 0};
    while (poll(&ready, 1, 0) > 0) {
      const ssize_t n = read(main_.get(), buffer, sizeof buffer);
      if (n <= 0) break;
      written_.append(buffer, static_cast<size_t>(n));
    }
    return written_;
  }
  // The lines that a person sees now: \r, \n, ESC[nA and ESC[J are obeyed, anything else beyond text fails the test.
  std::vector<std::string> Screen() {
    const std::string text = Written();
    std::vector<std::string> lines(1);
    size_t row = 0, column = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\r') {
        column = 0;
      } else if (text[i] == '\n') {
        ++row;
        if (row == lines.size()) lines.emplace_back();
      } else if (text[i] == '\x1b') {
        size_t end = text.find_first_not_of("[0123456789", i + 1);
        const int count = end > i + 2 ? atoi(text.c_str() + i + 2) : 1;
        if (text[end] == 'A') {
          EXPECT_GE(row, static_cast<size_t>(count));
          row -= static_cast<size_t>(count);
        } else if (text[end] == 'J') {
          lines.resize(row + 1);
          lines[row].resize(column);
        } else {
          ADD_FAILURE() << "an escape sequence that is not expected: " << text.substr(i + 1, end - i);
        }
        i = end;
      } else {
        if (lines[row].size() <= column) lines[row].resize(column + 1, ' ');
        lines[row][column++] = text[i];
        EXPECT_LE(column, static_cast<size_t>(columns_));
      }
    }
    return lines;
  }

 private:
  const int columns_;
  const int rows_;
  UniqueFd main_;
  UniqueFd side_;
  std::string written_;
};

using Lines = std::vector<std::string>;

TEST(DisplayTest, RedrawsInPlaceAndLeavesNothingBehind) {
  Terminal terminal(80, 24);
  {
    Display display({.text_fd = terminal.fd(), .error_fd = terminal.fd()});
    ASSERT_TRUE(display.live());
    EXPECT_EQ(display.columns(), 79);
    display.ShowLive({"one 10%", "two 20%"});
    EXPECT_EQ(terminal.Screen(), Lines({"one 10%", "two 20%"}));
    display.ShowLive({"one 100%", "two 3%"});
    EXPECT_EQ(terminal.Screen(), Lines({"one 100%", "two 3%"}));
    display.ShowLive({"two 4%"});
    EXPECT_EQ(terminal.Screen(), Lines({"two 4%"}));
  }
  EXPECT_EQ(terminal.Screen(), Lines({""}));
}

TEST(DisplayTest, LinesThatStayGoAboveTheLiveOnes) {
  Terminal terminal(80, 24);
  Display display({.text_fd = terminal.fd(), .error_fd = terminal.fd()});
  display.ShowLive({"one 10%", "two 20%"});
  display.Print("stays");
  display.PrintError("wrong");
  EXPECT_EQ(terminal.Screen(), Lines({"stays", "torrent: wrong", "one 10%", "two 20%"}));
  display.ShowLive({});
  EXPECT_EQ(terminal.Screen(), Lines({"stays", "torrent: wrong", ""}));
}

TEST(DisplayTest, ShowsNoMoreLinesThanTheTerminalHas) {
  Terminal terminal(80, 5);
  Display display({.text_fd = terminal.fd(), .error_fd = terminal.fd()});
  display.ShowLive({"1", "2", "3", "4", "5", "6"});
  EXPECT_EQ(terminal.Screen(), Lines({"1", "2", "3", "and 3 more"}));
}

TEST(DisplayTest, FollowsAWindowThatBecomesNarrower) {
  Terminal terminal(80, 24);
  Display display({.text_fd = terminal.fd(), .error_fd = terminal.fd()});
  display.ShowLive({std::string(60, 'x')});
  terminal.Resize(20);
  EXPECT_EQ(display.columns(), 19);
  display.ShowLive({"y"});
  // The terminal has wrapped the 60 columns into three rows: two up.
  EXPECT_THAT(terminal.Written(), HasSubstr("\r\x1b[2A\x1b[Jy"));
}

TEST(DisplayTest, TakesItsLinesAwayWhenTheProcessEndsAtOnce) {
  Terminal terminal(80, 24);
  Display display({.text_fd = terminal.fd(), .error_fd = terminal.fd()});
  display.ShowLive({"one 10%", "two 20%"});
  Display::EraseAtExit();
  EXPECT_EQ(terminal.Screen(), Lines({""}));
}

TEST(DisplayTest, QuietSaysErrorsOnly) {
  Terminal terminal(80, 24);
  Display display({.text_fd = terminal.fd(), .error_fd = terminal.fd(), .quiet = true});
  EXPECT_FALSE(display.live());
  display.ShowLive({"one"});
  display.Print("line");
  display.PrintNote("note");
  display.PrintError("wrong");
  EXPECT_EQ(terminal.Screen(), Lines({"torrent: wrong", ""}));
}

TEST(DisplayTest, IsNotLiveInAPipeOrOnATerminalThatCannot) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(Display({.text_fd = ends[1]}).live());
  close(ends[0]);
  close(ends[1]);
  Terminal terminal(80, 24);
  setenv("TERM", "dumb", 1);
  EXPECT_FALSE(Display({.text_fd = terminal.fd()}).live());
}

TEST(DisplayTest, NoticesThatNobodyReads) {
  signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  Display display({.text_fd = ends[1]});
  EXPECT_FALSE(display.reader_gone());
  display.Print("line");
  EXPECT_TRUE(display.reader_gone());
  close(ends[1]);
}

}  // namespace
}  // namespace torrent
