#include "cli/source.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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
  return SchemeOf(source).empty() ? CleanText(source, kMaxSourceText) : SafeUrlText(source);
}

Outcome LoadSource(const std::string& source, std::shared_ptr<const Metainfo>* metainfo) {
  const std::string scheme = SchemeOf(source);
  if (scheme == "magnet") {
    return Refuse(source, kExitTorrent, "magnet links are not supported yet; give the .torrent file instead");
  }
  if (!scheme.empty() && scheme != "http" && scheme != "https") {
    return Refuse(source, kExitUsage,
                  absl::StrCat("cannot fetch ", scheme, ":// addresses; give a file, or an http or https URL"));
  }
  absl::StatusOr<Metainfo> loaded;
  if (scheme.empty()) {
    loaded = LoadMetainfo(source);
  } else {
    const absl::StatusOr<std::string> bytes = FetchMetainfo(source);
    if (!bytes.ok()) return Refuse(source, kExitTorrent, bytes.status().message());
    loaded = ParseMetainfo(*bytes);
  }
  if (!loaded.ok()) return Refuse(source, kExitTorrent, loaded.status().message());
  *metainfo = std::make_shared<const Metainfo>(*std::move(loaded));
  return {};
}

}  // namespace torrent
