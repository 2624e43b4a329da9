#include "base/clean_text.h"

#include <cstdint>

namespace torrent {

namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// How many bytes the well-formed character at the front of `text` has, 0 if there is none; sets `code_point`.
size_t FirstCharacter(absl::string_view text, uint32_t* code_point) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  size_t length;
  uint32_t least;  // a smaller code point would be an overlong form
  if (lead < 0x80) {
    *code_point = lead;
    return 1;
  } else if ((lead & 0xe0) == 0xc0) {
    length = 2, least = 0x80, *code_point = lead & 0x1f;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, least = 0x800, *code_point = lead & 0x0f;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, least = 0x10000, *code_point = lead & 0x07;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    *code_point = *code_point << 6 | (byte(i) & 0x3f);
  }
  const bool surrogate = *code_point >= 0xd800 && *code_point <= 0xdfff;
  return *code_point < least || *code_point > 0x10ffff || surrogate ? 0 : length;
}

bool MayBeShown(uint32_t code_point) {
  const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
  const bool separator = code_point == 0x2028 || code_point == 0x2029;
  const bool bidirectional = (code_point >= 0x202a && code_point <= 0x202e) ||
                             (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0x200e ||
                             code_point == 0x200f || code_point == 0x061c;
  return !control && !separator && !bidirectional;
}

}  // namespace

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
