// The commands of the program, each in a file of its own: from arguments to an exit code. They write to the standard
// streams; what is wrong they answer, in one line, and main prints it. Thread: main, which blocks until they are done.
#ifndef TORRENT_CLI_COMMANDS_H_
#define TORRENT_CLI_COMMANDS_H_

#include "absl/strings/string_view.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "cli/signals.h"

namespace torrent {

// Until a command sets something else, a signal ends the process at once (StopSignals::OnStop).
Outcome RunDownload(const DownloadArguments& arguments, StopSignals* stop);
Outcome RunCreate(const CreateArguments& arguments, StopSignals* stop);
Outcome RunShow(const ShowArguments& arguments, StopSignals* stop);
Outcome RunMagnet(const MagnetArguments& arguments);
Outcome RunDht(const DhtArguments& arguments, StopSignals* stop);
Outcome RunVerify(const VerifyArguments& arguments);
Outcome RunTracker(const TrackerArguments& arguments, StopSignals* stop);

// Writes `text` to stdout. A reader that is gone is 128 + SIGPIPE, as for any program in a pipe; a full disk says so.
Outcome WriteOut(absl::string_view text);

}  // namespace torrent

#endif  // TORRENT_CLI_COMMANDS_H_
