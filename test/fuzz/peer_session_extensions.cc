// Extension messages (BEP 10) on a whole peer worker: handshakes again and again, peer exchange, requests for metadata.
// First byte: the world (session_world.h, Mode). Then messages: an extended id, two bytes of length, the payload.
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/reader.h"
#include "test/fuzz/support/session_world.h"
#include "wire/message.h"

namespace torrent::fuzz {

FUZZ_TARGET(peer_session_extensions) {
  Reader reader(input);
  SessionWorld world(SmallTorrent(), reader.Byte());
  std::vector<std::string> portions = {world.HandshakeOf('p')};
  while (!reader.empty() && portions.size() < 200) {
    const uint8_t id = reader.Byte();
    const absl::string_view payload = reader.Part();
    wire::EncodeExtended(id, payload, &portions.emplace_back());
  }
  world.RunIncoming(std::move(portions));
}

}  // namespace torrent::fuzz
