#include "cli/metainfo_text.h"

#include <time.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/clean_text.h"
#include "cli/quantity.h"

namespace torrent {
namespace {

constexpr size_t kMaxTextBytes = 4000;

void AddField(std::string* out, absl::string_view name, absl::string_view value) {
  if (!value.empty())
    absl::StrAppendFormat(out, "%-13s %s\n", absl::StrCat(name, ":"), CleanText(value, kMaxTextBytes));
}

// "2024-05-01 12:00:00 UTC"; "" for a time that no calendar has.
std::string DateText(int64_t seconds_since_1970) {
  const time_t when = seconds_since_1970;
  struct tm parts;
  char text[64];
  if (gmtime_r(&when, &parts) == nullptr || strftime(text, sizeof text, "%F %T UTC", &parts) == 0) return "";
  return text;
}

}  // namespace

std::string FileTreeText(const Metainfo& metainfo) {
  std::string out;
  const size_t digits = absl::StrCat(metainfo.files.size()).size();
  std::vector<absl::string_view> open;  // the folders that the last line was in
  for (size_t i = 0; i < metainfo.files.size(); ++i) {
    const MetainfoFile& file = metainfo.files[i];
    if (file.pad) continue;  // never on disk
    std::vector<absl::string_view> folders = absl::StrSplit(file.path, '/');
    const absl::string_view name = folders.back();
    folders.pop_back();
    const auto [same, unused] = std::mismatch(folders.begin(), folders.end(), open.begin(), open.end());
    for (auto folder = same; folder != folders.end(); ++folder) {
      absl::StrAppend(&out, std::string(digits + 12 + 2 * static_cast<size_t>(folder - folders.begin()), ' '),
                      CleanText(*folder, kMaxTextBytes), "/\n");
    }
    open = folders;
    absl::StrAppendFormat(&out, "%*d %9s  %s%s%s%s\n", static_cast<int>(digits), i + 1, FormatSize(file.length),
                          std::string(2 * folders.size(), ' '), CleanText(name, kMaxTextBytes),
                          file.executable ? "*" : "", file.symlink ? " (link, not created)" : "");
  }
  return out;
}

std::string MetainfoText(const Metainfo& metainfo) {
  std::string out;
  size_t files = 0;
  uint64_t pad_bytes = 0;
  for (const MetainfoFile& file : metainfo.files) {
    files += !file.pad;
    if (file.pad) pad_bytes += file.length;
  }
  const uint64_t size = metainfo.total_length - pad_bytes;
  AddField(&out, "Name", metainfo.name);
  AddField(&out, "Infohash", metainfo.infohash.Hex());
  AddField(&out, "Size",
           absl::StrCat(FormatSize(size), " (", size, " bytes) in ", files, files == 1 ? " file" : " files"));
  AddField(&out, "Pieces", absl::StrCat(metainfo.piece_count, " of ", FormatSize(metainfo.piece_length)));
  if (metainfo.is_private) AddField(&out, "Private", "yes, peers from its trackers only");
  if (metainfo.hybrid) AddField(&out, "Format", "v1 and v2, used as v1");
  AddField(&out, "Comment", metainfo.comment);
  AddField(&out, "Created by", metainfo.created_by);
  if (metainfo.creation_date) AddField(&out, "Created", DateText(*metainfo.creation_date));
  for (size_t tier = 0; tier < metainfo.trackers.size(); ++tier) {
    for (const std::string& url : metainfo.trackers[tier]) AddField(&out, absl::StrCat("Tracker ", tier + 1), url);
  }
  for (const std::string& url : metainfo.web_seeds) AddField(&out, "Web seed", url);
  for (const auto& [host, port] : metainfo.nodes) AddField(&out, "DHT node", absl::StrCat(host, ":", port));
  absl::StrAppend(&out, "Files:\n", FileTreeText(metainfo));
  return out;
}

}  // namespace torrent
