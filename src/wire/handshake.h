// The first 68 bytes of each direction of a connection (BEP 3, "peer protocol"): which protocol, which extensions,
// which torrent, which peer. Thread: pure functions. Invariant: who holds a Handshake holds one whose protocol string
// was right.
#ifndef TORRENT_WIRE_HANDSHAKE_H_
#define TORRENT_WIRE_HANDSHAKE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "torrent/sha1.h"
#include "wire/peer_id.h"

namespace torrent::wire {

// BEP 3: "The handshake starts with character nineteen (decimal) followed by the string 'BitTorrent protocol'. The
// leading character is a length prefix".
inline constexpr absl::string_view kProtocolString =
    "\x13"
    "BitTorrent protocol";
inline constexpr size_t kProtocolBytes = 1 + 19;
// BEP 3: "After the fixed headers come eight reserved bytes".
inline constexpr size_t kReservedBytes = 8;
// BEP 3: "Next comes the 20 byte sha1 hash of the bencoded form of the info value".
inline constexpr size_t kInfohashBytes = Infohash::kSize;
// BEP 3: "After the download hash comes the 20-byte peer id".
inline constexpr size_t kPeerIdBytes = std::tuple_size_v<PeerId>;

// What a listening side needs before it answers; some peers send their id only after they have read ours.
inline constexpr size_t kHandshakeHeadBytes = kProtocolBytes + kReservedBytes + kInfohashBytes;
inline constexpr size_t kHandshakeBytes = kHandshakeHeadBytes + kPeerIdBytes;
static_assert(kProtocolString.size() == kProtocolBytes);
static_assert(kHandshakeHeadBytes == 48 && kHandshakeBytes == 68);

// Reserved bits, as byte (0 to 7) and mask. Every other bit is somebody else's and ignored.
inline constexpr size_t kExtendedByte = 5;  // BEP 10: "reserved_byte[5] & 0x10"
inline constexpr uint8_t kExtendedMask = 0x10;
inline constexpr size_t kFastByte = 7;  // BEP 6: "reserved_byte[7] |= 0x04"
inline constexpr uint8_t kFastMask = 0x04;
inline constexpr size_t kDhtByte = 7;  // BEP 5: "the last bit of the 8-byte reserved flags"
inline constexpr uint8_t kDhtMask = 0x01;

struct Handshake {
  bool dht = false;
  bool fast = false;
  bool extended = false;
  Infohash infohash;
  PeerId peer_id = {};
};

// 68 bytes.
std::string EncodeHandshake(const Handshake& handshake);

// Whether `bytes`, the first of a connection and maybe none, can be the front of a handshake. False as soon as one
// differs from the protocol string: then it is another protocol, or an encrypted connection.
bool StartsLikeHandshake(absl::Span<const uint8_t> bytes);

// The first 48 bytes (exactly as many): all but the peer id, which is left zero.
// InvalidArgument when the protocol string is another.
absl::StatusOr<Handshake> ParseHandshakeHead(absl::Span<const uint8_t> bytes);

// All 68 bytes (exactly as many). InvalidArgument when the protocol string is another.
absl::StatusOr<Handshake> ParseHandshake(absl::Span<const uint8_t> bytes);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_HANDSHAKE_H_
