// The exit codes of the program, as the man page promises them to scripts, and where they come from.
#ifndef TORRENT_CLI_EXIT_CODE_H_
#define TORRENT_CLI_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "torrent/session.h"

namespace torrent {

inline constexpr int kExitDone = 0;
inline constexpr int kExitOther = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitTorrent = 3;  // not a usable torrent: unreadable, malformed, not supported, not to be fetched
inline constexpr int kExitTimeout = 4;  // nothing came for --timeout
inline constexpr int kExitDisk = 5;
inline constexpr int kExitVerify = 6;   // verify found bad or missing data
inline constexpr int kExitNetwork = 7;  // no port, no such interface
// Stopped by a signal: 128 and its number, as shells have it.
inline constexpr int kExitSignal = 128;

// How a command ended. `message` is one line for stderr: what, where, why, what to do; empty when all is said already.
struct Outcome {
  int exit_code = kExitDone;
  std::string message;
};

// For an error that a torrent ended with.
int ExitCodeOf(Failure failure);
// For what Session::Start answered: its port or `bind`, else its state folder.
int ExitCodeOfStart(const absl::Status& status, const SessionOptions& options);
// For what Session::Add or VerifyFiles answered: options that do not fit, a download that runs already, else the disk.
int ExitCodeOfDisk(const absl::Status& status);

// What the user can do about an error with that code: "" or "; free some space ...", to go behind its message.
absl::string_view Advice(int exit_code, const absl::Status& status);

}  // namespace torrent

#endif  // TORRENT_CLI_EXIT_CODE_H_
