#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/event_queue.h"
#include "cli/json_lines.h"
#include "cli/source.h"
#include "cli/watch.h"
#include "metainfo/selection.h"
#include "torrent/session.h"

namespace torrent {
namespace {

// A download from the sources to the last line. Its parts die in the reverse order of their making: the session first,
// whose threads use the others.
class Download {
 public:
  Download(const DownloadArguments& arguments, StopSignals* stop)
      : arguments_(arguments),
        stop_(stop),
        display_({.text_fd = arguments.json ? STDERR_FILENO : STDOUT_FILENO, .quiet = arguments.quiet}),
        events_({.json = arguments.json, .notes = !arguments.quiet, .verbose = arguments.verbose}) {}
  ~Download() { stop_->OnStop(nullptr); }

  Outcome Run() {
    for (const std::string& source : arguments_.sources) Load(source);
    if (loaded_.empty()) return {first_error_, ""};
    absl::StatusOr<std::unique_ptr<Session>> session = Session::Start(arguments_.session, &events_);
    if (!session.ok()) {
      const int exit_code = ExitCodeOfStart(session.status(), arguments_.session);
      return Fail("", exit_code, absl::StrCat(session.status().message(), Advice(exit_code, session.status())));
    }
    session_ = *std::move(session);
    // From here on a signal stops in order; before, there is nothing to save.
    stop_->OnStop([session = session_.get()] { session->RequestStop(); });
    for (const Loaded& loaded : loaded_) Add(loaded);
    Outcome outcome;
    if (!running_.empty()) {
      WatchOptions options;
      options.json_fd = arguments_.json ? STDOUT_FILENO : -1;
      options.timeout = arguments_.timeout;
      options.signal = [this] { return stop_->received(); };
      outcome = Watch(session_.get(), running_, &display_, &events_, options).Run();
    }
    if (outcome.exit_code == kExitDone) outcome.exit_code = first_error_;
    // What hangs now (a resolver, a dead disk) must not hold up the exit; what was promised is on disk.
    if (!session_->Stop()) {
      if (!outcome.message.empty()) display_.PrintError(outcome.message);
      Display::EraseAtExit();
      _exit(outcome.exit_code);
    }
    return outcome;
  }

 private:
  struct Loaded {
    std::string text;  // as it was typed
    Source source;
    std::vector<bool> wanted;  // of a .torrent

    std::string Name() const {
      if (source.metainfo != nullptr) return CleanText(source.metainfo->name, kMaxShownNameBytes);
      return source.magnet.name.empty() ? source.magnet.infohash.Hex()
                                        : CleanText(source.magnet.name, kMaxShownNameBytes);
    }
  };

  // Says it at once: other sources may go on for hours.
  Outcome Fail(absl::string_view source, int exit_code, const std::string& message) {
    if (arguments_.json) WriteAll(STDOUT_FILENO, JsonOfError(absl::nullopt, source, exit_code, message) + "\n");
    display_.PrintError(message);
    if (first_error_ == kExitDone) first_error_ = exit_code;
    return {exit_code, ""};
  }

  void Load(const std::string& text) {
    Loaded loaded;
    loaded.text = text;
    const Outcome outcome = LoadSource(text, &loaded.source);
    if (outcome.exit_code != kExitDone) {
      Fail(SourceForDisplay(text), outcome.exit_code, outcome.message);
      return;
    }
    if (!loaded.source.magnet.notice.empty()) display_.PrintNote(loaded.source.magnet.notice);
    if (!arguments_.select.empty() && loaded.source.metainfo != nullptr) {
      absl::StatusOr<std::vector<bool>> wanted = SelectFiles(*loaded.source.metainfo, arguments_.select);
      if (!wanted.ok()) {
        Fail(SourceForDisplay(text), kExitUsage, absl::StrCat("--select: ", wanted.status().message()));
        return;
      }
      loaded.wanted = *std::move(wanted);
    }
    loaded_.push_back(std::move(loaded));
  }

  absl::StatusOr<TorrentId> AddToSession(const Loaded& loaded) {
    TorrentOptions options = arguments_.torrent;
    if (loaded.source.metainfo != nullptr) {
      options.wanted = loaded.wanted;
      return session_->Add(loaded.source.metainfo, options);
    }
    if (!arguments_.select.empty()) {
      options.select = [this](const Metainfo& metainfo) -> absl::StatusOr<std::vector<bool>> {
        absl::StatusOr<std::vector<bool>> wanted = SelectFiles(metainfo, arguments_.select);
        return wanted.ok() ? wanted : Annotate(wanted.status(), "--select");
      };
    }
    return session_->Add(loaded.source.magnet, options);
  }

  void Add(const Loaded& loaded) {
    const absl::StatusOr<TorrentId> id = AddToSession(loaded);
    if (!id.ok()) {
      const int exit_code = ExitCodeOfDisk(id.status());
      Fail(SourceForDisplay(loaded.text), exit_code,
           absl::StrCat(loaded.Name(), ": ", id.status().message(), Advice(exit_code, id.status())));
      return;
    }
    running_.push_back({*id, loaded.Name(), arguments_.torrent.seed});
  }

  const DownloadArguments& arguments_;
  StopSignals* const stop_;
  Display display_;
  EventQueue events_;
  std::vector<Loaded> loaded_;
  std::vector<Running> running_;
  int first_error_ = kExitDone;
  std::unique_ptr<Session> session_;
};

}  // namespace

Outcome RunDownload(const DownloadArguments& arguments, StopSignals* stop) { return Download(arguments, stop).Run(); }

}  // namespace torrent
