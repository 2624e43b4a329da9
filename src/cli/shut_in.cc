#include "cli/shut_in.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/display.h"
#include "sandbox/sandbox.h"
#include "torrent/folders.h"

namespace torrent {
namespace {

constexpr size_t kMaxSandboxTextBytes = 1000;

// Where a file of this name is made: beside its place, under another name first.
std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool IsMagnet(const std::string& source) { return absl::StartsWithIgnoreCase(source, "magnet:"); }

struct PlacesOf {
  // A source that is no path is none of the file system either.
  SandboxPlaces operator()(const DownloadArguments& arguments) const {
    SandboxPlaces places;
    places.readable = arguments.sources;
    AddState(arguments.session.state_dir, &places);
    // Not for a name that was mistyped.
    const bool something = std::any_of(
        arguments.sources.begin(), arguments.sources.end(),
        [](const std::string& source) { return absl::StrContains(source, ":") || access(source.c_str(), R_OK) == 0; });
    if (something) MakeOutputFolder(arguments.torrent.output_dir).IgnoreError();
    places.writable.push_back(arguments.torrent.output_dir);
    places.kept = arguments.torrent.output_dir;
    return places;
  }
  // What it reads is the user's own, and links in it lead where they lead.
  SandboxPlaces operator()(const CreateArguments& arguments) const {
    return SandboxPlaces{{"/"}, {FolderOf(arguments.output)}};
  }
  SandboxPlaces operator()(const ShowArguments& arguments) const {
    SandboxPlaces places;
    places.readable = {arguments.source};
    if (IsMagnet(arguments.source)) AddState(arguments.session.state_dir, &places);
    if (!arguments.output.empty()) places.writable.push_back(FolderOf(arguments.output));
    return places;
  }
  SandboxPlaces operator()(const MagnetArguments& arguments) const { return SandboxPlaces{{arguments.source}, {}}; }
  SandboxPlaces operator()(const VerifyArguments& arguments) const {
    return SandboxPlaces{{arguments.source, arguments.output_dir}, {}};
  }
  SandboxPlaces operator()(const TrackerArguments&) const { return SandboxPlaces{}; }
  SandboxPlaces operator()(const DhtArguments& arguments) const {
    SandboxPlaces places;
    AddState(arguments.session.state_dir, &places);
    return places;
  }
  SandboxPlaces operator()(const HelpArguments&) const { return SandboxPlaces{}; }

  static void AddState(const std::string& given, SandboxPlaces* places) {
    absl::StatusOr<std::string> folder = MakeStateFolder(given);
    if (folder.ok()) places->writable.push_back(*std::move(folder));
  }
};

bool IsVerbose(const Arguments& arguments) {
  const DownloadArguments* const download = absl::get_if<DownloadArguments>(&arguments);
  return download != nullptr && download->verbose;
}

}  // namespace

void ShutIn(const Arguments& arguments) {
  const bool wanted = absl::visit([](const auto& command) { return command.sandbox; }, arguments);
  std::string text = "off";
  if (wanted) {
    text = EnterSandbox(absl::visit(PlacesOf{}, arguments)).text;
  }
  if (IsVerbose(arguments))
    WriteAll(STDERR_FILENO, absl::StrCat("sandbox: ", CleanText(text, kMaxSandboxTextBytes), "\n"));
}

}  // namespace torrent
