// The one cleaner for text from outside (client names, tracker messages, torrent names) before it is shown or logged:
// what comes out is valid UTF-8 on one line, moves no cursor, and reads in the order in which it is stored. Pure.
#ifndef TORRENT_BASE_CLEAN_TEXT_H_
#define TORRENT_BASE_CLEAN_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace torrent {

// Whether a character may go to a terminal: it is no control character (C0, DEL, C1, line and paragraph separators) and
// no bidirectional control.
bool MayBeShown(uint32_t code_point);

// `text` with each byte that is not part of well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms), and
// each character that may not be shown, replaced by U+FFFD, cut to at most `max_bytes` (before a character, never in
// it; then it ends with "...", where that fits).
std::string CleanText(absl::string_view text, size_t max_bytes);

}  // namespace torrent

#endif  // TORRENT_BASE_CLEAN_TEXT_H_
