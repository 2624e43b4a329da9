// The program: what the user typed goes to a command, and what it answers becomes the exit code (exit_code.h).
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "base/memory_shortage.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/shut_in.h"

namespace torrent {
namespace {

struct RunCommand {
  StopSignals* stop;
  Outcome operator()(const DownloadArguments& arguments) const { return RunDownload(arguments, stop); }
  Outcome operator()(const CreateArguments& arguments) const { return RunCreate(arguments, stop); }
  Outcome operator()(const ShowArguments& arguments) const { return RunShow(arguments, stop); }
  Outcome operator()(const MagnetArguments& arguments) const { return RunMagnet(arguments); }
  Outcome operator()(const DhtArguments& arguments) const { return RunDht(arguments, stop); }
  Outcome operator()(const VerifyArguments& arguments) const { return RunVerify(arguments); }
  Outcome operator()(const TrackerArguments& arguments) const { return RunTracker(arguments, stop); }
  Outcome operator()(const HelpArguments& arguments) const { return WriteOut(arguments.text); }
};

Outcome Main(int argc, char** argv) {
  const absl::StatusOr<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments.ok()) return {kExitUsage, std::string(arguments.status().message())};
  // Before any other thread, so that all of them are shut in and have the signals blocked.
  ShutIn(*arguments);
  const absl::StatusOr<std::unique_ptr<StopSignals>> stop = StopSignals::Start({.exit_now = [](int exit_code) {
    Display::EraseAtExit();
    _exit(exit_code);
  }});
  if (!stop.ok()) return {kExitOther, std::string(stop.status().message())};
  return absl::visit(RunCommand{stop->get()}, *arguments);
}

}  // namespace
}  // namespace torrent

int main(int argc, char** argv) {
  // Started without one of the standard streams, the next file that is opened would get its number, and our messages.
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return torrent::kExitOther;
  }
#ifdef M_ARENA_MAX
  // One malloc arena for each of some hundred threads would keep freed memory that the others then take anew from the
  // system. Payload does not go through malloc, so two are no bottleneck.
  mallopt(M_ARENA_MAX, 2);
#endif
  torrent::WaitWhenMemoryIsShort();
  const torrent::PatientForMemory patient;  // who watches and tells the end
  // File names in torrents are UTF-8, whatever the locale: only the width of their characters is asked of it.
  setlocale(LC_CTYPE, "C.UTF-8");
  const torrent::Outcome outcome = torrent::Main(argc, argv);
  if (!outcome.message.empty()) {
    torrent::WriteAll(STDERR_FILENO, absl::StrCat("torrent: ", torrent::CleanText(outcome.message, SIZE_MAX), "\n"));
  }
  return outcome.exit_code;
}
