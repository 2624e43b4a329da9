// Metadata exchange (BEP 9, ut_metadata): the `info` value of a torrent, asked for and sent in pieces of 16 KiB, as
// payloads of `extended` messages. A bencoded dictionary, in a data message followed by the raw bytes of the piece.
// Thread: pure functions. Invariant: a parsed data message holds exactly the bytes that a piece of a value of its size
// has.
#ifndef TORRENT_WIRE_METADATA_MESSAGE_H_
#define TORRENT_WIRE_METADATA_MESSAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent::wire {

struct MetadataMessage {
  // BEP 9's `msg_type`. The example of a reject that it prints has the number of a data message; its text has 2.
  enum class Type : uint8_t { kRequest = 0, kData = 1, kReject = 2, kUnknown = 255 };
  Type type = Type::kUnknown;
  uint32_t piece = 0;
  uint32_t total_size = 0;  // data: bytes of the whole value, 1 to kMaxPeerMetadataBytes
  absl::string_view bytes;  // data: the piece; a view into what was parsed
};

// Pieces of a value of `total_size` bytes, and the bytes of one of them.
uint32_t MetadataPieceCount(uint32_t total_size);
uint32_t MetadataPieceBytes(uint32_t total_size, uint32_t piece);

// Reads the payload of an `extended` message. kUnknown, without fields, for a `msg_type` that BEP 9 does not name,
// which it wants ignored. InvalidArgument for what is no such dictionary, a piece that is no 32-bit number, and a data
// message whose size is out of bounds, whose piece the value does not have, or whose bytes are more or fewer than that
// piece's. A request may name any piece: that it is there is for who answers.
absl::StatusOr<MetadataMessage> ParseMetadataMessage(absl::string_view payload);

// The payload, to be sent by EncodeExtended with the peer's id for it.
std::string EncodeMetadataMessage(const MetadataMessage& message);
std::string EncodeMetadataRequest(uint32_t piece);
std::string EncodeMetadataReject(uint32_t piece);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_METADATA_MESSAGE_H_
