// The one message of local discovery (BEP 14), in the form of an HTTP request in a datagram. Pure.
//
//   BT-SEARCH * HTTP/1.1\r\n
//   Host: 239.192.152.143:6771\r\n       the group that it is sent to
//   Port: 6881\r\n                       where the sender listens
//   Infohash: 40 hex digits\r\n          one or more of these lines
//   cookie: text\r\n                     by which a sender knows its own
//   \r\n\r\n
#ifndef TORRENT_LAN_LSD_MESSAGE_H_
#define TORRENT_LAN_LSD_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "torrent/sha1.h"

namespace torrent {

struct LsdMessage {
  uint16_t port = 0;  // never 0 in one that was read
  std::vector<Infohash> infohashes;
  std::string cookie;  // empty: none
};

// At most kMaxLsdInfohashes of `message.infohashes`; `host` is "address:port" of the group. The cookie is short
// (16 bytes), and the result at most kMaxLsdSentBytes long.
std::string WriteLsdMessage(absl::string_view host, const LsdMessage& message);

// Nothing for what is no such message: over kMaxLsdBytes, another first line, no empty line after the headers, no port
// in [1, 65535], no infohash. Headers may stand in any order and case, and those that we do not know are passed over;
// an infohash that is not 40 hex digits costs itself.
absl::optional<LsdMessage> ReadLsdMessage(absl::string_view datagram);

}  // namespace torrent

#endif  // TORRENT_LAN_LSD_MESSAGE_H_
