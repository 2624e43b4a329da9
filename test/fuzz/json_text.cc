// Text from outside on its way to a terminal and to --json: the cleaner, and, as the first byte says, an event or a
// torrent's names. The next two bytes are the cleaner's bound; the parts of the text are its lines.
#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "base/clean_text.h"
#include "base/utf8.h"
#include "cli/event_notes.h"
#include "cli/json_lines.h"
#include "cli/metainfo_text.h"
#include "cli/progress_line.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/reader.h"

namespace torrent::fuzz {
namespace {

// Moves no cursor: UTF-8 without control characters, C1 and bidirectional ones among them (hazards 8, 9, 11, 12).
void CheckShown(absl::string_view text, bool lines = false) {
  FUZZ_CHECK(IsUtf8(text));
  for (absl::string_view rest = text; !rest.empty();) {
    uint32_t c = 0;
    rest.remove_prefix(FirstCharacter(rest, &c));
    FUZZ_CHECK((c >= 0x20 || (lines && c == '\n')) && !(c >= 0x7f && c < 0xa0) && c != 0x2028 && c != 0x2029);
    FUZZ_CHECK(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
  }
}

void CheckJson(absl::string_view line) {
  FUZZ_CHECK(line.find('\n') == line.npos && nlohmann::json::accept(line.begin(), line.end()));
}

void CheckEvent(const Event& event) {
  if (const absl::optional<std::string> line = JsonOfEvent(event)) CheckJson(*line);
  if (const absl::optional<Note> note = NoteOfEvent(event)) CheckShown(note->text);
}

// A torrent with these texts; its name and paths are clean, as those of every Metainfo are.
void CheckTorrent(const std::string& clean, const std::vector<std::string>& parts) {
  Metainfo metainfo;
  metainfo.name = clean;
  metainfo.comment = parts[0];
  metainfo.created_by = parts[1];
  metainfo.trackers = {{parts[2]}, {parts[3]}};
  for (absl::string_view path : absl::StrSplit(clean, ' ', absl::SkipEmpty())) {
    metainfo.files.emplace_back().path = std::string(path);
  }
  metainfo.multi_file = true;
  CheckShown(MetainfoText(metainfo), /*lines=*/true);
  FUZZ_CHECK(nlohmann::json::accept(JsonOfMetainfo(metainfo, nullptr)));
}

}  // namespace

FUZZ_TARGET(json_text) {
  Reader reader(input);
  const uint8_t kind = reader.Byte() % 11;
  const size_t bound = reader.Short();
  const std::string clean = CleanText(reader.rest(), bound);
  FUZZ_CHECK(clean.size() <= bound);
  CheckShown(clean);
  FUZZ_CHECK(CleanText(clean, bound) == clean);

  std::vector<std::string> parts = absl::StrSplit(reader.rest(), '\n');
  parts.resize(std::max<size_t>(parts.size(), 4));
  const absl::Status status = absl::UnavailableError(parts[0]);
  switch (kind) {
    case 0:
      CheckEvent({0, MetadataEvent{parts[0], parts[1], 1, 1}});
      break;
    case 1:
      CheckEvent({0, AnnounceEvent{parts[0], parts[1], status, 3, parts[2]}});
      break;
    case 2:
      CheckEvent({0, AnnounceEvent{parts[0], parts[1], absl::OkStatus(), 3, parts[2]}});
      break;
    case 3:
      CheckEvent({0, PeerConnectedEvent{parts[0], PeerSource::kPex, false, parts[1]}});
      break;
    case 4:
      CheckEvent({0, PeerGoneEvent{parts[0], status, 1, 1, true}});
      break;
    case 5:
      CheckEvent({0, MessageEvent{parts[0], true, parts[1]}});
      break;
    case 6:
      CheckEvent({0, DiskEvent{status}});
      break;
    case 7:
      CheckEvent({0, ErrorEvent{status}});
      break;
    case 8:
      CheckJson(JsonOfError(absl::nullopt, parts[0], 1, parts[1]));
      break;
    case 9:
      CheckJson(JsonOfDhtPeer(parts[0]));
      break;
    default:
      CheckTorrent(clean, parts);
      break;
  }
  CheckShown(ProgressLine(clean, TorrentStatus(), static_cast<int>(bound % 200), true));
}

}  // namespace torrent::fuzz
