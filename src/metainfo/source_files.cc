#include "metainfo/source_files.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "base/limits.h"
#include "base/status.h"
#include "metainfo/path_cleaner.h"
#include "torrent/metainfo.h"

namespace torrent {

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
struct FreeText {
  void operator()(char* text) const { free(text); }
};

absl::Status Refuse(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(CleanText(path, kMaxPathBytes), ": ", why));
}

class FolderWalk {
 public:
  explicit FolderWalk(SourceTree* tree) : tree_(tree) {}

  // Adds what lies at `path`, which is the root (`relative` is empty then) or below it.
  absl::Status Visit(const std::string& path, const std::string& relative) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return absl::ErrnoToStatus(errno, CleanText(path, kMaxPathBytes));
    if (S_ISDIR(status.st_mode)) {
      if (relative.empty()) tree_->folder = true;
      return VisitFolder(path, relative, status);
    }
    if (!S_ISREG(status.st_mode)) return Refuse(path, "is neither a file nor a folder");
    SourceFile file;
    file.path = relative;
    file.length = static_cast<uint64_t>(status.st_size);
    file.modified = status.st_mtim;
    tree_->total_length += file.length;
    if (tree_->total_length >= kMaxTorrentBytes) return Refuse(path, "with it the torrent has 2^48 bytes or more");
    tree_->files.push_back(std::move(file));
    return absl::OkStatus();
  }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  absl::Status VisitFolder(const std::string& path, const std::string& relative, const struct stat& status) {
    const Identity identity(status.st_dev, status.st_ino);
    if (std::find(above_.begin(), above_.end(), identity) != above_.end()) {
      return Refuse(path, "leads back to a folder that it lies in");
    }
    if (above_.size() >= kMaxPathDepth) return Refuse(path, absl::StrCat("lies deeper than ", kMaxPathDepth));
    above_.push_back(identity);
    const std::unique_ptr<DIR, CloseFolder> folder(opendir(path.c_str()));
    if (folder == nullptr) return absl::ErrnoToStatus(errno, CleanText(path, kMaxPathBytes));
    while (true) {
      errno = 0;
      const dirent* entry = readdir(folder.get());
      if (entry == nullptr && errno != 0) return absl::ErrnoToStatus(errno, CleanText(path, kMaxPathBytes));
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      const std::string below = absl::StrCat(path, "/", name);
      if (CleanPathElement(name) != name) {
        return Refuse(below, "a name that is no clean UTF-8, or too long, would not survive a download; rename it");
      }
      RETURN_IF_ERROR(Visit(below, relative.empty() ? name : absl::StrCat(relative, "/", name)));
    }
    above_.pop_back();
    return absl::OkStatus();
  }

  SourceTree* const tree_;
  std::vector<Identity> above_;  // the folders that the walk is in
};

// The last element of `path`, also of one that ends with "." or a slash.
absl::StatusOr<std::string> NameOf(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.empty() || name == "." || name == "..") {
    const std::unique_ptr<char, FreeText> real(realpath(path.c_str(), nullptr));
    if (real == nullptr) return absl::ErrnoToStatus(errno, CleanText(path, kMaxPathBytes));
    name = real.get();
    name = name.substr(name.rfind('/') + 1);
  }
  if (name.empty() || CleanPathElement(name) != name) return Refuse(path, "its name cannot be that of a torrent");
  return name;
}

// What a download makes of the paths: as they are, but that names which are equal but for case get numbers.
absl::Status CheckPathsSurvive(SourceTree* tree) {
  std::vector<MetainfoFile> downloaded(tree->files.size());
  for (size_t i = 0; i < downloaded.size(); ++i) {
    downloaded[i].path = absl::StrCat(tree->name, "/", tree->files[i].path);
    if (downloaded[i].path.size() > kMaxPathBytes) {
      return Refuse(tree->PathOf(i), absl::StrCat("the path has more than ", kMaxPathBytes, " bytes"));
    }
  }
  RETURN_IF_ERROR(Annotate(MakePathsUnique(&downloaded), tree->root));
  for (size_t i = 0; i < downloaded.size(); ++i) {
    if (downloaded[i].path.size() == tree->name.size() + 1 + tree->files[i].path.size()) continue;
    tree->notices.push_back(absl::StrCat(tree->PathOf(i), ": equals another name but for case; downloads call it ",
                                         downloaded[i].path.substr(tree->name.size() + 1)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SourceTree> ListSource(const std::string& path) {
  SourceTree tree;
  tree.root = path;
  RETURN_IF_ERROR(FolderWalk(&tree).Visit(path, ""));
  ASSIGN_OR_RETURN(tree.name, NameOf(path));
  if (tree.files.empty()) return Refuse(path, "a folder without files");
  std::sort(tree.files.begin(), tree.files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  if (tree.folder) RETURN_IF_ERROR(CheckPathsSurvive(&tree));
  return tree;
}

absl::Status CheckUnchanged(const SourceFile& file, const std::string& path, const struct stat& status) {
  const auto length = static_cast<uint64_t>(status.st_size);
  if (length != file.length) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": changed its size from ", file.length, " to ", length, " bytes while it was hashed"));
  }
  if (status.st_mtim.tv_sec != file.modified.tv_sec || status.st_mtim.tv_nsec != file.modified.tv_nsec) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": was written to while it was hashed"));
  }
  return absl::OkStatus();
}

}  // namespace torrent
