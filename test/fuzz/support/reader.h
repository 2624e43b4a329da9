// An input taken apart: numbers, and parts with a length in front. What is missing at its end is zero or shorter, so
// that every input means something.
#ifndef TORRENT_TEST_FUZZ_SUPPORT_READER_H_
#define TORRENT_TEST_FUZZ_SUPPORT_READER_H_

#include <algorithm>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace torrent::fuzz {

class Reader {
 public:
  explicit Reader(absl::string_view input) : rest_(input) {}
  bool empty() const { return rest_.empty(); }
  absl::string_view rest() const { return rest_; }

  uint8_t Byte() {
    const absl::string_view byte = Take(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
  }
  size_t Short() {
    const size_t high = Byte();
    return high << 8 | Byte();
  }
  absl::string_view Take(size_t count) {
    const absl::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Two bytes of length, and that many bytes.
  absl::string_view Part() { return Take(Short()); }

 private:
  absl::string_view rest_;
};

}  // namespace torrent::fuzz

#endif  // TORRENT_TEST_FUZZ_SUPPORT_READER_H_
