// The messages of peer exchange (ut_pex, BEP 11): which peers the sender is newly connected to, and which left it. A
// bencoded dictionary in an `extended` message, under the id that the extension handshake gave.
// Thread: pure functions. Invariant: a parsed message holds at most kMaxPexPeers in each list; addresses are bytes
// here, and whether one may be connected to is for who has them.
#ifndef TORRENT_WIRE_PEX_MESSAGE_H_
#define TORRENT_WIRE_PEX_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent::wire {

// What the sender knows of a peer that it tells of; a sum of these is a byte of `added.f`.
enum PexFlag : uint8_t {
  kPexPrefersEncryption = 0x01,
  kPexSeed = 0x02,  // or wants nothing for another reason (BEP 21)
  kPexUtp = 0x04,
  kPexHolepunch = 0x08,  // named ut_holepunch in its extension handshake
  kPexReachable = 0x10,  // the sender connected to it, not it to the sender
};

struct PexPeer {
  // Address and port in network order, 6 bytes of IPv4 or 18 of IPv6, as in a tracker's compact list.
  absl::InlinedVector<uint8_t, 18> compact;
  uint8_t flags = 0;  // of `added`; 0 in `dropped`
};

struct PexMessage {
  std::vector<PexPeer> added;    // `added` and `added6` with their flags
  std::vector<PexPeer> dropped;  // `dropped` and `dropped6`
};

// Reads the payload of an `extended` message. A list whose length is no multiple of its entry's is as if it had not
// been sent, as is one of another type; flags that are missing are 0. Of more than kMaxPexPeers the first count, IPv4
// before IPv6. InvalidArgument when `payload` is no bencoded dictionary within the bounds. Bytes after it are ignored.
absl::StatusOr<PexMessage> ParsePex(absl::string_view payload);

// The bencoded dictionary, to be sent by EncodeExtended; lists that hold nothing are left out. At most kMaxPexPeers
// each: what is beyond is not sent. `compact` has 6 or 18 bytes.
std::string EncodePex(const PexMessage& message);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_PEX_MESSAGE_H_
