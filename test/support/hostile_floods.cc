// Who says what a peer may say, without end or without ever listening. Hazards 40, 43 to 45, 52.
#include <chrono>

#include "base/limits.h"
#include "test/support/hostile_peers.h"

namespace torrent::test {

namespace {

using namespace hostile;  // NOLINT: made for these files

// A request of every block, in turn.
std::string RequestsOfAll(const Payload& payload) {
  std::string bytes;
  for (uint32_t piece = 0; piece < payload.piece_count() && bytes.size() < 17 * 600; piece++) {
    for (uint32_t begin = 0; begin + kBlockBytes <= payload.PieceBytes(piece); begin += kBlockBytes) {
      wire::EncodeRequest(piece, begin, kBlockBytes, &bytes);
    }
  }
  return bytes;
}

std::string HavesOfAll(const Payload& payload) {
  std::string bytes;
  for (uint32_t piece = 0; piece < payload.piece_count(); piece++) wire::EncodeHave(piece, &bytes);
  return bytes;
}

// Waits to be unchoked, asks for more than it may, and takes nothing of it.
Manner AsksAndNeverReads(const std::string& requests, bool fast) {
  Manner manner;
  manner.fast = fast;
  manner.introduce = [requests](Line& line) {
    if (!line.SayPieces() || !line.Send(Bytes(wire::EncodeInterested))) return false;
    if (!line.peer().Expect(wire::MessageId::kUnchoke)) return false;
    line.Delivered();
    while (line.Send(requests) && line.Pause(std::chrono::milliseconds(1))) {
    }
    return false;
  };
  return manner;
}

// Interested, unchoked, and then asleep on its place (hazard 48's other side: who takes nothing takes a slot).
Manner SitsOnItsSlot() {
  Manner manner;
  manner.introduce = [](Line& line) {
    if (!line.SayPieces() || !line.Send(Bytes(wire::EncodeInterested))) return false;
    line.Delivered();
    line.ReadUntilClosed();
    return false;
  };
  return manner;
}

// Has the pieces that anybody may take without being unchoked sent again and again (BEP 6).
Manner TakesFastPiecesForEver() {
  Manner manner;
  manner.fast = true;
  manner.introduce = [](Line& line) {
    if (!line.SayPieces()) return false;
    const absl::optional<Received> allowed = line.peer().Expect(wire::MessageId::kAllowedFast);
    if (!allowed) return false;
    const uint32_t piece = allowed->head.piece_index;
    line.Delivered();
    while (line.Send(Bytes(wire::EncodeRequest, piece, 0u, std::min(kBlockBytes, line.payload().PieceBytes(piece))))) {
      if (!line.peer().Read()) break;
    }
    return false;
  };
  return manner;
}

}  // namespace

std::vector<HostilePeer> HostileFloods(const Payload& payload) {
  const uint32_t last = payload.piece_count() - 1;
  const std::string request = Bytes(wire::EncodeRequest, 0u, 0u, kBlockBytes);
  // Where piece 0 is one of the allowed-fast ones, so many are served before they count.
  const size_t too_many = kMaxRequestsWhileChoked + 1 + kMaxFastServings * (payload.PieceBytes(0) / kBlockBytes);
  const std::string cancel = Bytes(wire::EncodeCancel, last, 0u, payload.PieceBytes(last) % kBlockBytes + 1);
  return {
      {"FloodsKeepAlives", "44", Says(std::string(400'000, '\0')), Ending::kStays},
      {"FloodsHaves", "36 44", Pours(HavesOfAll(payload)), Ending::kStays},
      {"FloodsHavesOfOnePiece", "36 44", Pours(Bytes(wire::EncodeHave, 0u)), Ending::kStays},
      {"FloodsCancels", "43 44", Pours(cancel), Ending::kStays},
      {"FloodsRequestsAndCancels", "43 44", Pours(request + Bytes(wire::EncodeCancel, 0u, 0u, kBlockBytes)),
       Ending::kStays},
      {"FloodsPorts", "58", Pours(Bytes(wire::EncodePort, uint16_t{6881})), Ending::kStays},
      {"FloodsSuggestions", "44", Pours(Bytes(wire::EncodeSuggestPiece, last), /*fast=*/true), Ending::kStays},
      {"FloodsAllowedFast", "45", Pours(Bytes(wire::EncodeAllowedFast, last), /*fast=*/true), Ending::kStays},
      {"FloodsUnknownMessages", "40 53", Pours(MessageOf(16'385, 99, std::string(16'384, 'x'))), Ending::kStays},
      {"FloodsUnknownMessagesOf1MiB", "40 53",
       Pours(MessageOf(kMaxIgnoredMessageBytes, 99, std::string(kMaxIgnoredMessageBytes - 1, 'x'))), Ending::kStays},
      {"RequestsWhileChoked", "44", Says(Times(too_many, request)), Ending::kDropped, "requests while choked"},
      {"RequestsWhileChokedFast", "44", Says(Times(too_many, request), /*fast=*/true), Ending::kDropped,
       "requests while choked"},
      {"QueuesRequestsAndNeverReads", "43", AsksAndNeverReads(Times(10, RequestsOfAll(payload)), /*fast=*/false),
       Ending::kDropped, "queues more than", Role::kDials},
      {"QueuesRequestsAndNeverReadsFast", "43", AsksAndNeverReads(Times(10, RequestsOfAll(payload)), /*fast=*/true),
       Ending::kDropped, "does not read"},
      {"NeverReads", "43", Pours(std::string(4, '\0'), false, false, /*reads=*/false), Ending::kStays},
      {"SitsOnItsSlot", "48 52", SitsOnItsSlot(), Ending::kStays},
      {"TakesFastPiecesForEver", "45", TakesFastPiecesForEver(), Ending::kDropped, "requests while choked",
       Role::kDials},
  };
}

}  // namespace torrent::test
