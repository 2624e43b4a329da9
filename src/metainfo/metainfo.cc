#include "torrent/metainfo.h"

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha1.h"
#include "base/status.h"
#include "metainfo/field.h"
#include "metainfo/top_fields.h"
#include "metainfo/v1_info.h"
#include "torrent/bencode.h"

namespace torrent {

namespace {

using bencode::Value;

absl::StatusOr<Metainfo> ReadInfo(const Value& info) {
  Metainfo metainfo;
  metainfo.infohash = Sha1::Of(info.raw());
  RETURN_IF_ERROR(ReadV1Info(info, &metainfo));
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
  ASSIGN_OR_RETURN(Metainfo metainfo, ReadInfo(*info));
  ReadTopFields(root, &metainfo);
  return metainfo;
}

absl::StatusOr<Metainfo> ParseInfo(absl::string_view info_bytes) {
  RETURN_IF_ERROR(CheckSize(info_bytes));
  ASSIGN_OR_RETURN(const Value info, bencode::Decode(info_bytes));
  if (!info.is_dictionary()) return absl::InvalidArgumentError("\"info\" is not a dictionary");
  return ReadInfo(info);
}

}  // namespace torrent
