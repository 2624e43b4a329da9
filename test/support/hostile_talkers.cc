// Who says what no peer may say: lengths, indices, order, and too many changes of mind. Hazards 36 to 46.
#include "base/limits.h"
#include "test/support/hostile_peers.h"
#include "wire/bitfield.h"

namespace torrent::test {

namespace {

using namespace hostile;  // NOLINT: made for these files

std::string BitfieldOf(size_t bytes, char last) {
  std::string bits(bytes, '\xff');
  bits.back() = last;
  return MessageOf(static_cast<uint32_t>(bytes) + 1, 5, bits);
}

std::string RequestOf(uint32_t piece_index, uint32_t begin, uint32_t length) {
  return Bytes(wire::EncodeRequest, piece_index, begin, length);
}

std::vector<HostilePeer> WrongLengths(const Payload& payload) {
  const size_t bytes = (payload.piece_count() + 7) / 8;
  return {
      {"LengthPrefixOf4GiB", "40", Says(MessageOf(0xffffffff, 7, "")), Ending::kDropped, "over the limit"},
      {"LengthPrefixOver1MiB", "40", Says(MessageOf(kMaxIgnoredMessageBytes + 1, 99, "")), Ending::kDropped,
       "over the limit"},
      {"PieceShorterThanItsHeader", "41", Says(MessageOf(8, 7, "1234567")), Ending::kDropped,
       "piece: message length 8"},
      {"PieceLongerThanABlock", "40", Says(MessageOf(9 + 16385, 7, "")), Ending::kDropped,
       "piece: message length 16394"},
      {"HaveTooShort", "38", Says(MessageOf(4, 4, "123")), Ending::kDropped, "have: message length 4"},
      {"ChokeWithPayload", "40", Says(MessageOf(2, 0, "1")), Ending::kDropped, "choke: message length 2"},
      {"BitfieldTooLong", "39", BeginsWith(BitfieldOf(bytes + 1, '\0')), Ending::kDropped, "bitfield: message length"},
      {"BitfieldTooShort", "39", BeginsWith(BitfieldOf(bytes - 1, '\xff')), Ending::kDropped,
       "bitfield: message length"},
      {"BitfieldWithSpareBits", "39", BeginsWith(BitfieldOf(bytes, '\xff')), Ending::kDropped, "spare"},
  };
}

std::vector<HostilePeer> OutOfRange(const Payload& payload) {
  const uint32_t pieces = payload.piece_count(), piece_bytes = payload.PieceBytes(0);
  const std::string count = std::to_string(pieces);
  return {
      {"HaveOutOfRange", "36 38", Says(Bytes(wire::EncodeHave, pieces)), Ending::kDropped,
       "have: piece " + count + " is not in [0, " + count + ")"},
      {"HaveOfMinusOne", "36 37", Says(Bytes(wire::EncodeHave, 0xffffffffu)), Ending::kDropped,
       "have: piece 4294967295"},
      {"AllowedFastOutOfRange", "36", Says(Bytes(wire::EncodeAllowedFast, pieces), true), Ending::kDropped,
       "allowed fast"},
      {"SuggestOutOfRange", "36", Says(Bytes(wire::EncodeSuggestPiece, pieces), true), Ending::kDropped,
       "suggest piece"},
      {"RequestOfNoPiece", "36 42", Says(RequestOf(pieces, 0, 16384)), Ending::kDropped, "request: piece " + count},
      {"RequestBeginOverflows", "42", Says(RequestOf(0, 0xffffc000, 16384)), Ending::kDropped, "beyond any piece"},
      {"RequestBeyondItsPiece", "42", Says(RequestOf(0, piece_bytes - 16384, 16385)), Ending::kDropped, "length 16385"},
      {"RequestBeginsAtTheEnd", "42", Says(RequestOf(0, piece_bytes, 1)), Ending::kDropped,
       "begin " + std::to_string(piece_bytes)},
      {"RequestOfNothing", "42", Says(RequestOf(0, 0, 0)), Ending::kDropped, "length 0"},
      {"RequestOf256KiB", "42", Says(RequestOf(0, 0, 256 * 1024)), Ending::kDropped, "length 262144"},
      {"CancelOutOfRange", "42", Says(Bytes(wire::EncodeCancel, pieces, 0u, 16384u)), Ending::kDropped,
       "cancel: piece " + count},
      {"RejectOutOfRange", "36", Says(Bytes(wire::EncodeRejectRequest, pieces, 0u, 16384u), true), Ending::kDropped,
       "reject request: piece " + count},
  };
}

std::vector<HostilePeer> WrongOrder(const Payload& payload) {
  std::string bitfield;
  wire::EncodeBitfield(wire::Bitfield::AllSet(payload.piece_count()), &bitfield);
  const std::string choke = Bytes(wire::EncodeChoke), unchoke = Bytes(wire::EncodeUnchoke);
  const std::string interested = Bytes(wire::EncodeInterested), lost_interest = Bytes(wire::EncodeNotInterested);
  const std::string have_all = Bytes(wire::EncodeHaveAll), have_none = Bytes(wire::EncodeHaveNone);
  return {
      // aria2 1.36 sends it late, and again in place of many `have`s: put up with, until it is a flood.
      {"BitfieldTwice", "39", BeginsWith(bitfield + bitfield), Ending::kStays},
      {"BitfieldAfterHaveAll", "39", Says(bitfield, /*fast=*/true), Ending::kStays},
      {"BitfieldLate", "39", BeginsWith(interested + Bytes(wire::EncodeHave, 0u) + unchoke + bitfield), Ending::kStays},
      {"FloodsBitfields", "39 44", BeginsWith(Times(101, bitfield)), Ending::kDropped, "", Role::kListens},
      {"HaveNoneAfterHaveAll", "39", BeginsWith(have_all + have_none, /*fast=*/true), Ending::kDropped,
       "have none after", Role::kListens},
      {"HaveAllTwice", "39", BeginsWith(have_all + have_all, /*fast=*/true), Ending::kDropped, "have all after",
       Role::kListens},
      {"SpeaksFastWhereNobodyAgreed", "53",
       Says(have_none + Bytes(wire::EncodeRejectRequest, 0u, 0u, 16384u) + Bytes(wire::EncodeAllowedFast, 0u)),
       Ending::kStays},
      {"FlapsChoke", "44", Says(Times(60, unchoke + choke)), Ending::kDropped, "choke and interest changes"},
      {"FlapsInterest", "44", Says(Times(60, interested + lost_interest)), Ending::kDropped,
       "choke and interest changes"},
      {"RepeatsInterested", "44", Says(Times(101, interested)), Ending::kDropped, "choke and interest changes"},
      {"RepeatsUnchoke", "44", Says(Times(101, unchoke)), Ending::kDropped, "choke and interest changes"},
      {"RejectsWhatWasNotAsked", "46", Says(Bytes(wire::EncodeRejectRequest, 0u, 0u, 16384u), /*fast=*/true),
       Ending::kDropped, "not asked for"},
      // Unknown ids (v2 hashes that nobody asked for among them) are skipped.
      {"SaysWhatNobodyKnows", "53",
       Says(MessageOf(100'001, 99, std::string(100'000, 'x')) + MessageOf(50, 22, std::string(49, 'h')) +
            MessageOf(2, 20, std::string(1, '\0'))),
       Ending::kStays},
  };
}

}  // namespace

std::vector<HostilePeer> HostileTalkers(const Payload& payload) {
  std::vector<HostilePeer> all;
  for (auto* some : {WrongLengths, OutOfRange, WrongOrder}) {
    for (HostilePeer& peer : some(payload)) all.push_back(std::move(peer));
  }
  return all;
}

}  // namespace torrent::test
