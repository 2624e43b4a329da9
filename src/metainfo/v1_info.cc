#include "metainfo/v1_info.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "metainfo/field.h"
#include "metainfo/path_cleaner.h"

namespace torrent {

namespace {

using bencode::Value;

std::string CleanElementOr(absl::string_view element, absl::string_view substitute) {
  std::string clean = CleanPathElement(element);
  return clean.empty() ? std::string(substitute) : clean;
}

// `name`/path elements, cleaned. A pad file may come without a path.
absl::StatusOr<std::string> ReadPath(const Value& file, const MetainfoFile& known, const std::string& name,
                                     absl::string_view what) {
  const Value* elements = PathOfFile(file);
  if (elements == nullptr && known.pad) return absl::StrCat(name, "/.pad/", known.length);
  if (elements == nullptr || elements->list().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": \"path\" is missing, empty or no list"));
  }
  if (elements->list().size() > kMaxPathDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": \"path\" has ", elements->list().size(), " elements, more than ", kMaxPathDepth));
  }
  std::string path = name;
  for (const Value& element : elements->list()) {
    if (!element.is_string()) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": \"path\" holds something else than strings"));
    }
    absl::StrAppend(&path, "/", CleanElementOr(element.string(), "_"));
  }
  if (path.size() > kMaxPathBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": \"path\" has ", path.size(), " bytes, more than ", kMaxPathBytes));
  }
  return path;
}

absl::StatusOr<MetainfoFile> ReadFile(const Value& value, const std::string& name, absl::string_view what) {
  if (!value.is_dictionary()) return absl::InvalidArgumentError(absl::StrCat(what, " is not a dictionary"));
  RETURN_IF_ERROR(CheckKeysStandOnce(value, {"length", "path", "path.utf-8", "attr", "symlink path"}, what));
  MetainfoFile file;
  file.symlink = HasAttribute(value, 'l');
  file.pad = !file.symlink && HasAttribute(value, 'p');
  file.executable = HasAttribute(value, 'x');
  // A link has no bytes, whatever is said of its length.
  if (!file.symlink) {
    ASSIGN_OR_RETURN(file.length, ReadUnsigned(value, "length", 0, kMaxTorrentBytes - 1, what));
  }
  ASSIGN_OR_RETURN(file.path, ReadPath(value, file, name, what));
  return file;
}

absl::Status ReadFiles(const Value& list, Metainfo* metainfo) {
  if (!list.is_list()) return absl::InvalidArgumentError("info: \"files\" is not a list");
  if (list.list().empty()) return absl::InvalidArgumentError("info: \"files\" is empty");
  metainfo->multi_file = true;
  metainfo->files.reserve(list.list().size());
  for (const Value& value : list.list()) {
    const std::string what = absl::StrCat("info: file ", metainfo->files.size() + 1);
    ASSIGN_OR_RETURN(MetainfoFile file, ReadFile(value, metainfo->name, what));
    file.offset = metainfo->total_length;
    metainfo->total_length += file.length;  // both under 2^48: no overflow
    if (metainfo->total_length >= kMaxTorrentBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": with it all files have ", metainfo->total_length, " bytes, 2^48 or more"));
    }
    metainfo->files.push_back(std::move(file));
  }
  return MakePathsUnique(&metainfo->files);
}

absl::Status ReadPieces(const Value& info, Metainfo* metainfo) {
  ASSIGN_OR_RETURN(const uint64_t piece_length, ReadUnsigned(info, "piece length", 1, kMaxPieceBytes, "info"));
  const uint64_t piece_count = (metainfo->total_length + piece_length - 1) / piece_length;
  if (piece_count > kMaxPieces) {
    return absl::InvalidArgumentError(absl::StrCat("info: ", metainfo->total_length, " bytes in pieces of ",
                                                   piece_length, " are ", piece_count, " pieces, more than ",
                                                   kMaxPieces));
  }
  const Value* pieces = info.Find("pieces");
  if (pieces == nullptr || !pieces->is_string()) {
    return absl::InvalidArgumentError("info: \"pieces\" is missing or no string");
  }
  if (pieces->string().size() != piece_count * Sha1Hash::kSize) {
    return absl::InvalidArgumentError(absl::StrCat("info: \"pieces\" has ", pieces->string().size(), " bytes, but ",
                                                   piece_count, " pieces need ", piece_count * Sha1Hash::kSize));
  }
  metainfo->piece_length = static_cast<uint32_t>(piece_length);
  metainfo->piece_count = static_cast<uint32_t>(piece_count);
  metainfo->pieces_offset = static_cast<size_t>(pieces->string().data() - info.raw().data());
  return absl::OkStatus();
}

}  // namespace

const Value* PathOfFile(const Value& file) {
  const Value* utf8 = file.FindList("path.utf-8");
  return utf8 != nullptr ? utf8 : file.FindList("path");
}

absl::Status ReadV1Info(const Value& info, Metainfo* metainfo) {
  RETURN_IF_ERROR(CheckKeysStandOnce(
      info, {"name", "name.utf-8", "piece length", "pieces", "length", "files", "private", "attr"}, "info"));
  const Value* name = info.FindString("name.utf-8");
  if (name == nullptr) name = info.FindString("name");
  if (name == nullptr) return absl::InvalidArgumentError("info: \"name\" is missing or no string");
  // Zeroed bytes are a damaged file, not a name; an empty one has been seen in the wild.
  if (!name->string().empty() && name->string().find_first_not_of('\0') == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("info: \"name\" is ", name->string().size(), " zero bytes"));
  }
  metainfo->name = CleanElementOr(name->string(), metainfo->infohash.Hex());
  const Value* is_private = info.FindInteger("private");
  metainfo->is_private = is_private != nullptr && is_private->integer() == 1;

  if (const Value* files = info.Find("files")) {
    RETURN_IF_ERROR(ReadFiles(*files, metainfo));
  } else {
    MetainfoFile file;
    file.path = metainfo->name;
    file.executable = HasAttribute(info, 'x');
    ASSIGN_OR_RETURN(file.length, ReadUnsigned(info, "length", 0, kMaxTorrentBytes - 1, "info"));
    metainfo->total_length = file.length;
    metainfo->files.push_back(std::move(file));
  }
  return ReadPieces(info, metainfo);
}

}  // namespace torrent
