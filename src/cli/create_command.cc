#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/new_file.h"
#include "cli/progress_line.h"
#include "cli/quantity.h"
#include "torrent/metainfo.h"

namespace torrent {
namespace {

// The last element of `path`, also where it is "." or ends with a slash; "" for what is not there.
std::string NameOf(const std::string& path) {
  char* const real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return "";
  const std::string whole = real;
  free(real);
  return whole.substr(whole.rfind('/') + 1);
}

}  // namespace

Outcome RunCreate(const CreateArguments& arguments, StopSignals* stop) {
  std::string output = arguments.output;
  if (output.empty()) output = absl::StrCat(NameOf(arguments.options.path), ".torrent");
  const std::string shown = CleanText(output, PATH_MAX);
  struct stat there;
  if (!arguments.force && lstat(output.c_str(), &there) == 0) {
    return {kExitUsage, absl::StrCat(shown, " is there already; --force replaces it, -o names another")};
  }
  Display display({.text_fd = STDOUT_FILENO, .quiet = arguments.quiet});
  stop->OnStop([] {});  // hashing looks whether one came; beyond 5 s it ends all the same
  CreateOptions options = arguments.options;
  if (!options.creation_date) options.creation_date = time(nullptr);
  const std::string name = CleanText(NameOf(options.path), 200);
  options.progress = [&](uint64_t done, uint64_t total) {
    display.ShowLive({HashingLine(name, done, total, display.columns(), display.unicode())});
    return stop->received() == 0;
  };
  const absl::StatusOr<CreatedTorrent> created = CreateTorrent(options);
  display.ShowLive({});
  if (stop->received() != 0) return {kExitSignal + stop->received(), ""};
  if (!created.ok()) {
    const int exit_code = ExitCodeOfDisk(created.status());
    return {exit_code, absl::StrCat(created.status().message(), Advice(exit_code, created.status()))};
  }
  const absl::Status written = WriteNewFile(output, created->bytes, arguments.force);
  stop->OnStop(nullptr);
  if (!written.ok()) {
    const int exit_code = absl::IsAlreadyExists(written) ? kExitUsage : kExitDisk;
    return {exit_code, CleanText(absl::StrCat(written.message(), Advice(exit_code, written)), PATH_MAX)};
  }
  for (const std::string& notice : created->notices) display.PrintNote(CleanText(notice, PATH_MAX));
  const absl::StatusOr<Metainfo> metainfo = ParseMetainfo(created->bytes);
  if (!metainfo.ok()) return {kExitOther, absl::StrCat(shown, ": ", metainfo.status().message())};
  display.Print(absl::StrCat(shown, ": ", created->infohash.Hex(), ", ", FormatSize(metainfo->total_length), ", ",
                             metainfo->piece_count, " pieces of ", FormatSize(metainfo->piece_length)));
  return {};
}

}  // namespace torrent
