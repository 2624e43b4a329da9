#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/latch.h"
#include "tracker_server/tracker_server.h"

namespace torrent {
Outcome RunTracker(const TrackerArguments& arguments, StopSignals* stop) {
  absl::StatusOr<std::unique_ptr<TrackerServer>> server =
      TrackerServer::Start({.port = arguments.port, .bind = arguments.bind});
  if (!server.ok()) {
    return {kExitNetwork, absl::StrCat(server.status().message(), "; choose others with --port and --bind")};
  }
  Latch stopped;
  stop->OnStop([&stopped] { stopped.Set(); });
  const bool v6 = absl::StrContains(arguments.bind, ":");
  const std::string host = arguments.bind.empty() ? "<this machine>" : arguments.bind;
  Display display({.text_fd = STDOUT_FILENO, .quiet = arguments.quiet});
  display.Print(absl::StrCat("tracker for any torrent at http://", v6 ? "[" : "", host, v6 ? "]" : "", ":",
                             (*server)->port(), "/announce; Ctrl-C stops it"));
  stopped.WaitUntil(TimePoint::max());
  stop->OnStop(nullptr);
  (*server)->Stop();
  return {kExitSignal + stop->received(), ""};
}

}  // namespace torrent
