#include "metainfo/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace torrent {

namespace {

bool IsNumber(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The parts between commas that no backslash stands before.
std::vector<absl::string_view> SplitAtCommas(absl::string_view expression) {
  std::vector<absl::string_view> parts;
  size_t begin = 0;
  for (size_t i = 0; i < expression.size(); ++i) {
    if (expression[i] == '\\') {
      ++i;
    } else if (expression[i] == ',') {
      parts.push_back(expression.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(expression.substr(begin));
  return parts;
}

class Selection {
 public:
  explicit Selection(const Metainfo& metainfo) : metainfo_(metainfo), wanted_(metainfo.files.size(), false) {}

  absl::Status Add(absl::string_view part) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) return absl::InvalidArgumentError("selection: an empty part");
    const size_t dash = part.find('-');
    const absl::string_view first = part.substr(0, dash);
    if (!IsNumber(first)) return AddPattern(std::string(part));
    if (dash == absl::string_view::npos) return AddRange(part, first, first);
    const absl::string_view last = part.substr(dash + 1);
    if (last.empty()) return AddRange(part, first, absl::StrCat(wanted_.size()));
    return IsNumber(last) ? AddRange(part, first, last) : AddPattern(std::string(part));
  }

  std::vector<bool> Take() { return std::move(wanted_); }

 private:
  absl::Status Error(absl::string_view part, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("selection \"", part, "\": ", what));
  }

  absl::Status AddRange(absl::string_view part, absl::string_view first_text, absl::string_view last_text) {
    uint64_t first = 0;
    uint64_t last = 0;
    const bool numbers = absl::SimpleAtoi(first_text, &first) && absl::SimpleAtoi(last_text, &last);
    if (!numbers || first < 1 || first > wanted_.size() || last > wanted_.size()) {
      return Error(part, absl::StrCat("files are numbered from 1 to ", wanted_.size()));
    }
    if (last < first) return Error(part, "runs backwards");
    bool any = false;
    for (uint64_t number = first; number <= last; ++number) {
      if (metainfo_.files[number - 1].pad) continue;
      wanted_[number - 1] = true;
      any = true;
    }
    return any ? absl::OkStatus() : Error(part, "only pad files, which are never downloaded");
  }

  absl::Status AddPattern(const std::string& pattern) {
    bool any = false;
    for (size_t i = 0; i < wanted_.size(); ++i) {
      const MetainfoFile& file = metainfo_.files[i];
      if (file.pad) continue;
      const char* whole = file.path.c_str();
      const char* below = metainfo_.multi_file ? whole + metainfo_.name.size() + 1 : whole;
      if (fnmatch(pattern.c_str(), whole, 0) != 0 && fnmatch(pattern.c_str(), below, 0) != 0) continue;
      wanted_[i] = true;
      any = true;
    }
    return any ? absl::OkStatus() : Error(pattern, "no file has such a path");
  }

  const Metainfo& metainfo_;
  std::vector<bool> wanted_;
};

}  // namespace

absl::StatusOr<std::vector<bool>> SelectFiles(const Metainfo& metainfo, absl::Span<const std::string> expressions) {
  Selection selection(metainfo);
  if (expressions.empty()) {
    std::vector<bool> all;
    for (const MetainfoFile& file : metainfo.files) all.push_back(!file.pad);
    return all;
  }
  for (const std::string& expression : expressions) {
    for (absl::string_view part : SplitAtCommas(expression)) {
      absl::Status status = selection.Add(part);
      if (!status.ok()) return status;
    }
  }
  return selection.Take();
}

absl::StatusOr<std::vector<bool>> SelectRanges(const Metainfo& metainfo,
                                               absl::Span<const std::pair<uint32_t, uint32_t>> ranges) {
  if (ranges.empty()) return SelectFiles(metainfo, {});
  std::vector<bool> wanted(metainfo.files.size(), false);
  bool any = false;
  for (const auto& [first, last] : ranges) {
    for (size_t i = first; i <= last && i < wanted.size(); ++i) {
      wanted[i] = !metainfo.files[i].pad;
      any |= wanted[i];
    }
  }
  if (any) return wanted;
  return absl::InvalidArgumentError(
      absl::StrCat("the magnet link selects (so=) none of the ", wanted.size(), " files"));
}

}  // namespace torrent
