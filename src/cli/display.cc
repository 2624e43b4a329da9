#include "cli/display.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clean_text.h"
#include "cli/text_width.h"

namespace torrent {
namespace {

// Who writes a line has cut it.
constexpr size_t kWhole = SIZE_MAX;

// What EraseAtExit needs, and may read on any thread at any time.
std::atomic<int> live_fd{-1};
std::atomic<int> live_rows{0};

bool MovesItsCursor(int fd) {
  const char* kind = getenv("TERM");
  return isatty(fd) && kind != nullptr && *kind != '\0' && strcmp(kind, "dumb") != 0;
}

// What the user's locale says, not what ours is set to. POSIX: the first of these that is set and not empty counts.
bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return strcasestr(value, "utf-8") != nullptr || strcasestr(value, "utf8") != nullptr;
  }
  return false;
}

struct winsize Size(int fd) {
  struct winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size.ws_col = 80;
  if (size.ws_row == 0) size.ws_row = 24;
  return size;
}

// To the first column of the first of `rows` rows, and everything from there on erased.
std::string EraseRows(int rows) {
  if (rows == 0) return "";
  return absl::StrCat("\r", rows > 1 ? absl::StrCat("\x1b[", rows - 1, "A") : "", "\x1b[J");
}

}  // namespace

bool WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      // The descriptor is shared with whoever started us, and may be non-blocking.
      struct pollfd ready = {fd, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Display::Display(const Options& options)
    : options_(options), live_(!options.quiet && MovesItsCursor(options.text_fd)), unicode_(LocaleIsUtf8()) {}

Display::~Display() { ShowLive({}); }

int Display::columns() const {
  // Not the last column: a terminal that is written to in it may or may not go to the next line.
  return std::max(1, Size(options_.text_fd).ws_col - 1);
}

void Display::Write(int fd, absl::string_view bytes) {
  if (!WriteAll(fd, bytes) && errno == EPIPE) reader_gone_ = true;
}

std::string Display::EraseSequenceLocked() const {
  // A window that became narrower has wrapped what we wrote in it.
  const int width = Size(options_.text_fd).ws_col;
  int rows = 0;
  for (const std::string& line : lines_) rows += std::max(1, (TextWidth(line) + width - 1) / width);
  return EraseRows(rows);
}

void Display::PrintTo(int fd, absl::string_view line) {
  const std::string clean = absl::StrCat(CleanText(line, kWhole), "\n");
  MutexLock lock(&mutex_);
  if (lines_.empty()) {
    Write(fd, clean);
    return;
  }
  Write(options_.text_fd, EraseSequenceLocked());
  Write(fd, clean);
  Write(options_.text_fd, absl::StrJoin(lines_, "\n"));
}

void Display::Print(absl::string_view line) {
  if (!options_.quiet) PrintTo(options_.text_fd, line);
}

void Display::PrintNote(absl::string_view line) {
  if (!options_.quiet) PrintTo(options_.error_fd, line);
}

void Display::PrintError(absl::string_view message) { PrintTo(options_.error_fd, absl::StrCat("torrent: ", message)); }

void Display::ShowLive(const std::vector<std::string>& lines) {
  if (!live_) return;
  MutexLock lock(&mutex_);
  if (lines.empty() && lines_.empty()) return;
  // Erasing goes with the new text in one write, so that nothing flickers.
  std::string out = EraseSequenceLocked();
  lines_.clear();
  for (const std::string& line : lines) lines_.push_back(CleanText(line, kWhole));
  const size_t rows = std::max<size_t>(1, Size(options_.text_fd).ws_row - 1u);
  if (lines_.size() > rows) {
    const size_t hidden = lines_.size() - rows + 1;
    lines_.resize(rows - 1);
    lines_.push_back(absl::StrCat("and ", hidden, " more"));
  }
  absl::StrAppend(&out, absl::StrJoin(lines_, "\n"));
  live_fd = options_.text_fd;
  live_rows = static_cast<int>(lines_.size());
  Write(options_.text_fd, out);
}

void Display::EraseAtExit() {
  const std::string erase = EraseRows(live_rows);
  if (!erase.empty() && write(live_fd, erase.data(), erase.size()) < 0) return;
}

}  // namespace torrent
