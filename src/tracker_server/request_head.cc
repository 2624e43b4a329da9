#include "tracker_server/request_head.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"

namespace torrent {

namespace {

constexpr absl::string_view kEmptyLine = "\r\n\r\n";

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Whether a field tells of a body. A length of 0 is none.
bool AnnouncesBody(absl::string_view name, absl::string_view value) {
  if (absl::EqualsIgnoreCase(name, "content-length")) return value != "0";
  return absl::EqualsIgnoreCase(name, "transfer-encoding") || absl::EqualsIgnoreCase(name, "content-encoding");
}

RequestHead Refuse(int status) {
  RequestHead head;
  head.refusal = status;
  return head;
}

}  // namespace

size_t RequestHeadBytes(absl::string_view bytes) {
  const size_t end = bytes.find(kEmptyLine);
  return end == bytes.npos ? 0 : end + kEmptyLine.size();
}

RequestHead ParseRequestHead(absl::string_view bytes) {
  if (bytes.size() > kMaxHttpHeadBytes) return Refuse(431);
  if (bytes.empty() || RequestHeadBytes(bytes) != bytes.size()) return Refuse(400);
  bytes.remove_suffix(kEmptyLine.size());
  const std::vector<absl::string_view> lines = absl::StrSplit(bytes, "\r\n");
  if (lines.size() - 1 > kMaxHttpFields) return Refuse(431);
  for (absl::string_view line : lines) {
    if (std::any_of(line.begin(), line.end(), [](char c) { return IsControl(c) && c != '\t'; })) return Refuse(400);
  }

  // method SP target SP version
  const std::vector<absl::string_view> words = absl::StrSplit(lines[0], ' ');
  if (words.size() != 3 || words[0].empty() || !absl::StartsWith(words[2], "HTTP/")) return Refuse(400);
  if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0") return Refuse(505);
  const absl::string_view target = words[1];
  if (!absl::StartsWith(target, "/") || absl::StrContains(target, '\t')) return Refuse(400);

  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (colon == 0 || colon == lines[i].npos) return Refuse(400);
    const absl::string_view name = lines[i].substr(0, colon);
    // Blanks in or before a name are how requests are smuggled past checks like this one.
    if (std::any_of(name.begin(), name.end(), [](char c) { return c == ' ' || c == '\t'; })) return Refuse(400);
    if (AnnouncesBody(name, absl::StripAsciiWhitespace(lines[i].substr(colon + 1)))) return Refuse(413);
  }
  if (words[0] != "GET") return Refuse(405);
  RequestHead head;
  head.target = std::string(target);
  return head;
}

}  // namespace torrent
