#include "wire/metadata_message.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "torrent/bencode.h"

namespace torrent::wire {

using Type = MetadataMessage::Type;

uint32_t MetadataPieceCount(uint32_t total_size) {
  return total_size / kMetadataPieceBytes + (total_size % kMetadataPieceBytes != 0);
}

uint32_t MetadataPieceBytes(uint32_t total_size, uint32_t piece) {
  return std::min(kMetadataPieceBytes, total_size - piece * kMetadataPieceBytes);
}

absl::StatusOr<MetadataMessage> ParseMetadataMessage(absl::string_view payload) {
  size_t trailing_bytes = 0;
  bencode::DecodeOptions options;
  options.max_depth = kMaxBencodeDepth;
  options.max_items = kMaxMetadataHeadItems;
  options.trailing_bytes = &trailing_bytes;
  // What is beyond these bytes cannot belong to the dictionary, and need not be looked at to find its end.
  absl::StatusOr<bencode::Value> decoded = bencode::Decode(payload.substr(0, kMaxMetadataHeadBytes), options);
  if (!decoded.ok()) return Annotate(decoded.status(), "metadata message");
  const bencode::Value& head = *decoded;
  const bencode::Value* type = head.FindInteger("msg_type");
  if (type == nullptr) return absl::InvalidArgumentError("metadata message: no msg_type");
  MetadataMessage message;
  if (type->integer() < 0 || type->integer() > static_cast<int>(Type::kReject)) return message;
  message.type = static_cast<Type>(type->integer());

  const bencode::Value* piece = head.FindInteger("piece");
  if (piece == nullptr || piece->integer() < 0 || piece->integer() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("metadata message: piece is missing or no 32-bit number");
  }
  message.piece = static_cast<uint32_t>(piece->integer());
  if (message.type != Type::kData) return message;

  const bencode::Value* total_size = head.FindInteger("total_size");
  if (total_size == nullptr || total_size->integer() < 1 || total_size->integer() > kMaxPeerMetadataBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("metadata message: total_size is missing or not in [1, ", kMaxPeerMetadataBytes, "]"));
  }
  message.total_size = static_cast<uint32_t>(total_size->integer());
  if (message.piece >= MetadataPieceCount(message.total_size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("metadata message: piece ", message.piece, " of only ", MetadataPieceCount(message.total_size)));
  }
  message.bytes = payload.substr(head.raw().size());
  const uint32_t expected = MetadataPieceBytes(message.total_size, message.piece);
  if (message.bytes.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("metadata message: piece ", message.piece, " with ",
                                                   message.bytes.size(), " bytes, it has ", expected));
  }
  return message;
}

std::string EncodeMetadataMessage(const MetadataMessage& message) {
  bencode::Encoder encoder;
  encoder.BeginDictionary();
  encoder.Key("msg_type").Integer(static_cast<int>(message.type));
  encoder.Key("piece").Integer(message.piece);
  if (message.type == Type::kData) encoder.Key("total_size").Integer(message.total_size);
  encoder.End();
  return message.type == Type::kData ? absl::StrCat(encoder.str(), message.bytes) : encoder.Take();
}

std::string EncodeMetadataRequest(uint32_t piece) { return EncodeMetadataMessage({Type::kRequest, piece, 0, {}}); }
std::string EncodeMetadataReject(uint32_t piece) { return EncodeMetadataMessage({Type::kReject, piece, 0, {}}); }

}  // namespace torrent::wire
