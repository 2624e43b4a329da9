#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/display.h"

namespace torrent {

Outcome WriteOut(absl::string_view text) {
  if (WriteAll(STDOUT_FILENO, text)) return {};
  if (errno == EPIPE) return {kExitSignal + SIGPIPE, ""};
  return {kExitDisk, absl::StrCat("standard output: ", strerror(errno))};
}

}  // namespace torrent
