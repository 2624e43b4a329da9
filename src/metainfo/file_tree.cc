#include "metainfo/file_tree.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clean_text.h"
#include "base/limits.h"
#include "base/status.h"
#include "metainfo/field.h"
#include "metainfo/merkle.h"

namespace torrent {

namespace {

using bencode::Value;

constexpr size_t kHashBytes = sizeof(Sha256Hash);
constexpr size_t kShownPathBytes = 200;  // of a path in an error message

std::string ShownPath(absl::Span<const absl::string_view> path) {
  return CleanText(absl::StrJoin(path, "/"), kShownPathBytes);
}

// BEP 52: "a power of two and at least 16KiB".
absl::StatusOr<uint32_t> ReadPieceLength(const Value& info) {
  ASSIGN_OR_RETURN(const uint64_t length, ReadUnsigned(info, "piece length", kBlockBytes, kMaxPieceBytes, "info"));
  if ((length & (length - 1)) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("info: \"piece length\" ", length, " is not a power of two (v2)"));
  }
  return static_cast<uint32_t>(length);
}

class TreeWalk {
 public:
  TreeWalk(uint32_t piece_length, absl::FunctionRef<absl::Status(const TreeFile&)> visit)
      : piece_length_(piece_length), visit_(visit) {}

  // Deep as the tree is: the decoder has bounded that.
  absl::Status Folder(const Value& folder) {
    if (folder.dictionary().empty()) return Error("is an empty folder");
    for (const auto& [name, value] : folder.dictionary()) {
      if (name.empty()) return Error("has an entry with an empty name");
      path_.push_back(name);
      if (path_.size() > kMaxPathDepth) return Error(absl::StrCat("is deeper than ", kMaxPathDepth));
      if (!value.is_dictionary()) return Error("is not a dictionary");
      const Value* file = value.Find("");
      RETURN_IF_ERROR(file != nullptr ? File(value, *file) : Folder(value));
      path_.pop_back();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("file tree: \"", ShownPath(path_), "\" ", what));
  }

  absl::Status File(const Value& holder, const Value& file);

  const uint32_t piece_length_;
  const absl::FunctionRef<absl::Status(const TreeFile&)> visit_;
  std::vector<absl::string_view> path_;
  uint64_t total_length_ = 0;
  uint64_t piece_count_ = 0;
};

absl::Status TreeWalk::File(const Value& holder, const Value& value) {
  if (holder.dictionary().size() != 1) return Error("is a file and a folder at once");
  if (!value.is_dictionary()) return Error("has something else than a dictionary as its file");
  TreeFile file;
  file.path = path_;
  file.symlink = HasAttribute(value, 'l');
  file.pad = HasAttribute(value, 'p');
  if (!file.symlink) {
    ASSIGN_OR_RETURN(file.length, ReadUnsigned(value, "length", 0, kMaxTorrentBytes - 1,
                                               absl::StrCat("file tree: \"", ShownPath(path_), "\"")));
  }
  const Value* root = value.Find("pieces root");
  if (root != nullptr) {
    if (file.pad) return Error("is a pad file and has a \"pieces root\"");
    if (!root->is_string() || root->string().size() != kHashBytes)
      return Error("has a \"pieces root\" that is no hash");
    const absl::string_view hash = root->string();
    if (std::all_of(hash.begin(), hash.end(), [](char c) { return c == 0; })) return Error("has a root of zeros");
    file.root = hash;
  } else if (file.length > 0 && !file.pad) {
    return Error(absl::StrCat("has ", file.length, " bytes and no \"pieces root\""));
  }
  total_length_ += file.length;  // both under 2^48: no overflow
  piece_count_ += (file.length + piece_length_ - 1) / piece_length_;
  if (total_length_ >= kMaxTorrentBytes || piece_count_ > kMaxPieces) {
    return Error(absl::StrCat("brings the torrent to ", total_length_, " bytes and ", piece_count_,
                              " pieces, more than ", kMaxTorrentBytes - 1, " or ", kMaxPieces));
  }
  return visit_(file);
}

// The entries of a v1 list that are no pad files, one after the other; a lone file is a list of one.
class V1Files {
 public:
  V1Files(const Value& info, const Metainfo& metainfo)
      : list_(info.FindList("files")), info_(info), metainfo_(metainfo) {}

  // Moves to the next file; false behind the last.
  bool Next() {
    do {
      ++index_;
      if (index_ == static_cast<int64_t>(metainfo_.files.size())) return false;
    } while (file().pad);
    return true;
  }

  const MetainfoFile& file() const { return metainfo_.files[static_cast<size_t>(index_)]; }

  // Whether it stands at `path`, by either of its names.
  bool IsAt(absl::Span<const absl::string_view> path) const {
    if (list_ == nullptr) {
      return path.size() == 1 &&
             (Equals(info_.FindString("name"), path[0]) || Equals(info_.FindString("name.utf-8"), path[0]));
    }
    const Value& entry = list_->list()[static_cast<size_t>(index_)];
    return PathEquals(entry.FindList("path"), path) || PathEquals(entry.FindList("path.utf-8"), path);
  }

 private:
  static bool Equals(const Value* text, absl::string_view expected) {
    return text != nullptr && text->is_string() && text->string() == expected;
  }
  static bool PathEquals(const Value* elements, absl::Span<const absl::string_view> path) {
    return elements != nullptr && elements->list().size() == path.size() &&
           std::equal(path.begin(), path.end(), elements->list().begin(),
                      [](absl::string_view expected, const Value& element) { return Equals(&element, expected); });
  }

  const Value* const list_;
  const Value& info_;
  const Metainfo& metainfo_;
  int64_t index_ = -1;
};

}  // namespace

absl::Status WalkFileTree(const Value& info, absl::FunctionRef<absl::Status(const TreeFile&)> visit) {
  ASSIGN_OR_RETURN(const uint32_t piece_length, ReadPieceLength(info));
  const Value* tree = info.FindDictionary("file tree");
  if (tree == nullptr) return absl::InvalidArgumentError("info: \"file tree\" is missing or no dictionary");
  return TreeWalk(piece_length, visit).Folder(*tree);
}

absl::Status CheckPieceLayers(const Value& info, const Value& piece_layers) {
  ASSIGN_OR_RETURN(const uint32_t piece_length, ReadPieceLength(info));
  if (!piece_layers.is_dictionary()) return absl::InvalidArgumentError("\"piece layers\" is not a dictionary");
  absl::flat_hash_map<absl::string_view, uint64_t> lengths;  // of the files larger than a piece, by their roots
  RETURN_IF_ERROR(WalkFileTree(info, [&](const TreeFile& file) {
    if (file.length > piece_length && !file.pad) lengths[file.root] = file.length;
    return absl::OkStatus();
  }));
  for (const auto& [root, layer] : piece_layers.dictionary()) {
    auto length = lengths.find(root);
    if (length == lengths.end()) {
      return absl::InvalidArgumentError("\"piece layers\" has one whose root is that of no file larger than a piece");
    }
    const uint64_t pieces = (length->second + piece_length - 1) / piece_length;
    if (!layer.is_string() || layer.string().size() != pieces * kHashBytes) {
      return absl::InvalidArgumentError(absl::StrCat("\"piece layers\": the layer of a file of ", length->second,
                                                     " bytes is not ", pieces, " hashes of ", kHashBytes, " bytes"));
    }
    const Sha256Hash computed = RootOfPieceLayer(layer.string(), piece_length);
    if (!std::equal(computed.begin(), computed.end(), root.begin(),
                    [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); })) {
      return absl::InvalidArgumentError(absl::StrCat("\"piece layers\": the layer of a file of ", length->second,
                                                     " bytes does not hash to its root"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHybrid(const Value& info, const Metainfo& metainfo) {
  V1Files v1(info, metainfo);
  RETURN_IF_ERROR(WalkFileTree(info, [&](const TreeFile& file) {
    if (file.pad) return absl::OkStatus();
    const std::string path = ShownPath(file.path);
    if (!v1.Next()) return absl::InvalidArgumentError(absl::StrCat("hybrid: \"", path, "\" is in the v2 tree alone"));
    const MetainfoFile& other = v1.file();
    if (!v1.IsAt(file.path)) {
      return absl::InvalidArgumentError(
          absl::StrCat("hybrid: \"", path, "\" in the v2 tree stands where v1 has \"", other.path, "\""));
    }
    if (other.length != file.length || other.symlink != file.symlink) {
      return absl::InvalidArgumentError(
          absl::StrCat("hybrid: \"", path, "\" has ", file.length, " bytes in v2 and ", other.length, " in v1"));
    }
    if (file.length > 0 && other.offset % metainfo.piece_length != 0) {
      return absl::InvalidArgumentError(absl::StrCat("hybrid: \"", path, "\" begins at byte ", other.offset,
                                                     ", not at a multiple of the piece length ",
                                                     metainfo.piece_length));
    }
    return absl::OkStatus();
  }));
  if (v1.Next()) return absl::InvalidArgumentError(absl::StrCat("hybrid: \"", v1.file().path, "\" is in v1 alone"));
  return absl::OkStatus();
}

}  // namespace torrent
