// Names of files as a torrent gives them: a line of the input is an element, alone and as a whole path.
#include "metainfo/path_cleaner.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "test/fuzz/fuzz_target.h"

namespace torrent::fuzz {

FUZZ_TARGET(path_cleaner) {
  std::vector<MetainfoFile> files;
  for (absl::string_view line : absl::StrSplit(input, '\n')) {
    std::string path;
    for (absl::string_view element : absl::StrSplit(line, '\t')) {
      std::string clean = CleanPathElement(element);
      FUZZ_CHECK(clean != "." && clean != ".." && clean.size() <= kMaxPathElementBytes && IsUtf8(clean));
      FUZZ_CHECK(CleanPathElement(clean) == clean);
      for (char c : clean) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '/' && c != '\\');
      if (clean.empty()) clean = "_";
      absl::StrAppend(&path, path.empty() ? "" : "/", clean);
    }
    files.emplace_back().path = path;
  }
  if (!MakePathsUnique(&files).ok()) return;
  // Different where case does not count, too, and no file is where another needs a folder (hazard 13).
  std::set<std::string> paths, folders;
  for (const MetainfoFile& file : files) {
    const std::string path = absl::AsciiStrToLower(file.path);
    FUZZ_CHECK(paths.insert(path).second);
    for (size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1)) folders.insert(path.substr(0, at));
  }
  for (const std::string& folder : folders) FUZZ_CHECK(paths.count(folder) == 0);
}

}  // namespace torrent::fuzz
