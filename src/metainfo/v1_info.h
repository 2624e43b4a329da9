// The v1 half of an `info` dictionary (BEP 3; BEP 47 file attributes): pieces and the list of files. Pure.
#ifndef TORRENT_METAINFO_V1_INFO_H_
#define TORRENT_METAINFO_V1_INFO_H_

#include "absl/status/status.h"
#include "torrent/bencode.h"
#include "torrent/metainfo.h"

namespace torrent {

// The list of strings that is the path of an entry of `files`: `path.utf-8` where there is one. Null when it has
// none; what it holds is not checked.
const bencode::Value* PathOfFile(const bencode::Value& file);

// Fills everything of `metainfo` that `info` says, except `hybrid`; `infohash` is there already. InvalidArgument names
// the field.
absl::Status ReadV1Info(const bencode::Value& info, Metainfo* metainfo);

}  // namespace torrent

#endif  // TORRENT_METAINFO_V1_INFO_H_
