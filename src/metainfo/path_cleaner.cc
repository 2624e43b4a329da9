#include "metainfo/path_cleaner.h"

#include <algorithm>
#include <cstdint>
#include <functional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace torrent {

namespace {

// Zero-width and bidirectional characters: with them "exe.avi" reads like "iva.exe".
bool IsInvisible(uint32_t c) {
  return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x061c || c == 0xfeff;
}

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029; }

// A broken sequence is its first byte and the continuation bytes behind it, so that it becomes one '_' and not five.
size_t BrokenSequenceBytes(absl::string_view text) {
  size_t length = 1;
  while (length < text.size() && (static_cast<uint8_t>(text[length]) & 0xc0) == 0x80) ++length;
  return length;
}

// Where a name's extension begins (at its dot); the name's size when it has none. Long ones are no extensions.
size_t ExtensionBegin(absl::string_view name) {
  constexpr size_t kMaxExtensionBytes = 16;
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || dot == 0 || name.size() - dot > kMaxExtensionBytes) return name.size();
  return dot;
}

// Paths that are taken, where case does not count. Eight bytes each, not the text: should two ever share a hash, one of
// them gets a number that it did not need, the same one in each run.
class TakenPaths {
 public:
  // False when it was there already.
  bool Insert(absl::string_view path) {
    folded_.assign(path.data(), path.size());
    absl::AsciiStrToLower(&folded_);
    return hashes_.insert(std::hash<std::string>()(folded_)).second;
  }

 private:
  std::string folded_;
  absl::flat_hash_set<uint64_t> hashes_;
};

}  // namespace

std::string CleanPathElement(absl::string_view element) {
  std::string out;
  // What is dropped and cut leaves at most 240 bytes of a name; there is no need to look at megabytes.
  element = element.substr(0, size_t{16} * 1024);
  while (!element.empty()) {
    uint32_t c = 0;
    const size_t length = FirstCharacter(element, &c);
    if (length == 0) {
      out.push_back('_');
      element.remove_prefix(BrokenSequenceBytes(element));
      continue;
    }
    if (IsControl(c)) {
      out.push_back('_');
    } else if (c != '/' && c != '\\' && !IsInvisible(c)) {
      out.append(element.data(), length);
    }
    element.remove_prefix(length);
  }
  if (out == "." || out == "..") return "";
  if (out.size() > kMaxPathElementBytes) {
    const std::string extension = out.substr(ExtensionBegin(out));
    out = absl::StrCat(Utf8Prefix(out, kMaxPathElementBytes - extension.size()), extension);
  }
  return out;
}

absl::Status MakePathsUnique(std::vector<MetainfoFile>* files) {
  // Folders first: a file of the same name gives way to them, wherever it stands.
  TakenPaths taken;
  absl::string_view last_folder;
  for (const MetainfoFile& file : *files) {
    if (file.pad) continue;
    absl::string_view folder = file.path;
    folder = folder.substr(0, std::min(folder.rfind('/'), folder.size()));
    if (folder == last_folder || folder.size() == file.path.size()) continue;
    last_folder = folder;
    while (taken.Insert(folder) && folder.rfind('/') != absl::string_view::npos) {
      folder = folder.substr(0, folder.rfind('/'));
    }
  }
  size_t attempts = 0;
  for (MetainfoFile& file : *files) {
    if (file.pad || taken.Insert(file.path)) continue;
    const size_t name_begin = file.path.rfind('/') + 1;  // 0 when there is no slash
    const size_t extension = name_begin + ExtensionBegin(absl::string_view(file.path).substr(name_begin));
    const std::string original = file.path;
    for (int number = 1;; ++number) {
      if (++attempts > kMaxRenameAttempts) {
        return absl::InvalidArgumentError(
            absl::StrCat("too many files have equal names: ", attempts, " numbers tried, ", original, " among them"));
      }
      file.path = absl::StrCat(absl::string_view(original).substr(0, extension), ".", number,
                               absl::string_view(original).substr(extension));
      if (taken.Insert(file.path)) break;
    }
  }
  return absl::OkStatus();
}

}  // namespace torrent
