// Bytes as tests write them: hexadecimal digits, blanks anywhere.
#ifndef TORRENT_TEST_WIRE_HEX_H_
#define TORRENT_TEST_WIRE_HEX_H_

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace torrent::wire {

inline std::string FromHex(absl::string_view hex) {
  return absl::HexStringToBytes(absl::StrReplaceAll(hex, {{" ", ""}}));
}
inline std::string ToHex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

}  // namespace torrent::wire

#endif  // TORRENT_TEST_WIRE_HEX_H_
