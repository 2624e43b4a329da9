#include "cli/watch.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/json_lines.h"
#include "cli/progress_line.h"
#include "cli/quantity.h"

namespace torrent {
namespace {

constexpr size_t kMaxErrorBytes = 600;
// Different notes that are remembered; beyond that all are told.
constexpr size_t kMaxTold = 1000;

}  // namespace

Watch::Watch(Session* session, std::vector<Running> torrents, Display* display, EventQueue* events,
             WatchOptions options)
    : session_(session), display_(display), events_(events), options_(std::move(options)) {
  for (Running& torrent : torrents) torrents_.push_back({std::move(torrent), {}});
  const TimePoint now = Now();
  next_json_ = now + options_.json_interval;
  next_log_ = now + options_.log_interval;
  came_at_ = now;
}

Outcome Watch::Run() {
  while (true) {
    Look();
    // Before a last line is told, so that the live one of that torrent is gone by then.
    ShowLive();
    TellEvents();
    for (Torrent& torrent : torrents_) {
      if (torrent.status.complete && !torrent.done) TellDone(&torrent);
      if (torrent.status.state == TorrentState::kStopped && !torrent.ended) TellEnd(&torrent);
    }
    if (AllEnded()) break;
    const TimePoint now = Now();
    CheckTimeout(now);
    TellProgress(now);
    if (display_->reader_gone()) reader_gone_ = true;
    // Nobody reads what we say: as any program in a pipe, we stop; but in order, and the download can go on later. A
    // signal has asked already, but a torrent may have been added just then.
    if (reader_gone_ || options_.signal() != 0) session_->RequestStop();
    Pause(now);
  }
  return Result();
}

void Watch::Look() {
  for (Torrent& torrent : torrents_) {
    if (torrent.ended) continue;
    torrent.status = session_->Status(torrent.what.id);
    if (torrent.named || torrent.status.state == TorrentState::kMetadata) continue;
    // What a magnet link calls it, or not, need not be its name.
    torrent.named = true;
    const std::shared_ptr<const Metainfo> metainfo = session_->MetainfoOf(torrent.what.id);
    if (metainfo != nullptr) torrent.what.name = CleanText(metainfo->name, kMaxShownNameBytes);
  }
}

bool Watch::AllEnded() const {
  return std::all_of(torrents_.begin(), torrents_.end(), [](const Torrent& torrent) { return torrent.ended; });
}

void Watch::Pause(TimePoint now) {
  TimePoint until = now + options_.redraw_interval;
  if (!display_->live()) until = std::min(now + std::chrono::seconds(1), next_log_);
  if (options_.json_fd >= 0) until = std::min({until, now + options_.redraw_interval, next_json_});
  if (options_.timeout.count() > 0) until = std::min(until, std::max(now, came_at_ + options_.timeout));
  for (const Torrent& torrent : torrents_) {
    if (torrent.ended) continue;
    // At least a little, so that what is due already does not make this a busy loop.
    const auto wait =
        std::max(std::chrono::duration_cast<std::chrono::milliseconds>(until - now), std::chrono::milliseconds(5));
    session_->WaitStopped(torrent.what.id, wait);
    return;
  }
}

void Watch::WriteJson(const std::string& line) {
  if (options_.json_fd < 0 || line.empty()) return;
  if (!WriteAll(options_.json_fd, line) && errno == EPIPE) reader_gone_ = true;
}

std::string Watch::Named(TorrentId id, const std::string& text) const {
  if (torrents_.size() == 1) return text;
  for (const Torrent& torrent : torrents_) {
    if (torrent.what.id == id) return absl::StrCat(torrent.what.name, ": ", text);
  }
  return text;
}

void Watch::TellEvents() {
  const EventQueue::Lines lines = events_->Take();
  WriteJson(lines.json);
  bool somebody = false;
  for (const Torrent& torrent : torrents_) somebody |= torrent.status.connected_peers > 0;
  for (const Note& note : lines.notes) {
    const bool verbose = note.when == Note::When::kVerbose;
    if (note.when == Note::When::kWithoutPeers && somebody && !events_->verbose()) continue;
    const std::string text = Named(note.torrent, note.text);
    // A tracker that says the same each half hour says it once; with -v all is told.
    if (!verbose && !events_->verbose() && told_.size() < kMaxTold && !told_.insert(text).second) continue;
    display_->PrintNote(text);
  }
  if (lines.notes_left_out > 0) display_->PrintNote(absl::StrCat("(", lines.notes_left_out, " lines left out)"));
}

void Watch::TellDone(Torrent* torrent) {
  torrent->done = true;
  WriteJson(JsonOfDone(torrent->what.id, torrent->status) + "\n");
  display_->Print(SummaryText(torrent->what.name, torrent->status));
}

void Watch::TellEnd(Torrent* torrent) {
  torrent->ended = true;
  const TorrentStatus& status = torrent->status;
  if (status.failure != Failure::kNone) {
    torrent->exit_code = ExitCodeOf(status.failure);
    const std::string message =
        absl::StrCat(torrent->what.name, ": ", CleanText(status.error.message(), kMaxErrorBytes),
                     Advice(torrent->exit_code, status.error));
    WriteJson(JsonOfError(torrent->what.id, "", torrent->exit_code, message) + "\n");
    display_->PrintError(message);
  } else if (!torrent->done) {
    torrent->exit_code = timed_out_ ? kExitTimeout : kExitOther;
    const std::string sources = SourcesText(status);
    display_->Print(absl::StrCat(
        torrent->what.name, ": stopped at ", FormatPercent(status.done_bytes, status.wanted_bytes), " of ",
        FormatSize(status.wanted_bytes), sources.empty() ? "" : ", ", sources, "; the same command continues"));
  } else if (torrent->what.seed) {
    display_->Print(absl::StrCat(torrent->what.name, ": uploaded ", FormatSize(status.uploaded_bytes)));
  }
}

void Watch::ShowLive() {
  std::vector<std::string> lines;
  for (const Torrent& torrent : torrents_) {
    if (torrent.status.state == TorrentState::kStopped) continue;
    lines.push_back(ProgressLine(torrent.what.name, torrent.status, display_->columns(), display_->unicode()));
  }
  display_->ShowLive(lines);
}

void Watch::TellProgress(TimePoint now) {
  if (now >= next_log_ && !display_->live()) {
    for (const Torrent& torrent : torrents_) {
      if (!torrent.ended) display_->Print(ProgressText(torrent.what.name, torrent.status));
    }
  }
  if (now >= next_log_) next_log_ = now + options_.log_interval;
  if (now >= next_json_) {
    next_json_ = now + options_.json_interval;
    for (const Torrent& torrent : torrents_) {
      if (!torrent.ended) WriteJson(JsonOfProgress(torrent.what.id, torrent.status) + "\n");
    }
  }
}

void Watch::CheckTimeout(TimePoint now) {
  if (options_.timeout.count() == 0 || timed_out_) return;
  uint64_t came = 0;
  bool waits_for_peers = false;
  for (const Torrent& torrent : torrents_) {
    came += torrent.status.downloaded_bytes + torrent.status.metadata_bytes;
    waits_for_peers |=
        torrent.status.state == TorrentState::kDownloading || torrent.status.state == TorrentState::kMetadata;
  }
  // While a torrent hashes, syncs or waits for the disk, it is not the peers that we wait for.
  const bool busy = !waits_for_peers || std::any_of(torrents_.begin(), torrents_.end(), [](const Torrent& torrent) {
    return torrent.status.state == TorrentState::kChecking || torrent.status.state == TorrentState::kWaitingForDisk ||
           torrent.status.state == TorrentState::kSyncing;
  });
  if (came != came_ || busy) {
    came_ = came;
    came_at_ = now;
  } else if (now - came_at_ >= options_.timeout) {
    timed_out_ = true;
    session_->RequestStop();
  }
}

Outcome Watch::Result() {
  const int signal = options_.signal();
  bool unfinished = false;
  int first_error = kExitDone;
  for (const Torrent& torrent : torrents_) {
    if (!torrent.done || torrent.what.seed) unfinished |= torrent.status.failure == Failure::kNone;
    if (first_error == kExitDone) first_error = torrent.exit_code;
  }
  if (signal != 0 && unfinished) return {kExitSignal + signal, ""};
  if (reader_gone_ && unfinished) return {kExitSignal + SIGPIPE, ""};
  if (timed_out_ && first_error == kExitTimeout) {
    const std::string message =
        absl::StrCat("nothing came for ", FormatDuration(static_cast<double>(options_.timeout.count()) / 1000, true),
                     " (--timeout); the same command continues, other peers come by --peer and -a");
    WriteJson(JsonOfError(absl::nullopt, "", kExitTimeout, message) + "\n");
    return {kExitTimeout, message};
  }
  return {first_error, ""};
}

}  // namespace torrent
