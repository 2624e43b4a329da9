// What stands beside `info` in a .torrent: trackers (BEP 3, 12), web seeds (BEP 19), DHT nodes (BEP 5) and remarks.
// None of it can make a torrent unusable: entries that are no good are left out. Pure.
#ifndef TORRENT_METAINFO_TOP_FIELDS_H_
#define TORRENT_METAINFO_TOP_FIELDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "torrent/bencode.h"
#include "torrent/metainfo.h"

namespace torrent {

// Fills trackers, web_seeds, nodes, comment, created_by and creation_date; `multi_file` is known already.
void ReadTopFields(const bencode::Value& root, Metainfo* metainfo);

// `url` without blanks around it, inner ones escaped. Empty when it is none: without a scheme, too long, or with
// control characters, which would reach a request line.
std::string CleanUrl(absl::string_view url);

}  // namespace torrent

#endif  // TORRENT_METAINFO_TOP_FIELDS_H_
