// The messages of the peer protocol that follow the handshake, as bytes and as values.
// BEP 3 ("peer messages"), BEP 5 (port), BEP 6 (fast extension), BEP 10 (extended). README.md beside this draws each.
//
// Every message is a 4-byte length, then, unless that is 0 (keep-alive), a 1-byte id and what belongs to it. Here it is
// seen as a *head* of at most 17 bytes, read in place from the receive buffer, and a *payload* of any size that streams
// past: the block of `piece`, the bits of `bitfield`, the bencode of `extended`, whatever an unknown id carries. So no
// message has to fit into a buffer and no payload is copied here.
// Thread: pure functions.
// Invariant: a Message that is no error keeps the bounds of its MessageRules; nothing has been allocated for it.
#ifndef TORRENT_WIRE_MESSAGE_H_
#define TORRENT_WIRE_MESSAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "base/limits.h"

namespace torrent::wire {

class Bitfield;

enum class MessageId : uint8_t {
  // BEP 3
  kChoke = 0,
  kUnchoke = 1,
  kInterested = 2,
  kNotInterested = 3,
  kHave = 4,
  kBitfield = 5,
  kRequest = 6,
  kPiece = 7,  // carries a *block*, whatever its name says
  kCancel = 8,
  // BEP 5: the UDP port of the peer's DHT node
  kPort = 9,
  // BEP 6, between peers that both set the fast bit
  kSuggestPiece = 13,
  kHaveAll = 14,
  kHaveNone = 15,
  kRejectRequest = 16,
  kAllowedFast = 17,
  // BEP 10, between peers that both set the extension bit
  kExtended = 20,
  // BEP 52, merkle hashes of v2 torrents: not spoken here, skipped like any unknown id
  kHashRequest = 21,
  kHashes = 22,
  kHashReject = 23,
};

// Sizes of heads: the length prefix, the id, the fields of fixed size.
inline constexpr uint32_t kLengthBytes = 4;
inline constexpr uint32_t kPieceHeadBytes = kLengthBytes + 1 + 4 + 4;    // "an index, begin, and piece"
inline constexpr uint32_t kRequestBytes = kLengthBytes + 1 + 4 + 4 + 4;  // "an index, begin, and length"
inline constexpr uint32_t kExtendedHeadBytes = kLengthBytes + 1 + 1;
inline constexpr uint32_t kMaxHeadBytes = kRequestBytes;
static_assert(kPieceHeadBytes == 13 && kRequestBytes == 17 && kExtendedHeadBytes == 6);

// What a connection allows its peer to send. May change between messages, never within one.
struct MessageRules {
  // Of the torrent; nothing while its metadata is still to come (BEP 9): then an index may be anything below
  // kMaxPieces.
  absl::optional<uint32_t> piece_count;
  // Both sides set the bit in the handshake. Where not, the ids of that extension are unknown ones.
  bool fast = false;
  bool extended = false;
  // The longest block that was ever requested here.
  uint32_t max_block_bytes = kBlockBytes;
};

enum class MessageForm : uint8_t {
  kIncomplete,  // the head is not all there yet
  kKeepAlive,   // nothing but a length of 0
  kMessage,     // a message as `id` says
  kIgnored,     // an id that is not spoken here: skip its payload
  kError,       // close the connection; StatusOf() says why
};

enum class MessageError : uint8_t {
  kNone,
  kTooLong,      // length prefix above what any message may have
  kWrongLength,  // length prefix that this id does not have
  kPieceIndex,
  kBegin,  // begin + length is beyond any piece
  kBlockLength,
};

// The head of one message.
struct Message {
  MessageForm form = MessageForm::kIncomplete;
  MessageId id = MessageId::kChoke;
  MessageError error = MessageError::kNone;
  uint8_t extended_id = 0;  // extended: 0 the extension handshake, else the id that we gave in ours
  uint16_t port = 0;        // port
  // Bytes of the head, length prefix included. With kIncomplete: so many must be there for the next attempt.
  uint32_t head_bytes = 0;
  // Bytes that follow the head: of piece (the block), bitfield, extended, and of what is ignored. 0 for all others.
  uint32_t payload_bytes = 0;
  uint32_t piece_index = 0;  // have, request, piece, cancel, suggest piece, reject request, allowed fast
  uint32_t begin = 0;        // request, piece, cancel, reject request
  uint32_t length = 0;       // the same; of piece it is payload_bytes
  uint32_t length_prefix = 0;
};

// Reads the head at the front of `bytes`, which may go on with payload and further messages, or end anywhere. The
// caller consumes head_bytes, and then payload_bytes as they come, before it calls again. Answers an error as soon as
// the bytes that are there show it: a length that is out of bounds is refused before its id has arrived, a length that
// its id cannot have before any field has. A block of 0 bytes is no error: the caller counts it as waste. That begin
// and length fit their piece is for CheckBlock.
Message PeekMessage(absl::Span<const uint8_t> bytes, const MessageRules& rules);

// InvalidArgument with one line that names the message, the field and both values. `message` has the form kError.
absl::Status StatusOf(const Message& message, const MessageRules& rules);

// Whether [begin, begin + length) of piece `piece_index` lies in that piece of `piece_bytes` bytes and is not empty;
// InvalidArgument naming both values where not.
absl::Status CheckBlock(uint32_t piece_index, uint32_t begin, uint32_t length, uint32_t piece_bytes);

// "request", "not interested", "unknown message". Static text.
absl::string_view MessageName(MessageId id);
// One line for a protocol trace: `request piece 3 begin 16384 length 16384`, `keep-alive`.
std::string Describe(const Message& message);

// Each appends one whole message to `out`, or the head of one whose payload the caller sends after it.
void EncodeKeepAlive(std::string* out);
void EncodeChoke(std::string* out);
void EncodeUnchoke(std::string* out);
void EncodeInterested(std::string* out);
void EncodeNotInterested(std::string* out);
void EncodeHave(uint32_t piece_index, std::string* out);
void EncodeRequest(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out);
void EncodeCancel(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out);
void EncodeRejectRequest(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out);
void EncodeSuggestPiece(uint32_t piece_index, std::string* out);
void EncodeAllowedFast(uint32_t piece_index, std::string* out);
void EncodeHaveAll(std::string* out);
void EncodeHaveNone(std::string* out);
void EncodePort(uint16_t dht_port, std::string* out);
// The 13 bytes before a block of `length` bytes.
void EncodePieceHeader(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out);
void EncodeBitfield(const Bitfield& bitfield, std::string* out);
void EncodeExtended(uint8_t extended_id, absl::string_view payload, std::string* out);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_MESSAGE_H_
