#include "cli/quantity.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace torrent {
namespace {

// The leading decimal number of `text`, digits with at most one point; what follows it stays in `text`.
absl::optional<double> TakeNumber(absl::string_view* text) {
  size_t end = 0;
  int points = 0;
  while (end < text->size() && (absl::ascii_isdigit(static_cast<unsigned char>((*text)[end])) || (*text)[end] == '.')) {
    points += (*text)[end] == '.';
    ++end;
  }
  double value;
  if (end == 0 || points > 1 || end == static_cast<size_t>(points) || !absl::SimpleAtod(text->substr(0, end), &value)) {
    return absl::nullopt;
  }
  text->remove_prefix(end);
  return value;
}

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  absl::string_view rest = text;
  const absl::optional<double> number = TakeNumber(&rest);
  const std::string unit = absl::AsciiStrToLower(rest);
  int power = -1;
  if (unit.empty() || unit == "b") power = 0;
  static constexpr char kLetters[] = {'k', 'm', 'g', 't'};
  for (int i = 0; i < 4; ++i) {
    if (!unit.empty() && unit[0] == kLetters[i] && (unit.size() == 1 || unit.substr(1) == "ib")) power = i + 1;
  }
  if (!number || power < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no size; write bytes, or a number with K, M, G or T (powers of 1024), as 4M"));
  }
  const double bytes = std::ldexp(*number, 10 * power);
  if (bytes >= 0x1p63) return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is too large a size"));
  return static_cast<uint64_t>(bytes);
}

absl::StatusOr<std::chrono::seconds> ParseDuration(absl::string_view text) {
  absl::string_view rest = text;
  double seconds = 0;
  bool good = !rest.empty();
  while (good && !rest.empty()) {
    const absl::optional<double> number = TakeNumber(&rest);
    double unit = 0;
    switch (rest.empty() ? 's' : rest[0]) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
    }
    good = number.has_value() && unit > 0;
    if (good) seconds += *number * unit;
    if (!rest.empty()) rest.remove_prefix(1);
  }
  if (!good) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no duration; write seconds, or numbers with s, m, h or d, as 1h30m"));
  }
  if (seconds > 100.0 * 365 * 86400) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is more than 100 years"));
  }
  return std::chrono::seconds(static_cast<int64_t>(std::ceil(seconds)));
}

std::string FormatSize(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  int unit = 0;
  // 999.5 and not 1024, so that no number has four digits.
  while (value >= 999.5 && unit < 6) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.*f %s", value < 99.95 ? 1 : 0, value, kUnits[unit]);
}

std::string FormatRate(double bytes_per_second) {
  const double bounded = std::isfinite(bytes_per_second) ? std::clamp(bytes_per_second, 0.0, 0x1p62) : 0.0;
  return absl::StrCat(FormatSize(static_cast<uint64_t>(bounded)), "/s");
}

std::string FormatDuration(double seconds, bool precise) {
  const double bounded = std::isfinite(seconds) ? std::clamp(seconds, 0.0, 1e10) : 0.0;
  if (precise && bounded < 9.95) return absl::StrFormat("%.1f s", bounded);
  const auto whole = static_cast<uint64_t>(bounded + 0.5);
  const uint64_t days = whole / 86400, hours = whole / 3600 % 24, minutes = whole / 60 % 60;
  if (days > 0) return absl::StrFormat("%ud %02uh", days, hours);
  if (hours > 0) return absl::StrFormat("%u:%02u:%02u", hours, minutes, whole % 60);
  return absl::StrFormat("%u:%02u", minutes, whole % 60);
}

std::string FormatPercent(uint64_t done, uint64_t total) {
  if (done >= total) return "100%";
  // Rounded down: 100% is a promise.
  const double percent = std::floor(1000.0 * static_cast<double>(done) / static_cast<double>(total)) / 10;
  return absl::StrFormat("%.1f%%", std::min(percent, 99.9));
}

}  // namespace torrent
