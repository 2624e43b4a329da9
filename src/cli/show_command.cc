#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/commands.h"
#include "cli/json_lines.h"
#include "cli/metainfo_text.h"
#include "cli/new_file.h"
#include "cli/source.h"
#include "torrent/session.h"

namespace torrent {
namespace {

constexpr size_t kMaxScrapeMessageBytes = 300;

std::string ScrapeText(const std::vector<ScrapeResult>& scrapes) {
  std::string out = scrapes.empty() ? "Scrape: no tracker that can be asked\n" : "Scrape:\n";
  for (const ScrapeResult& scrape : scrapes) {
    absl::StrAppend(&out, "  ", CleanText(scrape.tracker, kMaxScrapeMessageBytes), ": ");
    if (scrape.status.ok()) {
      absl::StrAppend(&out, scrape.complete, " seeds, ", scrape.incomplete, " leeches, ", scrape.downloaded,
                      " downloads\n");
    } else {
      absl::StrAppend(&out, CleanText(scrape.status.message(), kMaxScrapeMessageBytes), "\n");
    }
  }
  return out;
}

// What a magnet link's files are, as the swarm tells.
Outcome FetchMetadata(const Magnet& magnet, const ShowArguments& arguments, StopSignals* stop,
                      std::shared_ptr<const Metainfo>* metainfo) {
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Start(arguments.session, nullptr);
  if (!session.ok()) {
    return {ExitCodeOfStart(session.status(), arguments.session), std::string(session.status().message())};
  }
  stop->OnStop([raw = session->get()] { raw->RequestStop(); });
  TorrentOptions options;
  options.metadata_only = true;
  options.peers = arguments.peers;
  const absl::StatusOr<TorrentId> id = (*session)->Add(magnet, options);
  Outcome outcome;
  if (!id.ok()) {
    outcome = {ExitCodeOfDisk(id.status()), std::string(id.status().message())};
  } else {
    const auto forever = std::chrono::hours(24 * 365);
    const std::chrono::seconds timeout = arguments.timeout.count() > 0 ? arguments.timeout : forever;
    const bool ended = (*session)->WaitStopped(*id, timeout);
    *metainfo = (*session)->MetainfoOf(*id);
    const TorrentStatus status = (*session)->Status(*id);
    if (*metainfo == nullptr && stop->received() != 0) {
      outcome = {kExitSignal + stop->received(), ""};
    } else if (*metainfo == nullptr && !ended) {
      outcome = {kExitTimeout,
                 absl::StrCat("nobody gave the metadata within ", timeout.count(), " s; ", status.known_peers,
                              " peers are known, ", status.connected_peers, " connected")};
    } else if (*metainfo == nullptr) {
      outcome = {ExitCodeOf(status.failure), std::string(status.error.message())};
    }
  }
  stop->OnStop(nullptr);
  // What hangs now must not hold up the exit.
  if (!(*session)->Stop()) _exit(outcome.exit_code);
  return outcome;
}

}  // namespace

Outcome RunShow(const ShowArguments& arguments, StopSignals* stop) {
  Source source;
  if (Outcome outcome = LoadSource(arguments.source, &source); outcome.exit_code != kExitDone) return outcome;
  std::shared_ptr<const Metainfo> metainfo = std::move(source.metainfo);
  if (metainfo == nullptr) {
    Outcome outcome = FetchMetadata(source.magnet, arguments, stop, &metainfo);
    if (outcome.exit_code != kExitDone) return outcome;
  }
  if (!arguments.output.empty()) {
    const absl::Status written = WriteNewFile(arguments.output, EncodeMetainfo(*metainfo), arguments.force);
    if (absl::IsAlreadyExists(written)) {
      return {kExitDisk, absl::StrCat(written.message(), "; --force replaces it")};
    }
    if (!written.ok()) return {kExitDisk, std::string(written.message())};
  }
  // What the file says comes first, and at once: a tracker may take its time.
  if (!arguments.json) {
    if (Outcome outcome = WriteOut(MetainfoText(*metainfo)); outcome.exit_code != kExitDone) return outcome;
  }
  std::vector<ScrapeResult> scrapes;
  if (arguments.scrape) scrapes = ScrapeTrackers(*metainfo);
  if (arguments.json) return WriteOut(JsonOfMetainfo(*metainfo, arguments.scrape ? &scrapes : nullptr) + "\n");
  return arguments.scrape ? WriteOut(ScrapeText(scrapes)) : Outcome{};
}

}  // namespace torrent
