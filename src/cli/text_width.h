// How many columns a line takes on a terminal, and cutting it to fit: East Asian characters take two, combining ones
// none. Pure, but for the character table of the C library: main sets LC_CTYPE once.
#ifndef TORRENT_CLI_TEXT_WIDTH_H_
#define TORRENT_CLI_TEXT_WIDTH_H_

#include <string>

#include "absl/strings/string_view.h"

namespace torrent {

// Columns of `text`, UTF-8 without control characters; a byte that is no UTF-8 counts as one.
int TextWidth(absl::string_view text);

// `text`, or as much of its beginning as fits into `columns` with an ellipsis behind it. Never cuts within a character,
// nor between a character and what combines with it.
std::string CutToWidth(absl::string_view text, int columns);

// CutToWidth, then filled with spaces to exactly `columns`.
std::string FitToWidth(absl::string_view text, int columns);

}  // namespace torrent

#endif  // TORRENT_CLI_TEXT_WIDTH_H_
