#include "torrent/create.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "base/sha1.h"
#include "base/status.h"
#include "base/utf8.h"
#include "metainfo/piece_layout.h"
#include "metainfo/source_files.h"
#include "metainfo/source_hasher.h"
#include "metainfo/top_fields.h"
#include "torrent/bencode.h"
#include "torrent/metainfo.h"

namespace torrent {

namespace {

constexpr uint32_t kMinCreatedPieceLength = 16 * 1024;
constexpr uint32_t kMaxCreatedPieceLength = 16 * 1024 * 1024;

absl::Status CheckOptions(const CreateOptions& options) {
  const uint32_t length = options.piece_length;
  const bool power_of_two = (length & (length - 1)) == 0;
  if (length != 0 && (length < kMinCreatedPieceLength || length > kMaxCreatedPieceLength || !power_of_two)) {
    return absl::InvalidArgumentError(absl::StrCat("piece length ", length, " is not a power of two in [",
                                                   kMinCreatedPieceLength, ", ", kMaxCreatedPieceLength, "]"));
  }
  for (const std::vector<std::string>* urls : {&options.trackers, &options.web_seeds}) {
    for (const std::string& url : *urls) {
      if (CleanUrl(url) != url) return absl::InvalidArgumentError(absl::StrCat("\"", url, "\" is not a URL"));
    }
  }
  if (!IsUtf8(options.comment)) return absl::InvalidArgumentError("the comment is not UTF-8");
  return absl::OkStatus();
}

// What PieceLayout needs to know of a torrent that has no metainfo yet.
absl::StatusOr<PieceLayout> LayOut(const SourceTree& tree, uint32_t piece_length) {
  Metainfo shape;
  shape.piece_length = piece_length;
  for (const SourceFile& source : tree.files) {
    MetainfoFile file;
    file.offset = shape.total_length;
    file.length = source.length;
    shape.total_length += file.length;
    shape.files.push_back(std::move(file));
  }
  const uint64_t piece_count = (shape.total_length + piece_length - 1) / piece_length;
  if (piece_count > kMaxPieces) {
    return absl::InvalidArgumentError(absl::StrCat(tree.root, ": ", shape.total_length, " bytes in pieces of ",
                                                   piece_length, " are ", piece_count, ", more than ", kMaxPieces));
  }
  shape.piece_count = static_cast<uint32_t>(piece_count);
  return PieceLayout(shape);
}

std::string EncodeInfo(const SourceTree& tree, uint32_t piece_length, const std::string& pieces, bool is_private) {
  bencode::Encoder info;
  info.BeginDictionary();
  if (tree.folder) {
    info.Key("files").BeginList();
    for (const SourceFile& file : tree.files) {
      info.BeginDictionary().Key("length").Integer(static_cast<int64_t>(file.length)).Key("path").BeginList();
      for (absl::string_view element : absl::StrSplit(file.path, '/')) info.String(element);
      info.End().End();
    }
    info.End();
  } else {
    info.Key("length").Integer(static_cast<int64_t>(tree.total_length));
  }
  info.Key("name").String(tree.name).Key("piece length").Integer(piece_length).Key("pieces").String(pieces);
  if (is_private) info.Key("private").Integer(1);
  info.End();
  return info.Take();
}

std::string EncodeTorrent(const CreateOptions& options, absl::string_view info) {
  bencode::Encoder e;
  e.BeginDictionary();
  if (!options.trackers.empty()) e.Key("announce").String(options.trackers.front());
  if (options.trackers.size() > 1) {
    e.Key("announce-list").BeginList();
    for (const std::string& url : options.trackers) e.BeginList().String(url).End();
    e.End();
  }
  if (!options.comment.empty()) e.Key("comment").String(options.comment);
  e.Key("created by").String("torrent " TORRENT_VERSION);
  if (options.creation_date) e.Key("creation date").Integer(*options.creation_date);
  e.Key("info").Raw(info);
  if (!options.web_seeds.empty()) {
    e.Key("url-list").BeginList();
    for (const std::string& url : options.web_seeds) e.String(url);
    e.End();
  }
  e.End();
  return e.Take();
}

}  // namespace

uint32_t ChoosePieceLength(uint64_t total_length) {
  constexpr uint64_t kMaxChosenPieces = 2000;
  uint32_t length = kMinCreatedPieceLength;
  while (length < kMaxCreatedPieceLength && uint64_t{length} * kMaxChosenPieces < total_length) length *= 2;
  return length;
}

absl::StatusOr<CreatedTorrent> CreateTorrent(const CreateOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const SourceTree tree, ListSource(options.path));
  const uint32_t piece_length = options.piece_length != 0 ? options.piece_length : ChoosePieceLength(tree.total_length);
  ASSIGN_OR_RETURN(const PieceLayout layout, LayOut(tree, piece_length));
  ASSIGN_OR_RETURN(const std::string pieces, HashSource(tree, layout, options.progress));
  const std::string info = EncodeInfo(tree, piece_length, pieces, options.is_private);
  return CreatedTorrent{EncodeTorrent(options, info), Sha1::Of(info), tree.notices};
}

}  // namespace torrent
