// Who gives blocks that are wrong, unasked, late or never. Hazards 46, 47, 52, 54. All of them are asked only where
// they have something: who dials a seeder never is, but for those who send unasked.
#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/random.h"
#include "test/support/hostile_peers.h"

namespace torrent::test {

namespace {

using namespace hostile;  // NOLINT: made for these files
using wire::Message;

bool SendCorrupt(Line& line, const Message& request) {
  std::string bytes(line.payload().Block(request.piece_index, request.begin, request.length));
  bytes[bytes.size() / 2] ^= 1;
  line.Delivered();
  return line.SendBlock(request.piece_index, request.begin, bytes);
}

// Spoils the `first` block that it is asked for on a connection, and then each `every`th (0: no more).
Manner Lies(size_t first, size_t every) {
  return Answers([first, every](Line& line, const Message& request) {
    const size_t n = line.requests();
    const bool lies = n == first || (n > first && every > 0 && (n - first) % every == 0);
    return lies ? SendCorrupt(line, request) : line.SendBlock(request);
  });
}

bool SendTwice(Line& line, const Message& request) {
  if (!line.SendBlock(request) || !line.SendBlock(request)) return false;
  line.Delivered();
  return true;
}

bool SendHalfAndLeave(Line& line, const Message& request) {
  std::string bytes;
  wire::EncodePieceHeader(request.piece_index, request.begin, request.length, &bytes);
  absl::StrAppend(&bytes, line.payload().Block(request.piece_index, request.begin, request.length / 2));
  line.Send(bytes);
  line.Delivered();
  return false;
}

bool SendHalves(Line& line, const Message& request) {
  line.Delivered();
  return line.SendBlock(request.piece_index, request.begin,
                        line.payload().Block(request.piece_index, request.begin, request.length / 2));
}

bool SendShifted(Line& line, const Message& request) {
  line.Delivered();
  return line.SendBlock(request.piece_index, request.begin + 1,
                        line.payload().Block(request.piece_index, request.begin, request.length - 1));
}

bool SendAnother(Line& line, const Message& request) {
  const uint32_t other = (request.piece_index + 1) % line.payload().piece_count();
  const uint32_t length = std::min(request.length, line.payload().PieceBytes(other));
  line.Delivered();
  return line.SendBlock(other, 0, line.payload().Block(other, 0, length));
}

bool Stall(Line& line, const Message&) {
  line.Delivered();
  return true;
}

bool Reject(Line& line, const Message& request) {
  line.Delivered();
  return line.Send(Bytes(wire::EncodeRejectRequest, request.piece_index, request.begin, request.length));
}

bool RejectAndSend(Line& line, const Message& request) { return Reject(line, request) && line.SendBlock(request); }

// Each request meets a choke, and the next unchoke invites to ask again.
bool ChokeAndUnchoke(Line& line, const Message&) {
  line.Delivered();
  return line.Send(Bytes(wire::EncodeChoke) + Bytes(wire::EncodeUnchoke));
}

bool ChokeForGood(Line& line, const Message&) {
  line.Delivered();
  return line.Send(Bytes(wire::EncodeChoke));
}

// The head of the block, and then a byte each 20 ms: a live line that takes five minutes a block.
bool DripBlock(Line& line, const Message& request) {
  std::string bytes;
  wire::EncodePieceHeader(request.piece_index, request.begin, request.length, &bytes);
  if (!line.Send(bytes)) return false;
  line.Delivered();
  for (char byte : line.payload().Block(request.piece_index, request.begin, request.length)) {
    if (!line.Send(absl::string_view(&byte, 1)) || line.peer().WaitClosed(std::chrono::milliseconds(20))) return false;
  }
  return true;
}

// Answers a few requests and hangs up at some byte of the next block; each connection at another one, by a fixed seed.
Manner HangsUpAtRandom() {
  auto random = std::make_shared<Random>(54);
  return Answers([random](Line& line, const Message& request) {
    if (random->Below(6) != 0) return line.SendBlock(request);
    std::string bytes;
    wire::EncodePieceHeader(request.piece_index, request.begin, request.length, &bytes);
    absl::StrAppend(&bytes, line.payload().Block(request.piece_index, request.begin, request.length));
    line.Send(bytes.substr(0, random->Below(bytes.size())));
    line.Delivered();
    return false;
  });
}

// The whole torrent, before anybody asked.
Manner SendsAllUnasked() {
  Manner manner;
  manner.introduce = [](Line& line) {
    if (!line.SayPieces()) return false;
    for (uint32_t piece = 0; piece < line.payload().piece_count(); piece++) {
      for (uint32_t begin = 0; begin < line.payload().PieceBytes(piece); begin += kBlockBytes) {
        const uint32_t length = std::min(kBlockBytes, line.payload().PieceBytes(piece) - begin);
        if (!line.SendBlock(piece, begin, line.payload().Block(piece, begin, length))) break;
      }
    }
    line.Delivered();
    return true;
  };
  return manner;
}

}  // namespace

std::vector<HostilePeer> HostileGivers(const Payload& payload) {
  const std::string no_bytes(kBlockBytes, '\0');
  const uint32_t pieces = payload.piece_count(), piece_bytes = payload.PieceBytes(0);
  const std::string none = "not asked for";
  return {
      {"UnaskedBlocks", "46", Says(Times(51, Block(0, 0, no_bytes))), Ending::kDropped, none},
      {"UnaskedBlocksThatAreRight", "46", SendsAllUnasked(), Ending::kDropped, none},
      {"EmptyBlocks", "46", Says(Times(51, Block(0, 0, ""))), Ending::kDropped, none},
      {"BlocksOutOfThePiece", "46", Says(Times(51, Block(0, piece_bytes, no_bytes))), Ending::kDropped, none},
      {"BlockOfNoPiece", "36 46", Says(Block(pieces, 0, no_bytes)), Ending::kDropped,
       "piece: piece " + std::to_string(pieces)},
      {"BlockBeginOverflows", "42 46", Says(Block(0, 0xffffc000, no_bytes)), Ending::kDropped, "beyond any piece"},
      {"EveryBlockTwice", "46", Answers(SendTwice), Ending::kDropped, none, Role::kListens},
      {"EveryBlockShifted", "46", Answers(SendShifted), Ending::kStays, "", Role::kListens},
      {"EveryBlockHalf", "46", Answers(SendHalves), Ending::kStays, "", Role::kListens},
      {"EveryBlockAnother", "46", Answers(SendAnother), Ending::kStays, "", Role::kListens},
      {"EveryBlockCorrupt", "47", Lies(1, 1), Ending::kBanned, "bytes that the piece does not have", Role::kListens},
      {"OneBlockCorrupt", "47", Lies(3, 0), Ending::kBanned, "bytes that the piece does not have", Role::kListens},
      {"OneBlockOfFiveCorrupt", "47", Lies(2, 5), Ending::kBanned, "bytes that the piece does not have",
       Role::kListens},
      {"HangsUpMidwayThroughABlock", "54", Answers(SendHalfAndLeave), Ending::kLeaves, "closed by the peer",
       Role::kListens},
      {"HangsUpAtRandom", "54 67", HangsUpAtRandom(), Ending::kLeaves, "closed by the peer", Role::kListens},
      {"MuteAfterUnchoke", "52", Answers(Stall), Ending::kStays, "", Role::kListens},
      {"DripsItsBlocks", "52", Answers(DripBlock), Ending::kStays, "", Role::kListens},
      {"ChokesAtEachRequest", "44 52", Answers(ChokeAndUnchoke), Ending::kDropped, "choke and interest changes",
       Role::kListens},
      {"ChokesAfterTheFirstRequest", "44 52", Answers(ChokeForGood), Ending::kStays, "", Role::kListens},
      {"RejectsEverything", "52", Answers(Reject, /*fast=*/true), Ending::kDropped, "rejected", Role::kListens},
      {"RejectsAndSendsAllTheSame", "46", Answers(RejectAndSend, /*fast=*/true), Ending::kStays, "", Role::kListens},
  };
}

}  // namespace torrent::test
