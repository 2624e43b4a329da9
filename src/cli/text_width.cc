#include "cli/text_width.h"

#include <wchar.h>

#include <algorithm>

#include "base/utf8.h"

namespace torrent {
namespace {

struct Character {
  size_t bytes;
  int columns;
};

// The first character of `text`, which is not empty.
Character First(absl::string_view text) {
  uint32_t code;
  const size_t bytes = FirstCharacter(text, &code);
  if (bytes == 0 || code < 0x80) return {1, 1};
  // -1 for what the C library's table does not know: a terminal draws some one-column sign for it.
  const int columns = wcwidth(static_cast<wchar_t>(code));
  return {bytes, columns < 0 ? 1 : columns};
}

}  // namespace

int TextWidth(absl::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character c = First(text);
    columns += c.columns;
    text.remove_prefix(c.bytes);
  }
  return columns;
}

std::string CutToWidth(absl::string_view text, int columns) {
  if (columns <= 0) return "";
  if (TextWidth(text) <= columns) return std::string(text);
  size_t end = 0;
  int used = 0;
  while (end < text.size()) {
    const Character c = First(text.substr(end));
    if (used + c.columns > columns - 1) break;
    used += c.columns;
    end += c.bytes;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string FitToWidth(absl::string_view text, int columns) {
  std::string fitted = CutToWidth(text, columns);
  fitted.append(static_cast<size_t>(std::max(0, columns - TextWidth(fitted))), ' ');
  return fitted;
}

}  // namespace torrent
