#include "lan/lsd_message.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {

namespace {

constexpr absl::string_view kFirstLine = "BT-SEARCH * HTTP/1.1";
constexpr absl::string_view kLineEnd = "\r\n";

// Takes the first line off `text`; nothing if none ends in it.
absl::optional<absl::string_view> TakeLine(absl::string_view* text) {
  const size_t end = text->find(kLineEnd);
  if (end == absl::string_view::npos) return absl::nullopt;
  const absl::string_view line = text->substr(0, end);
  text->remove_prefix(end + kLineEnd.size());
  return line;
}

absl::optional<uint16_t> ReadPort(absl::string_view text) {
  uint32_t port = 0;
  if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) {
    return absl::nullopt;
  }
  return static_cast<uint16_t>(port);
}

}  // namespace

std::string WriteLsdMessage(absl::string_view host, const LsdMessage& message) {
  std::string out = absl::StrCat(kFirstLine, "\r\nHost: ", host, "\r\nPort: ", message.port, "\r\n");
  const size_t count = std::min(message.infohashes.size(), kMaxLsdInfohashes);
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&out, "Infohash: ", message.infohashes[i].Hex(), "\r\n");
  if (!message.cookie.empty()) absl::StrAppend(&out, "cookie: ", message.cookie, "\r\n");
  absl::StrAppend(&out, "\r\n\r\n");
  return out;
}

absl::optional<LsdMessage> ReadLsdMessage(absl::string_view datagram) {
  if (datagram.size() > kMaxLsdBytes) return absl::nullopt;
  if (TakeLine(&datagram) != kFirstLine) return absl::nullopt;
  LsdMessage message;
  while (true) {
    const absl::optional<absl::string_view> line = TakeLine(&datagram);
    if (!line) return absl::nullopt;
    if (line->empty()) break;
    const size_t colon = line->find(':');
    if (colon == absl::string_view::npos) return absl::nullopt;
    const absl::string_view name = line->substr(0, colon);
    const absl::string_view value = absl::StripAsciiWhitespace(line->substr(colon + 1));
    if (absl::EqualsIgnoreCase(name, "port")) {
      const absl::optional<uint16_t> port = ReadPort(value);
      if (!port || message.port != 0) return absl::nullopt;  // two ports: which one would depend on the reader
      message.port = *port;
    } else if (absl::EqualsIgnoreCase(name, "infohash")) {
      const absl::optional<Infohash> infohash = Infohash::FromHex(value);
      if (infohash) message.infohashes.push_back(*infohash);
    } else if (absl::EqualsIgnoreCase(name, "cookie")) {
      message.cookie = std::string(value);
    }
  }
  if (message.port == 0 || message.infohashes.empty()) return absl::nullopt;
  return message;
}

}  // namespace torrent
