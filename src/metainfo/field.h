// Reading the fields of a metainfo dictionary, with errors that name the field and what stood there. Pure.
#ifndef TORRENT_METAINFO_FIELD_H_
#define TORRENT_METAINFO_FIELD_H_

#include <cstdint>
#include <initializer_list>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torrent/bencode.h"

namespace torrent {

// The integer `key` of `dictionary`, which must be there and in [least, most]. `what` begins the message.
absl::StatusOr<uint64_t> ReadUnsigned(const bencode::Value& dictionary, absl::string_view key, uint64_t least,
                                      uint64_t most, absl::string_view what);

// InvalidArgument when one of `keys` stands twice in `dictionary`: readers that take the first and readers that take
// the last would see two different torrents.
absl::Status CheckKeysStandOnce(const bencode::Value& dictionary, std::initializer_list<absl::string_view> keys,
                                absl::string_view what);

// Whether the `attr` of a file (BEP 47: a string of letters) has `letter`.
bool HasAttribute(const bencode::Value& file, char letter);

}  // namespace torrent

#endif  // TORRENT_METAINFO_FIELD_H_
