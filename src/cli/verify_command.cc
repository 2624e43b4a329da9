#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/progress_line.h"
#include "cli/quantity.h"
#include "cli/source.h"
#include "torrent/session.h"

namespace torrent {
namespace {

constexpr size_t kMaxPathBytes = 4096;

std::string LineOf(const MetainfoFile& file, const FileCheck& check) {
  const std::string path = CleanText(file.path, kMaxPathBytes);
  switch (check.result) {
    case FileCheck::Result::kWhole:
      return absl::StrCat("whole    ", path);
    case FileCheck::Result::kMissing:
      return absl::StrCat("missing  ", path);
    case FileCheck::Result::kBad:
      return absl::StrCat("bad      ", path, " (", FormatSize(check.bad_bytes), " in pieces that differ)");
  }
  return path;
}

}  // namespace

Outcome RunVerify(const VerifyArguments& arguments) {
  std::shared_ptr<const Metainfo> metainfo;
  if (Outcome outcome = LoadMetainfoSource(arguments.source, &metainfo); outcome.exit_code != kExitDone) return outcome;
  Display display({.text_fd = STDOUT_FILENO, .quiet = arguments.quiet});
  const std::string name = CleanText(metainfo->name, 200);
  const absl::StatusOr<VerifyReport> report =
      VerifyFiles(*metainfo, arguments.output_dir, [&](uint64_t done, uint64_t total) {
        display.ShowLive({HashingLine(name, done, total, display.columns(), display.unicode())});
      });
  display.ShowLive({});
  if (!report.ok()) {
    const int exit_code = ExitCodeOfDisk(report.status());
    return {exit_code, absl::StrCat(report.status().message(), Advice(exit_code, report.status()))};
  }
  std::string lines;
  size_t files = 0, whole = 0;
  for (size_t i = 0; i < metainfo->files.size() && i < report->files.size(); ++i) {
    if (metainfo->files[i].pad) continue;
    ++files;
    whole += report->files[i].result == FileCheck::Result::kWhole;
    absl::StrAppend(&lines, LineOf(metainfo->files[i], report->files[i]), "\n");
  }
  absl::StrAppend(&lines, whole, " of ", files, files == 1 ? " file is" : " files are", " whole, ", report->good_pieces,
                  " of ", metainfo->piece_count, " pieces\n");
  if (!arguments.quiet) {
    if (Outcome outcome = WriteOut(lines); outcome.exit_code != kExitDone) return outcome;
  }
  return {report->whole() ? kExitDone : kExitVerify, ""};
}

}  // namespace torrent
