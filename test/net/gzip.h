// What a server does to a body that it compresses.
#ifndef TORRENT_TEST_NET_GZIP_H_
#define TORRENT_TEST_NET_GZIP_H_

#include <zlib.h>

#include <string>

#include "absl/strings/string_view.h"

namespace torrent {

inline std::string Gzip(absl::string_view text) {
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string compressed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

}  // namespace torrent

#endif  // TORRENT_TEST_NET_GZIP_H_
