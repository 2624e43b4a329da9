#include "base/clean_text.h"

#include <cstdint>

#include "base/utf8.h"

namespace torrent {

namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

bool MayBeShown(uint32_t code_point) {
  const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
  const bool separator = code_point == 0x2028 || code_point == 0x2029;
  const bool bidirectional = (code_point >= 0x202a && code_point <= 0x202e) ||
                             (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0x200e ||
                             code_point == 0x200f || code_point == 0x061c;
  return !control && !separator && !bidirectional;
}

std::string CleanText(absl::string_view text, size_t max_bytes) {
  constexpr absl::string_view kCut = "...";
  std::string out;
  size_t room_for_cut = 0;  // the longest prefix of whole characters that leaves room for kCut
  while (!text.empty()) {
    uint32_t code_point = 0;
    const size_t length = FirstCharacter(text, &code_point);
    const absl::string_view shown = length > 0 && MayBeShown(code_point) ? text.substr(0, length) : kReplacement;
    if (out.size() + shown.size() > max_bytes) {
      if (max_bytes >= kCut.size()) out.resize(room_for_cut), out.append(kCut.data(), kCut.size());
      return out;
    }
    out.append(shown.data(), shown.size());
    if (out.size() + kCut.size() <= max_bytes) room_for_cut = out.size();
    text.remove_prefix(length > 0 ? length : 1);
  }
  return out;
}

}  // namespace torrent
