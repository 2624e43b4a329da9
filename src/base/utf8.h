// UTF-8 (RFC 3629), one character at a time: what text cleaning and file names are built on. Pure.
#ifndef TORRENT_BASE_UTF8_H_
#define TORRENT_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace torrent {

// How many bytes the well-formed character at the front of `text` has, 0 if there is none (truncated, overlong, a
// surrogate, beyond U+10FFFF, a stray byte); sets `code_point`. `text` is not empty.
size_t FirstCharacter(absl::string_view text, uint32_t* code_point);

// Whether all of `text` is well-formed.
bool IsUtf8(absl::string_view text);

// A prefix of `text`, itself well-formed, of at most `max_bytes` that ends with a whole character.
absl::string_view Utf8Prefix(absl::string_view text, size_t max_bytes);

}  // namespace torrent

#endif  // TORRENT_BASE_UTF8_H_
