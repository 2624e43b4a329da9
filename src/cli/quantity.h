// Sizes, rates and durations as people type and read them: the one place of the command line that converts them.
// K, M, G and T are powers of 1024, as KiB, MiB, GiB and TiB are. Pure.
#ifndef TORRENT_CLI_QUANTITY_H_
#define TORRENT_CLI_QUANTITY_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent {

// "4096", "64K", "1.5M", "2GiB": bytes, below 2^63. InvalidArgument says what was expected; KB and MB are refused,
// because some read them as powers of 1000.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);

// "90", "90s", "15m", "2h", "1d", "1h30m": whole seconds, below 100 years.
absl::StatusOr<std::chrono::seconds> ParseDuration(absl::string_view text);

// "0 B", "999 B", "1.5 KiB", "23.4 MiB", "512 GiB": never four digits.
std::string FormatSize(uint64_t bytes);
// The same a second: "1.5 KiB/s".
std::string FormatRate(double bytes_per_second);
// "0:07", "12:34", "1:02:03", "3d 04h", and "1.4 s" below ten seconds when `precise`.
std::string FormatDuration(double seconds, bool precise = false);
// "0.0%", "43.2%", "100%"; 100% only when nothing is missing.
std::string FormatPercent(uint64_t done, uint64_t total);

}  // namespace torrent

#endif  // TORRENT_CLI_QUANTITY_H_
