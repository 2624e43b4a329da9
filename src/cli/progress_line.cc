#include "cli/progress_line.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/quantity.h"
#include "cli/text_width.h"

namespace torrent {
namespace {

constexpr int kMinNameColumns = 8;
constexpr int kMinBarColumns = 10;
constexpr int kMaxBarColumns = 40;

// `columns` wide, brackets included.
std::string Bar(uint64_t done, uint64_t total, int columns, bool unicode) {
  const int cells = columns - 2;
  const double share = total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  // Unicode has eighths of a block; a full bar says that nothing is missing.
  const int eighths = static_cast<int>(std::floor(share * cells * 8));
  static constexpr const char* kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string bar = unicode ? "▕" : "[";
  int used = eighths / 8;
  for (int i = 0; i < used; ++i) absl::StrAppend(&bar, unicode ? "█" : "#");
  if (unicode && eighths % 8 != 0) {
    absl::StrAppend(&bar, kParts[eighths % 8]);
    ++used;
  }
  bar.append(static_cast<size_t>(cells - used), unicode ? ' ' : '-');
  return absl::StrCat(bar, unicode ? "▏" : "]");
}

// A part of the line, with how long it is kept when the room grows short: 0 longest.
struct Field {
  std::string text;
  int rank;
};

// The name in front, the bar behind it, then the fields; two spaces between.
std::string Arrange(absl::string_view name, uint64_t done, uint64_t total, std::vector<Field> fields, int columns,
                    bool unicode) {
  if (columns <= 0) return "";
  const auto width_of = [&fields] {
    int width = 0;
    for (const Field& field : fields) width += 2 + TextWidth(field.text);
    return width;
  };
  const int name_columns = std::min(TextWidth(name), kMinNameColumns);
  while (fields.size() > 1 && name_columns + width_of() > columns) {
    fields.erase(
        std::max_element(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.rank < b.rank; }));
  }
  int rest = columns - width_of();
  std::string bar;
  if (rest >= name_columns + 2 + kMinBarColumns) {
    // The bar gets a half of what is left, more when the name is short.
    const int width = std::clamp(std::max(rest / 2, rest - 2 - TextWidth(name)), kMinBarColumns, kMaxBarColumns);
    bar = Bar(done, total, width, unicode);
    rest -= 2 + width;
  }
  std::string line = FitToWidth(name, std::min(rest, std::max(TextWidth(name), 0)));
  if (!bar.empty()) absl::StrAppend(&line, "  ", bar);
  for (const Field& field : fields) absl::StrAppend(&line, "  ", field.text);
  return CutToWidth(line, columns);
}

std::string PeersText(const TorrentStatus& status) {
  return absl::StrCat(status.connected_peers, "/", std::max(status.known_peers, status.connected_peers), " peers");
}

// "metadata 32.0 of 64.0 KiB", "metadata" as long as nobody has told how much it is.
std::string MetadataText(const TorrentStatus& status) {
  if (status.metadata_total_bytes == 0) return "metadata";
  return absl::StrCat("metadata ", FormatSize(status.metadata_bytes), " of ", FormatSize(status.metadata_total_bytes));
}

}  // namespace

absl::optional<double> SecondsLeft(const TorrentStatus& status) {
  if (status.done_bytes >= status.wanted_bytes || status.download_rate < 1) return absl::nullopt;
  return static_cast<double>(status.wanted_bytes - status.done_bytes) / status.download_rate;
}

absl::string_view TorrentStateName(TorrentState state) {
  switch (state) {
    case TorrentState::kMetadata:
      return "metadata";
    case TorrentState::kChecking:
      return "checking";
    case TorrentState::kDownloading:
      return "downloading";
    case TorrentState::kWaitingForDisk:
      return "waiting for disk";
    case TorrentState::kSyncing:
      return "syncing";
    case TorrentState::kSeeding:
      return "seeding";
    case TorrentState::kStopping:
      return "stopping";
    case TorrentState::kStopped:
      return "stopped";
  }
  return "?";
}

absl::string_view StallName(Stall stall) {
  switch (stall) {
    case Stall::kNone:
      return "";
    case Stall::kDiskFull:
      return "disk full";
    case Stall::kNoPeersKnown:
      return "no peers known";
    case Stall::kNoneAnswers:
      return "none answers";
    case Stall::kLackPieces:
      return "none has the missing pieces";
    case Stall::kAllChoke:
      return "all choke us";
    case Stall::kNoneSends:
      return "none sends";
  }
  return "?";
}

std::string StallText(const TorrentStatus& status) {
  const absl::string_view name = StallName(status.stall);
  if (status.stall <= Stall::kNoPeersKnown) return std::string(name);
  if (status.stall == Stall::kNoneAnswers) return absl::StrCat(status.known_peers, " known, ", name);
  return absl::StrCat(status.connected_peers, " connected, ", name);
}

std::string SourcesText(const TorrentStatus& status) {
  std::string text;
  for (size_t i = 0; i < kPeerSourceCount; ++i) {
    const uint32_t peers = status.peers_by_source[i].ever_connected;
    if (peers == 0) continue;
    absl::StrAppend(&text, text.empty() ? "peers: " : ", ", peers, " ", PeerSourceName(static_cast<PeerSource>(i)));
  }
  return text;
}

std::string HashingLine(absl::string_view name, uint64_t done, uint64_t total, int columns, bool unicode) {
  return Arrange(name, done, total,
                 {{"checking", 1},
                  {absl::StrCat(FormatPercent(done, total)), 0},
                  {absl::StrCat(FormatSize(done), " of ", FormatSize(total)), 2}},
                 columns, unicode);
}

std::string ProgressLine(absl::string_view name, const TorrentStatus& status, int columns, bool unicode) {
  if (status.state == TorrentState::kMetadata) {
    return Arrange(name, status.metadata_bytes, std::max<uint64_t>(status.metadata_total_bytes, 1),
                   {{MetadataText(status), 0}, {PeersText(status), 1}}, columns, unicode);
  }
  if (status.state == TorrentState::kChecking) {
    // Not known yet how much there is to hash.
    if (status.check_total_bytes == 0) return Arrange(name, 0, 1, {{"checking", 0}}, columns, unicode);
    return HashingLine(name, status.checked_bytes, status.check_total_bytes, columns, unicode);
  }
  std::vector<Field> fields;
  if (status.state != TorrentState::kDownloading) fields.push_back({std::string(TorrentStateName(status.state)), 1});
  if (status.state == TorrentState::kSeeding) {
    const double sent = static_cast<double>(status.uploaded_bytes + status.uploaded_before_bytes);
    const double size = static_cast<double>(std::max<uint64_t>(status.wanted_bytes, 1));
    fields.push_back({absl::StrCat("ratio ", std::round(100 * sent / size) / 100), 2});
  } else {
    // As wide as "43.2%", so that the line does not jump at its ends.
    fields.push_back({FitToWidth(FormatPercent(status.done_bytes, status.wanted_bytes), 5), 0});
    fields.push_back({absl::StrCat(unicode ? "↓ " : "down ", FormatRate(status.download_rate)), 2});
  }
  fields.push_back({absl::StrCat(unicode ? "↑ " : "up ", FormatRate(status.upload_rate)), 4});
  if (const absl::optional<double> left = SecondsLeft(status)) {
    fields.push_back({absl::StrCat("ETA ", FormatDuration(*left)), 3});
  }
  if (const std::string stall = StallText(status); !stall.empty()) {
    fields.push_back({stall, 1});  // has the peers' number in it
  } else {
    fields.push_back({PeersText(status), 5});
    fields.push_back({absl::StrCat(status.connected_seeds, " seeds"), 6});
  }
  return Arrange(name, status.done_bytes, status.wanted_bytes, std::move(fields), columns, unicode);
}

std::string ProgressText(absl::string_view name, const TorrentStatus& status) {
  if (status.state == TorrentState::kMetadata) {
    return absl::StrCat(name, ": ", MetadataText(status), ", ", PeersText(status));
  }
  if (status.state == TorrentState::kChecking) {
    if (status.check_total_bytes == 0) return absl::StrCat(name, ": checking");
    return absl::StrCat(name, ": checking, ", FormatPercent(status.checked_bytes, status.check_total_bytes), " of ",
                        FormatSize(status.check_total_bytes));
  }
  std::string text = absl::StrCat(name, ": ");
  if (status.state != TorrentState::kDownloading) absl::StrAppend(&text, TorrentStateName(status.state), ", ");
  absl::StrAppend(&text, FormatPercent(status.done_bytes, status.wanted_bytes), " of ", FormatSize(status.wanted_bytes),
                  ", down ", FormatRate(status.download_rate), ", up ", FormatRate(status.upload_rate));
  if (const absl::optional<double> left = SecondsLeft(status)) {
    absl::StrAppend(&text, ", ", FormatDuration(*left), " left");
  }
  absl::StrAppend(&text, ", ", PeersText(status), ", ", status.connected_seeds, " seeds");
  if (const std::string stall = StallText(status); !stall.empty()) absl::StrAppend(&text, "; ", stall);
  return text;
}

std::string SummaryText(absl::string_view name, const TorrentStatus& status) {
  std::string text = absl::StrCat(name, ": ");
  if (status.downloaded_bytes == 0) {
    absl::StrAppend(&text, FormatSize(status.wanted_bytes), ", all of it was there already");
  } else {
    const double rate = status.seconds > 0 ? static_cast<double>(status.downloaded_bytes) / status.seconds : 0;
    absl::StrAppend(&text, FormatSize(status.downloaded_bytes), " in ", FormatDuration(status.seconds, true), ", ",
                    FormatRate(rate), " on average");
  }
  absl::StrAppend(&text, ", ", FormatSize(status.wasted_bytes), " wasted, ", FormatSize(status.corrupt_bytes),
                  " corrupt");
  if (const std::string sources = SourcesText(status); !sources.empty()) absl::StrAppend(&text, "; ", sources);
  return text;
}

}  // namespace torrent
