// The head of an HTTP request, judged before the HTTP library sees any of it (RFC 9112): the packaged one has no bounds
// on fields and believes forwarding headers. A tracker needs the target and nothing else: bodies are refused before
// they are read, and no field is passed on. Pure.
#ifndef TORRENT_TRACKER_SERVER_REQUEST_HEAD_H_
#define TORRENT_TRACKER_SERVER_REQUEST_HEAD_H_

#include <string>

#include "absl/strings/string_view.h"

namespace torrent {

struct RequestHead {
  // 0: a GET request without a body, to be answered. Otherwise the HTTP status to answer with: 400 malformed, 405 not
  // GET, 413 with a body, 431 too much of it, 505 not HTTP/1.
  int refusal = 0;
  std::string target;  // "/announce?..."
};

// How many bytes the head at the front of `bytes` has, with the empty line that ends it; 0: not all there yet.
size_t RequestHeadBytes(absl::string_view bytes);

// Reads a whole head. Fields: at most kMaxHttpFields, all within kMaxHttpHeadBytes.
RequestHead ParseRequestHead(absl::string_view head);

}  // namespace torrent

#endif  // TORRENT_TRACKER_SERVER_REQUEST_HEAD_H_
