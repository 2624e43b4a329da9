// Pieces of two blocks from several peers in turn: what only many bytes can show (hashing out of turn, evidence against
// liars, cancels), with the bytes made here. First byte: the world (session_world.h, Mode). Then two bytes an act:
// what, and of which block.
#include "base/limits.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/reader.h"
#include "test/fuzz/support/session_world.h"
#include "wire/message.h"

namespace torrent::fuzz {
namespace {

constexpr int kMaxPeers = 5;
constexpr size_t kMaxBlocks = 24;  // of an input: each is 16 KiB to be sent, hashed and written

}  // namespace

FUZZ_TARGET(peer_blocks) {
  const Torrent& torrent = BlockyTorrent();
  Reader reader(input);
  SessionWorld world(torrent, reader.Byte());
  size_t blocks = 0;
  for (uint8_t peer = 1; peer <= kMaxPeers && !reader.empty(); peer++) {
    std::vector<std::string> portions = {world.HandshakeOf(peer)};
    for (bool stays = true; stays && !reader.empty() && portions.size() < 100;) {
      const uint8_t act = reader.Byte() & 15;
      const uint32_t which = reader.Byte() % 6;
      const uint32_t piece = which / 2, begin = which % 2 * kBlockBytes;
      const size_t offset = which * size_t{kBlockBytes};
      const auto length = static_cast<uint32_t>(std::min<size_t>(kBlockBytes, torrent.bytes.size() - offset));
      std::string* out = &portions.emplace_back();
      switch (act) {
        case 0:
          wire::EncodeHaveAll(out);
          break;
        case 1:
          wire::EncodeHaveNone(out);
          break;
        case 2:
          wire::EncodeHave(piece, out);
          break;
        case 3:
          wire::EncodeChoke(out);
          break;
        case 4:
          wire::EncodeUnchoke(out);
          break;
        case 5:
          wire::EncodeInterested(out);
          break;
        case 6:
          wire::EncodeRequest(piece, begin, length, out);
          break;
        case 7:
          wire::EncodeCancel(piece, begin, length, out);
          break;
        case 8:
          wire::EncodeRejectRequest(piece, begin, length, out);
          break;
        case 9:
          stays = false;
          break;
        default:
          if (++blocks > kMaxBlocks) break;
          wire::EncodePieceHeader(piece, begin, length, out);
          out->append(torrent.bytes, offset, length);
          if (act >= 14) out->back() = '!';               // a liar
          if (act == 13) out->resize(out->size() - 100);  // and one that loses its place
      }
    }
    world.RunIncoming(std::move(portions));
  }
}

}  // namespace torrent::fuzz
