#include "base/utf8.h"

namespace torrent {

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

bool IsUtf8(absl::string_view text) {
  uint32_t code_point;
  while (!text.empty()) {
    const size_t length = FirstCharacter(text, &code_point);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

absl::string_view Utf8Prefix(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (static_cast<uint8_t>(text[max_bytes]) & 0xc0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes);
}

}  // namespace torrent
