// Metadata exchange (BEP 9): the messages alone, and a whole connection that fetches, up to a peer worker that goes on
// with it when the metadata is there. First byte: the world (session_world.h, Mode). Then messages: an extended id, two
// bytes of length, the payload; the id 255 is followed by raw bytes of the wire, 254 is the true piece of the payload's
// length, and 253 that piece with a wrong byte. 252: the next peer.
#include "swarm/metadata_worker.h"
#include "swarm/our_handshakes.h"
#include "swarm/peer_handshake.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/fed_stream.h"
#include "test/fuzz/support/reader.h"
#include "test/fuzz/support/session_world.h"
#include "wire/message.h"
#include "wire/metadata_message.h"

namespace torrent::fuzz {
namespace {

void CheckMessage(absl::string_view payload) {
  const absl::StatusOr<wire::MetadataMessage> message = wire::ParseMetadataMessage(payload);
  if (!message.ok() || message->type == wire::MetadataMessage::Type::kUnknown) return;
  const std::string again = wire::EncodeMetadataMessage(*message);
  const absl::StatusOr<wire::MetadataMessage> second = wire::ParseMetadataMessage(again);
  FUZZ_CHECK(second.ok() && second->type == message->type && second->piece == message->piece);
  if (message->type == wire::MetadataMessage::Type::kData) FUZZ_CHECK(second->bytes == message->bytes);
}

// A data message of our torrent.
std::string TruePiece(size_t piece, bool lies) {
  const absl::string_view info = SmallTorrent().metainfo->info_bytes;
  wire::MetadataMessage message;
  message.type = wire::MetadataMessage::Type::kData;
  message.piece = static_cast<uint32_t>(piece % 2);
  message.total_size = static_cast<uint32_t>(info.size());
  message.bytes = info.substr(message.piece * size_t{kMetadataPieceBytes}, kMetadataPieceBytes);
  std::string payload = wire::EncodeMetadataMessage(message);
  if (lies) payload.back() = '!';
  return payload;
}

std::vector<std::string> NextPeer(Reader* reader, std::string handshake) {
  std::vector<std::string> portions = {std::move(handshake)};
  while (!reader->empty() && portions.size() < 100) {
    const uint8_t id = reader->Byte();
    if (id == 252) break;
    std::string* out = &portions.emplace_back();
    if (id == 254 || id == 253) {
      wire::EncodeExtended(kOurMetadataId, TruePiece(reader->Byte(), id == 253), out);
      continue;
    }
    const absl::string_view payload = reader->Part();
    CheckMessage(payload);
    if (id == 255) {
      out->append(payload.data(), payload.size());
    } else {
      wire::EncodeExtended(id, payload, out);
    }
  }
  return portions;
}

}  // namespace

FUZZ_TARGET(ut_metadata) {
  Reader reader(input);
  const uint8_t mode = reader.Byte();
  SessionWorld world(SmallTorrent(), mode);
  const Infohash infohash = SmallTorrent().metainfo->infohash;
  MetadataAssembly assembly(infohash, [] {});
  PeerRegistry registry(wire::PeerId{});
  PeerHints hints;
  std::shared_ptr<PeerLink> link;
  // As the coordinator of the fetch does.
  const auto arrived = [&] {
    if (assembly.complete()) link->mailbox.PostStop(absl::OkStatus());
  };
  MetadataContext context{
      world.context()->shared, infohash, world.context()->events, assembly, registry, arrived, hints, {kMaxEarlyBytes}};
  for (uint8_t peer = 1; peer <= 4 && !reader.empty() && !assembly.complete(); peer++) {
    std::vector<std::string> portions = NextPeer(&reader, world.HandshakeOf(peer));
    link = *registry.Add({*Address::Parse("8.8.4.4"), peer}, PeerSource::kIncoming, true);
    std::unique_ptr<Stream> stream = std::make_unique<FedStream>(
        link->endpoint, std::move(portions), [&] { world.LookAround(); }, (mode & SessionWorld::kSilent) == 0);
    absl::optional<LiveConnection> live;
    {
      MetadataWorker worker(&context, link);
      const TimePoint deadline = Now() + std::chrono::seconds(10);
      const absl::StatusOr<wire::Handshake> theirs = ReadHandshakeHead(stream.get(), deadline, link->mailbox.fd());
      FUZZ_CHECK(theirs.ok());
      if (worker.RunIncoming(std::move(stream), *theirs, deadline).ok()) live = worker.Take();
    }
    FUZZ_CHECK(assembly.held_bytes() <= kMaxPeerMetadataBytes);
    if (live) world.RunAdopted(*std::move(live));
  }
  if (assembly.complete()) FUZZ_CHECK(assembly.Take() == SmallTorrent().metainfo->info_bytes);
  FUZZ_CHECK(registry.size() == 0);
}

}  // namespace torrent::fuzz
