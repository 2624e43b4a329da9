#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/commands.h"
#include "cli/json_lines.h"
#include "cli/metainfo_text.h"
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

}  // namespace

Outcome RunShow(const ShowArguments& arguments, StopSignals*) {
  std::shared_ptr<const Metainfo> metainfo;
  if (Outcome outcome = LoadMetainfoSource(arguments.source, &metainfo); outcome.exit_code != kExitDone) return outcome;
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
