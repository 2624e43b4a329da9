#include "test/support/metadata_peer.h"

#include <utility>

#include "base/limits.h"
#include "base/sha1.h"
#include "wire/bitfield.h"
#include "wire/extension.h"
#include "wire/metadata_message.h"

namespace torrent::test {

namespace {

using Kind = MetadataManner::Kind;
using wire::MetadataMessage;

constexpr uint8_t kItsId = 7;

std::string Answer(const std::string& info, uint32_t piece, bool wrong) {
  MetadataMessage answer;
  answer.type = MetadataMessage::Type::kData;
  answer.piece = piece;
  answer.total_size = static_cast<uint32_t>(info.size());
  std::string bytes = info.substr(size_t{piece} * kMetadataPieceBytes, kMetadataPieceBytes);
  if (wrong) bytes.back() = static_cast<char>(bytes.back() ^ 1);
  answer.bytes = bytes;
  return wire::EncodeMetadataMessage(answer);
}

}  // namespace

void RunMetadataPeer(PeerConnection* peer, const Payload& payload, const MetadataManner& manner,
                     const std::function<void()>& delivered) {
  std::string info = manner.info.value_or(payload.metainfo()->info_bytes);
  const bool wrong = manner.kind == Kind::kWrongBytes || manner.claims.has_value();
  const Infohash infohash = Sha1::Of(info);
  if (manner.claims) info.resize(*manner.claims, 'x');
  wire::Handshake theirs;
  const wire::Handshake ours = HandshakeOf(infohash, manner.name, manner.fast, /*extended=*/true);
  if (!peer->ShakeHands(ours, &theirs)) return;

  std::string first;
  if (manner.fast) {
    wire::EncodeHaveAll(&first);
  } else {
    wire::EncodeBitfield(wire::Bitfield::AllSet(payload.piece_count()), &first);
  }
  wire::ExtensionHandshake handshake;
  handshake.ids[static_cast<size_t>(wire::Extension::kMetadata)] = kItsId;
  if (manner.kind != Kind::kSaysNoSize) handshake.metadata_size = static_cast<uint32_t>(info.size());
  wire::EncodeExtended(wire::kExtensionHandshakeId, wire::EncodeExtensionHandshake(handshake), &first);
  if (!peer->Send(first)) return;

  wire::ExtensionIds ids;
  const auto say = [&](const std::string& payload_bytes) {
    std::string message;
    wire::EncodeExtended(ids[wire::Extension::kMetadata], payload_bytes, &message);
    return peer->Send(message);
  };
  // For ever: who is silent for so long is the test's business.
  while (absl::optional<Received> received = peer->Read(std::chrono::hours(1))) {
    const wire::Message& head = received->head;
    if (head.form != wire::MessageForm::kMessage) continue;
    if (head.id == wire::MessageId::kInterested) {
      if (manner.seeds && !peer->Send(Bytes(wire::EncodeUnchoke))) return;
    } else if (head.id == wire::MessageId::kRequest && manner.seeds) {
      std::string message;
      wire::EncodePieceHeader(head.piece_index, head.begin, head.length, &message);
      message += std::string(payload.Block(head.piece_index, head.begin, head.length));
      if (!peer->Send(message)) return;
    } else if (head.id == wire::MessageId::kExtended && head.extended_id == wire::kExtensionHandshakeId) {
      absl::StatusOr<wire::ExtensionHandshake> said = wire::ParseExtensionHandshake(received->payload);
      if (said.ok()) ids.Update(*said);
    } else if (head.id == wire::MessageId::kExtended && head.extended_id == kItsId) {
      absl::StatusOr<MetadataMessage> request = wire::ParseMetadataMessage(received->payload);
      if (!request.ok() || request->type != MetadataMessage::Type::kRequest) continue;
      if (manner.kind == Kind::kRejects) {
        if (!say(wire::EncodeMetadataReject(request->piece))) return;
      } else if (manner.kind != Kind::kSilent) {
        if (!say(Answer(info, request->piece, wrong))) return;
      }
      if (delivered) delivered();
    }
  }
}

ScriptedSeeder::Manner Serving(const MetadataManner& manner) {
  ScriptedSeeder::Manner serving;
  serving.instead = [manner](ScriptedSeeder::Line& line) {
    RunMetadataPeer(&line.peer(), line.payload(), manner, [&line] { line.Delivered(); });
  };
  return serving;
}

}  // namespace torrent::test
