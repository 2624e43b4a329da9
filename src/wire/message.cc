#include "wire/message.h"

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "wire/bitfield.h"

namespace torrent::wire {
namespace {

// The values of the length prefix that an id may have, both included.
struct LengthRange {
  uint32_t least;
  uint32_t most;
};

bool IsSpoken(MessageId id, const MessageRules& rules) {
  switch (id) {
    case MessageId::kChoke:
    case MessageId::kUnchoke:
    case MessageId::kInterested:
    case MessageId::kNotInterested:
    case MessageId::kHave:
    case MessageId::kBitfield:
    case MessageId::kRequest:
    case MessageId::kPiece:
    case MessageId::kCancel:
    case MessageId::kPort:
      return true;
    case MessageId::kSuggestPiece:
    case MessageId::kHaveAll:
    case MessageId::kHaveNone:
    case MessageId::kRejectRequest:
    case MessageId::kAllowedFast:
      return rules.fast;
    case MessageId::kExtended:
      return rules.extended;
    case MessageId::kHashRequest:
    case MessageId::kHashes:
    case MessageId::kHashReject:
      return false;
  }
  return false;
}

// Of an id that is spoken.
LengthRange LengthsOf(MessageId id, const MessageRules& rules) {
  switch (id) {
    case MessageId::kHave:
    case MessageId::kSuggestPiece:
    case MessageId::kAllowedFast:
      return {5, 5};
    case MessageId::kRequest:
    case MessageId::kCancel:
    case MessageId::kRejectRequest:
      return {kRequestBytes - kLengthBytes, kRequestBytes - kLengthBytes};
    case MessageId::kPort:
      return {3, 3};
    case MessageId::kPiece:
      return {kPieceHeadBytes - kLengthBytes, kPieceHeadBytes - kLengthBytes + rules.max_block_bytes};
    case MessageId::kBitfield: {
      if (!rules.piece_count.has_value()) return {1, 1 + static_cast<uint32_t>(Bitfield::WireBytes(kMaxPieces))};
      const uint32_t exact = 1 + static_cast<uint32_t>(Bitfield::WireBytes(*rules.piece_count));
      return {exact, exact};
    }
    case MessageId::kExtended:
      return {kExtendedHeadBytes - kLengthBytes, kExtendedHeadBytes - kLengthBytes + kMaxExtendedPayloadBytes};
    default:
      return {1, 1};
  }
}

uint32_t PieceLimit(const MessageRules& rules) { return rules.piece_count.value_or(kMaxPieces); }

Message Failed(Message message, MessageError error) {
  message.form = MessageForm::kError;
  message.error = error;
  return message;
}

void EncodeHead(MessageId id, uint32_t bytes_after_id, std::string* out) {
  AppendBE32(out, 1 + bytes_after_id);
  out->push_back(static_cast<char>(id));
}

void EncodeIndexMessage(MessageId id, uint32_t piece_index, std::string* out) {
  EncodeHead(id, 4, out);
  AppendBE32(out, piece_index);
}

void EncodeBlockMessage(MessageId id, uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out) {
  EncodeHead(id, 12, out);
  AppendBE32(out, piece_index);
  AppendBE32(out, begin);
  AppendBE32(out, length);
}

}  // namespace

Message PeekMessage(absl::Span<const uint8_t> bytes, const MessageRules& rules) {
  Message message;
  message.head_bytes = kLengthBytes;
  if (bytes.size() < kLengthBytes) return message;
  message.length_prefix = LoadBE32(bytes.data());
  if (message.length_prefix == 0) {
    message.form = MessageForm::kKeepAlive;
    return message;
  }
  if (message.length_prefix > kMaxIgnoredMessageBytes) return Failed(message, MessageError::kTooLong);

  message.head_bytes = kLengthBytes + 1;
  if (bytes.size() < message.head_bytes) return message;
  message.id = static_cast<MessageId>(bytes[kLengthBytes]);
  if (!IsSpoken(message.id, rules)) {
    message.form = MessageForm::kIgnored;
    message.payload_bytes = message.length_prefix - 1;
    return message;
  }
  const LengthRange lengths = LengthsOf(message.id, rules);
  if (message.length_prefix < lengths.least || message.length_prefix > lengths.most) {
    return Failed(message, MessageError::kWrongLength);
  }

  // The head is the whole message, but for the three that carry a payload.
  const uint32_t message_bytes = kLengthBytes + message.length_prefix;
  switch (message.id) {
    case MessageId::kPiece:
      message.head_bytes = kPieceHeadBytes;
      break;
    case MessageId::kBitfield:
      break;
    case MessageId::kExtended:
      message.head_bytes = kExtendedHeadBytes;
      break;
    default:
      message.head_bytes = message_bytes;
  }
  if (bytes.size() < message.head_bytes) return message;
  message.payload_bytes = message_bytes - message.head_bytes;
  message.form = MessageForm::kMessage;

  const uint8_t* fields = bytes.data() + kLengthBytes + 1;
  switch (message.id) {
    case MessageId::kHave:
    case MessageId::kSuggestPiece:
    case MessageId::kAllowedFast:
      message.piece_index = LoadBE32(fields);
      if (message.piece_index >= PieceLimit(rules)) return Failed(message, MessageError::kPieceIndex);
      break;
    case MessageId::kPiece:
    case MessageId::kRequest:
    case MessageId::kCancel:
    case MessageId::kRejectRequest: {
      const bool is_piece = message.id == MessageId::kPiece;
      message.piece_index = LoadBE32(fields);
      message.begin = LoadBE32(fields + 4);
      message.length = is_piece ? message.payload_bytes : LoadBE32(fields + 8);
      if (message.piece_index >= PieceLimit(rules)) return Failed(message, MessageError::kPieceIndex);
      if (!is_piece && (message.length == 0 || message.length > kMaxServedRequestBytes)) {
        return Failed(message, MessageError::kBlockLength);
      }
      // 64 bits: the sum of two 32-bit numbers from a stranger.
      if (uint64_t{message.begin} + message.length > kMaxPieceBytes) return Failed(message, MessageError::kBegin);
      break;
    }
    case MessageId::kPort:
      message.port = LoadBE16(fields);
      break;
    case MessageId::kExtended:
      message.extended_id = *fields;
      break;
    default:
      break;
  }
  return message;
}

absl::Status StatusOf(const Message& message, const MessageRules& rules) {
  const absl::string_view name = MessageName(message.id);
  switch (message.error) {
    case MessageError::kNone:
      return absl::OkStatus();
    case MessageError::kTooLong:
      return absl::InvalidArgumentError(absl::StrCat("message length ", message.length_prefix, " is over the limit of ",
                                                     kMaxIgnoredMessageBytes, " bytes"));
    case MessageError::kWrongLength: {
      const LengthRange lengths = LengthsOf(message.id, rules);
      std::string error = absl::StrCat(name, ": message length ", message.length_prefix);
      if (lengths.least == lengths.most) {
        absl::StrAppend(&error, " is not ", lengths.least);
      } else {
        absl::StrAppend(&error, " is not in [", lengths.least, ", ", lengths.most + 1, ")");
      }
      return absl::InvalidArgumentError(error);
    }
    case MessageError::kPieceIndex:
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": piece ", message.piece_index, " is not in [0, ", PieceLimit(rules), ")"));
    case MessageError::kBegin:
      return absl::InvalidArgumentError(absl::StrCat(name, ": piece ", message.piece_index, ": begin ", message.begin,
                                                     " + length ", message.length, " is beyond any piece, ",
                                                     kMaxPieceBytes, " bytes at most"));
    case MessageError::kBlockLength:
      return absl::InvalidArgumentError(absl::StrCat(name, ": piece ", message.piece_index, ": length ", message.length,
                                                     " is not in [1, ", kMaxServedRequestBytes + 1, ")"));
  }
  return absl::InternalError("message error without a text");
}

absl::Status CheckBlock(uint32_t piece_index, uint32_t begin, uint32_t length, uint32_t piece_bytes) {
  if (begin >= piece_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("piece ", piece_index, ": begin ", begin, " is not in [0, ", piece_bytes, ")"));
  }
  if (length == 0 || length > piece_bytes - begin) {
    return absl::InvalidArgumentError(absl::StrCat("piece ", piece_index, ": length ", length, " at begin ", begin,
                                                   " is not in [1, ", piece_bytes - begin + 1, ")"));
  }
  return absl::OkStatus();
}

absl::string_view MessageName(MessageId id) {
  switch (id) {
    case MessageId::kChoke:
      return "choke";
    case MessageId::kUnchoke:
      return "unchoke";
    case MessageId::kInterested:
      return "interested";
    case MessageId::kNotInterested:
      return "not interested";
    case MessageId::kHave:
      return "have";
    case MessageId::kBitfield:
      return "bitfield";
    case MessageId::kRequest:
      return "request";
    case MessageId::kPiece:
      return "piece";
    case MessageId::kCancel:
      return "cancel";
    case MessageId::kPort:
      return "port";
    case MessageId::kSuggestPiece:
      return "suggest piece";
    case MessageId::kHaveAll:
      return "have all";
    case MessageId::kHaveNone:
      return "have none";
    case MessageId::kRejectRequest:
      return "reject request";
    case MessageId::kAllowedFast:
      return "allowed fast";
    case MessageId::kExtended:
      return "extended";
    case MessageId::kHashRequest:
      return "hash request";
    case MessageId::kHashes:
      return "hashes";
    case MessageId::kHashReject:
      return "hash reject";
  }
  return "unknown message";
}

std::string Describe(const Message& message) {
  switch (message.form) {
    case MessageForm::kIncomplete:
      return "incomplete message";
    case MessageForm::kKeepAlive:
      return "keep-alive";
    case MessageForm::kIgnored:
      return absl::StrCat(MessageName(message.id), " (id ", static_cast<int>(message.id), "), ", message.payload_bytes,
                          " bytes ignored");
    case MessageForm::kError:
      return absl::StrCat("bad ", MessageName(message.id));
    case MessageForm::kMessage:
      break;
  }
  const absl::string_view name = MessageName(message.id);
  switch (message.id) {
    case MessageId::kHave:
    case MessageId::kSuggestPiece:
    case MessageId::kAllowedFast:
      return absl::StrCat(name, " piece ", message.piece_index);
    case MessageId::kRequest:
    case MessageId::kPiece:
    case MessageId::kCancel:
    case MessageId::kRejectRequest:
      return absl::StrCat(name, " piece ", message.piece_index, " begin ", message.begin, " length ", message.length);
    case MessageId::kBitfield:
      return absl::StrCat(name, " ", message.payload_bytes, " bytes");
    case MessageId::kPort:
      return absl::StrCat(name, " ", message.port);
    case MessageId::kExtended:
      return absl::StrCat(name, " id ", static_cast<int>(message.extended_id), " ", message.payload_bytes, " bytes");
    default:
      return std::string(name);
  }
}

void EncodeKeepAlive(std::string* out) { AppendBE32(out, 0); }
void EncodeChoke(std::string* out) { EncodeHead(MessageId::kChoke, 0, out); }
void EncodeUnchoke(std::string* out) { EncodeHead(MessageId::kUnchoke, 0, out); }
void EncodeInterested(std::string* out) { EncodeHead(MessageId::kInterested, 0, out); }
void EncodeNotInterested(std::string* out) { EncodeHead(MessageId::kNotInterested, 0, out); }
void EncodeHave(uint32_t piece_index, std::string* out) { EncodeIndexMessage(MessageId::kHave, piece_index, out); }
void EncodeRequest(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out) {
  EncodeBlockMessage(MessageId::kRequest, piece_index, begin, length, out);
}
void EncodeCancel(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out) {
  EncodeBlockMessage(MessageId::kCancel, piece_index, begin, length, out);
}
void EncodeRejectRequest(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out) {
  EncodeBlockMessage(MessageId::kRejectRequest, piece_index, begin, length, out);
}
void EncodeSuggestPiece(uint32_t piece_index, std::string* out) {
  EncodeIndexMessage(MessageId::kSuggestPiece, piece_index, out);
}
void EncodeAllowedFast(uint32_t piece_index, std::string* out) {
  EncodeIndexMessage(MessageId::kAllowedFast, piece_index, out);
}
void EncodeHaveAll(std::string* out) { EncodeHead(MessageId::kHaveAll, 0, out); }
void EncodeHaveNone(std::string* out) { EncodeHead(MessageId::kHaveNone, 0, out); }
void EncodePort(uint16_t dht_port, std::string* out) {
  EncodeHead(MessageId::kPort, 2, out);
  AppendBE16(out, dht_port);
}
void EncodePieceHeader(uint32_t piece_index, uint32_t begin, uint32_t length, std::string* out) {
  EncodeHead(MessageId::kPiece, 8 + length, out);
  AppendBE32(out, piece_index);
  AppendBE32(out, begin);
}
void EncodeBitfield(const Bitfield& bitfield, std::string* out) {
  EncodeHead(MessageId::kBitfield, static_cast<uint32_t>(Bitfield::WireBytes(bitfield.size())), out);
  out->append(bitfield.ToWire());
}
void EncodeExtended(uint8_t extended_id, absl::string_view payload, std::string* out) {
  EncodeHead(MessageId::kExtended, 1 + static_cast<uint32_t>(payload.size()), out);
  out->push_back(static_cast<char>(extended_id));
  out->append(payload.data(), payload.size());
}

}  // namespace torrent::wire
