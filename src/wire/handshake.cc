#include "wire/handshake.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace torrent::wire {
namespace {

constexpr size_t kReservedOffset = kProtocolBytes;
constexpr size_t kInfohashOffset = kReservedOffset + kReservedBytes;
constexpr size_t kPeerIdOffset = kInfohashOffset + kInfohashBytes;

absl::Status CheckSize(absl::Span<const uint8_t> bytes, size_t expected) {
  if (bytes.size() == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("handshake: ", bytes.size(), " bytes are not ", expected));
}

// The first 48 bytes of `bytes`, of which there are at least so many.
absl::StatusOr<Handshake> ParseHead(absl::Span<const uint8_t> bytes) {
  const absl::string_view protocol = AsText(bytes.first(kProtocolBytes));
  if (protocol != kProtocolString) {
    return absl::InvalidArgumentError(absl::StrCat("handshake: protocol \"", absl::CEscape(protocol), "\" is not \"",
                                                   absl::CEscape(kProtocolString), "\""));
  }
  const absl::Span<const uint8_t> reserved = bytes.subspan(kReservedOffset, kReservedBytes);
  Handshake handshake;
  handshake.dht = (reserved[kDhtByte] & kDhtMask) != 0;
  handshake.fast = (reserved[kFastByte] & kFastMask) != 0;
  handshake.extended = (reserved[kExtendedByte] & kExtendedMask) != 0;
  handshake.infohash = Infohash::FromRaw(AsText(bytes.subspan(kInfohashOffset, kInfohashBytes)));
  return handshake;
}

}  // namespace

std::string EncodeHandshake(const Handshake& handshake) {
  std::array<uint8_t, kReservedBytes> reserved = {};
  if (handshake.dht) reserved[kDhtByte] |= kDhtMask;
  if (handshake.fast) reserved[kFastByte] |= kFastMask;
  if (handshake.extended) reserved[kExtendedByte] |= kExtendedMask;
  return absl::StrCat(kProtocolString, AsText(reserved), handshake.infohash.Raw(), AsText(handshake.peer_id));
}

bool StartsLikeHandshake(absl::Span<const uint8_t> bytes) {
  const size_t known = std::min(bytes.size(), kProtocolBytes);
  return AsText(bytes.first(known)) == kProtocolString.substr(0, known);
}

absl::StatusOr<Handshake> ParseHandshakeHead(absl::Span<const uint8_t> bytes) {
  absl::Status size = CheckSize(bytes, kHandshakeHeadBytes);
  if (!size.ok()) return size;
  return ParseHead(bytes);
}

absl::StatusOr<Handshake> ParseHandshake(absl::Span<const uint8_t> bytes) {
  absl::Status size = CheckSize(bytes, kHandshakeBytes);
  if (!size.ok()) return size;
  absl::StatusOr<Handshake> handshake = ParseHead(bytes);
  if (handshake.ok()) std::copy_n(bytes.begin() + kPeerIdOffset, kPeerIdBytes, handshake->peer_id.begin());
  return handshake;
}

}  // namespace torrent::wire
