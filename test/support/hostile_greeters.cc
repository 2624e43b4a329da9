// Who goes wrong before or at the handshake: hazards 49 to 53, 67.
#include <chrono>

#include "absl/strings/str_cat.h"
#include "test/support/hostile_peers.h"

namespace torrent::test {

namespace {

using namespace hostile;  // NOLINT: made for these files

Manner Greets(std::function<wire::Handshake(const wire::Handshake&, wire::Handshake)> handshake) {
  Manner manner;
  manner.handshake = std::move(handshake);
  manner.introduce = [](Line& line) {
    line.Delivered();
    line.ReadUntilClosed();
    return false;
  };
  return manner;
}

// Says these bytes in place of a handshake, and waits.
Manner Babbles(const std::string& bytes, bool then_hangs_up = false) {
  Manner manner;
  manner.instead = [bytes, then_hangs_up](Line& line) {
    if (!line.Send(bytes)) return;
    line.Delivered();
    if (!then_hangs_up) line.ReadUntilClosed();
  };
  return manner;
}

// A byte each tenth of a second: never silent, and too slow as a whole.
Manner Drips(const std::string& handshake) {
  Manner manner;
  manner.instead = [handshake](Line& line) {
    for (char byte : handshake) {
      if (!line.Send(absl::string_view(&byte, 1))) return;
      line.Delivered();
      if (line.peer().WaitClosed(std::chrono::milliseconds(100))) return;
    }
    line.ReadUntilClosed();
  };
  return manner;
}

// A mirror: whatever it hears it says.
Manner Echoes() {
  Manner manner;
  manner.instead = [](Line& line) {
    std::string byte;
    while (line.peer().ReadRaw(1, &byte, std::chrono::hours(1)) && line.Send(byte)) line.Delivered();
  };
  return manner;
}

// The handshake and what follows in one go, without a look at the other side's.
Manner Blurts(const std::string& bytes) {
  Manner manner;
  manner.instead = [bytes](Line& line) {
    if (!line.Send(bytes)) return;
    line.Delivered();
    line.ReadUntilClosed();
  };
  return manner;
}

}  // namespace

std::vector<HostilePeer> HostileGreeters(const Payload& payload) {
  const std::string hello = wire::EncodeHandshake(HandshakeOf(payload.metainfo()->infohash, "blurts", false));
  std::string all_bits = wire::EncodeHandshake(HandshakeOf(payload.metainfo()->infohash, "all bits", false));
  for (size_t i = 0; i < 8; i++) all_bits[20 + i] = '\xff';
  // Message ids of v2 (BEP 52), none of them asked for.
  const std::string v2 = MessageOf(49, 21, std::string(48, 'r')) + MessageOf(49 + 64, 22, std::string(112, 'h')) +
                         MessageOf(49, 23, std::string(48, 'j'));
  std::string noise(512 * 1024, '\0');
  uint32_t state = 1;
  for (char& byte : noise) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return {
      {"HasOurPeerId", "49", Greets([](const wire::Handshake& theirs, wire::Handshake ours) {
         ours.peer_id = theirs.peer_id;
         return ours;
       }),
       Ending::kRefused},
      {"EchoesAllItHears", "49", Echoes(), Ending::kRefused, "", Role::kListens},
      {"ServesAnotherTorrent", "51", Greets([](const wire::Handshake&, wire::Handshake ours) {
         ours.infohash.bytes[0] ^= 1;
         return ours;
       }),
       Ending::kRefused},
      {"SpeaksHttp", "51",
       Babbles("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nno!"),
       Ending::kRefused},
      {"NamesAProtocolOf255Bytes", "51", Babbles(std::string(300, '\xff')), Ending::kRefused},
      {"SaysNothing", "51", Babbles(""), Ending::kStays},
      {"DripsItsHandshake", "51", Drips(hello), Ending::kStays},
      {"HangsUpMidwayThroughTheHandshake", "51 67", Babbles(hello.substr(0, 15), /*then_hangs_up=*/true),
       Ending::kStays},
      {"HangsUpAtOnce", "67", Babbles("", /*then_hangs_up=*/true), Ending::kStays},
      {"HangsUpAfterTheHandshake", "54 67", Babbles(hello, /*then_hangs_up=*/true), Ending::kStays},
      {"SetsAllReservedBits", "53", Blurts(all_bits + v2), Ending::kStays},
      {"NoiseAfterTheHandshake", "40", Blurts(hello + noise), Ending::kDropped, ""},
  };
}

}  // namespace torrent::test
