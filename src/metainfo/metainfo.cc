#include "torrent/metainfo.h"

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha1.h"
#include "base/status.h"
#include "metainfo/field.h"
#include "metainfo/file_tree.h"
#include "metainfo/top_fields.h"
#include "metainfo/v1_info.h"
#include "torrent/bencode.h"

namespace torrent {

namespace {

using bencode::Value;

// BEP 52: v2 metadata is canonical or it is none; v1 torrents of the wild are not always.
absl::Status CheckCanonical(const Value& value) {
  bencode::DecodeOptions canonical;
  canonical.canonical = true;
  return bencode::Decode(value.raw(), canonical).status();
}

// `piece_layers` may be null.
absl::Status CheckV2(const Value& info, const Value* piece_layers) {
  RETURN_IF_ERROR(CheckCanonical(info));
  RETURN_IF_ERROR(WalkFileTree(info, [](const TreeFile&) { return absl::OkStatus(); }));
  if (piece_layers == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(CheckCanonical(*piece_layers));
  return CheckPieceLayers(info, *piece_layers);
}

absl::StatusOr<Metainfo> ReadInfo(const Value& info, const Value* piece_layers) {
  RETURN_IF_ERROR(CheckKeysStandOnce(info, {"meta version", "file tree"}, "info"));
  const Value* version = info.FindInteger("meta version");
  const bool has_v1 = info.Find("pieces") || info.Find("files") || info.Find("length");
  // BEP 52: clients refuse versions that they do not know, unless the v1 fields are there.
  const bool has_v2 = version != nullptr && version->integer() == 2;
  if (version != nullptr && version->integer() > 2 && !has_v1) {
    return absl::UnimplementedError(
        absl::StrCat("a torrent of \"meta version\" ", version->integer(), ": only version 1 is supported"));
  }
  if (has_v2) {
    RETURN_IF_ERROR(CheckV2(info, piece_layers));
    if (!has_v1) {
      return absl::UnimplementedError("a BitTorrent v2 torrent without v1 data: only v1 and hybrid ones are supported");
    }
  }
  Metainfo metainfo;
  metainfo.infohash = Sha1::Of(info.raw());
  metainfo.hybrid = has_v2;
  RETURN_IF_ERROR(ReadV1Info(info, &metainfo));
  if (metainfo.hybrid) RETURN_IF_ERROR(CheckHybrid(info, metainfo));
  metainfo.info_bytes = std::string(info.raw());
  return metainfo;
}

absl::Status CheckSize(absl::string_view bytes) {
  if (bytes.size() <= kMaxMetainfoBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the metainfo has ", bytes.size(), " bytes, more than ", kMaxMetainfoBytes));
}

}  // namespace

absl::StatusOr<Metainfo> ParseMetainfo(absl::string_view bytes) {
  RETURN_IF_ERROR(CheckSize(bytes));
  size_t trailing_bytes = 0;  // a newline, mostly
  bencode::DecodeOptions options;
  options.trailing_bytes = &trailing_bytes;
  ASSIGN_OR_RETURN(const Value root, bencode::Decode(bytes, options));
  if (!root.is_dictionary()) return absl::InvalidArgumentError("not a .torrent: its content is not a dictionary");
  RETURN_IF_ERROR(CheckKeysStandOnce(root, {"info", "piece layers"}, "metainfo"));
  const Value* info = root.FindDictionary("info");
  if (info == nullptr) return absl::InvalidArgumentError("not a .torrent: \"info\" is missing or no dictionary");
  ASSIGN_OR_RETURN(Metainfo metainfo, ReadInfo(*info, root.Find("piece layers")));
  ReadTopFields(root, &metainfo);
  return metainfo;
}

absl::StatusOr<Metainfo> ParseInfo(absl::string_view info_bytes) {
  RETURN_IF_ERROR(CheckSize(info_bytes));
  ASSIGN_OR_RETURN(const Value info, bencode::Decode(info_bytes));
  if (!info.is_dictionary()) return absl::InvalidArgumentError("\"info\" is not a dictionary");
  return ReadInfo(info, nullptr);
}

}  // namespace torrent
