// What people see: lines that stay, and on a terminal a few live ones below them, redrawn in place. Both go through one
// object, so that a message never lands in the middle of a bar. It is the last door before the terminal: each line is
// cleaned here (base/clean_text.h), whoever made it.
// Thread-safe. Invariant: rows_ rows at the end of the terminal are ours, the cursor is in the
// last.
#ifndef TORRENT_CLI_DISPLAY_H_
#define TORRENT_CLI_DISPLAY_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace torrent {

class Display {
 public:
  struct Options {
    int text_fd;  // where human lines and the live ones go: 1, or 2 when stdout carries JSON
    int error_fd = 2;
    bool quiet = false;  // errors only
  };
  explicit Display(const Options& options);
  // Erases the live lines.
  ~Display();

  // Live lines are wanted and possible: a terminal that can move its cursor, and not quiet.
  bool live() const { return live_; }
  // The terminal shows UTF-8.
  bool unicode() const { return unicode_; }
  // Columns that a live line may take, asked anew each time: so a changed window is followed without a handler.
  int columns() const;

  // A line that stays; nothing when quiet.
  void Print(absl::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);
  // "torrent: " and the message on the error stream, quiet or not.
  void PrintError(absl::string_view message) ABSL_LOCKS_EXCLUDED(mutex_);
  // A line on the error stream as it is; nothing when quiet.
  void PrintNote(absl::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);
  // Replaces the live lines, each cut to columns() by the caller. When the terminal has fewer rows, the first ones
  // show.
  void ShowLive(const std::vector<std::string>& lines) ABSL_LOCKS_EXCLUDED(mutex_);

  // A write failed because nobody reads any more (EPIPE).
  bool reader_gone() const { return reader_gone_; }

  // For a process that ends at once by a signal: takes away the live lines of whichever Display shows some, without
  // waiting for a lock.
  static void EraseAtExit();

 private:
  std::string EraseSequenceLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PrintTo(int fd, absl::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);
  void Write(int fd, absl::string_view bytes);

  const Options options_;
  const bool live_;
  const bool unicode_;
  std::atomic<bool> reader_gone_{false};
  Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

// Writes all of `bytes`; false on an error, with errno.
bool WriteAll(int fd, absl::string_view bytes);

}  // namespace torrent

#endif  // TORRENT_CLI_DISPLAY_H_
