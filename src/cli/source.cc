#include "cli/source.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clean_text.h"
#include "net/url.h"
#include "torrent/session.h"

namespace torrent {
namespace {

constexpr size_t kMaxSourceText = 300;

// The scheme of a URL, lower case; "" for a path. One letter is none, and "://" must follow, but for magnet.
std::string SchemeOf(absl::string_view source) {
  const size_t colon = source.find(':');
  if (colon == absl::string_view::npos || colon < 2) return "";
  for (char c : source.substr(0, colon)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return "";
  }
  std::string scheme = absl::AsciiStrToLower(source.substr(0, colon));
  if (scheme != "magnet" && !absl::StartsWith(source.substr(colon), "://")) return "";
  return scheme;
}

Outcome Refuse(const std::string& source, int exit_code, absl::string_view why) {
  // The library's messages about files begin with the path.
  if (absl::StartsWith(why, source)) return {exit_code, CleanText(why, 2 * kMaxSourceText)};
  return {exit_code, absl::StrCat(SourceForDisplay(source), ": ", CleanText(why, kMaxSourceText))};
}

}  // namespace

std::string SourceForDisplay(const std::string& source) {
  if (SchemeOf(source) == "magnet") {
    // Its trackers may hold passkeys; what it names does not.
    for (absl::string_view part : absl::StrSplit(source, absl::ByAnyChar("?&"))) {
      if (absl::StartsWithIgnoreCase(part, "xt=")) return absl::StrCat("magnet:?", CleanText(part, kMaxSourceText));
    }
    return "magnet link";
  }
  return SchemeOf(source).empty() ? CleanText(source, kMaxSourceText) : SafeUrlText(source);
}

Outcome LoadSource(const std::string& source, Source* loaded) {
  const std::string scheme = SchemeOf(source);
  if (scheme == "magnet") {
    absl::StatusOr<Magnet> magnet = ParseMagnet(source);
    if (!magnet.ok()) return Refuse(source, kExitTorrent, magnet.status().message());
    loaded->magnet = *std::move(magnet);
    return {};
  }
  if (!scheme.empty() && scheme != "http" && scheme != "https") {
    return Refuse(
        source, kExitUsage,
        absl::StrCat("cannot fetch ", scheme, ":// addresses; give a file, an http or https URL, or a magnet"));
  }
  absl::StatusOr<Metainfo> metainfo;
  if (scheme.empty()) {
    metainfo = LoadMetainfo(source);
  } else {
    const absl::StatusOr<std::string> bytes = FetchMetainfo(source);
    if (!bytes.ok()) return Refuse(source, kExitTorrent, bytes.status().message());
    metainfo = ParseMetainfo(*bytes);
  }
  if (!metainfo.ok()) return Refuse(source, kExitTorrent, metainfo.status().message());
  loaded->metainfo = std::make_shared<const Metainfo>(*std::move(metainfo));
  return {};
}

Outcome LoadMetainfoSource(const std::string& source, std::shared_ptr<const Metainfo>* metainfo) {
  Source loaded;
  if (Outcome outcome = LoadSource(source, &loaded); outcome.exit_code != kExitDone) return outcome;
  if (loaded.metainfo == nullptr) {
    return Refuse(
        source, kExitUsage,
        "a magnet link does not say what the files are; `torrent show MAGNET -o FILE` makes a .torrent of it");
  }
  *metainfo = std::move(loaded.metainfo);
  return {};
}

}  // namespace torrent
