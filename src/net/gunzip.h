// The body of a compressed HTTP answer (RFC 1952), inflated under bounds: a kilobyte of deflate can claim a megabyte.
// Pure.
#ifndef TORRENT_NET_GUNZIP_H_
#define TORRENT_NET_GUNZIP_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent {

// One complete gzip member whose checksum and length agree, and nothing behind it. Memory grows with what comes out,
// never beyond `max_bytes`, nor beyond kMaxInflateRatio times the input and a slack. InvalidArgument: damaged, cut
// short, followed by something, or larger than that.
absl::StatusOr<std::string> Gunzip(absl::string_view compressed, size_t max_bytes);

}  // namespace torrent

#endif  // TORRENT_NET_GUNZIP_H_
