// Downloads from peers that break the protocol, each beside an honest one that holds back until the fault was
// delivered: the download is whole, who broke the rules is gone (or banned, where it sent wrong bytes), and the honest
// one never is. Hazards 36 to 46 and 49 to 53; among them CVE-2014-4909, CVE-2007-1385, aiotorrent#29, rakshasa
// 61e8f7b6 and what libtorrent's fake peers do.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"
#include "wire/bitfield.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;

enum class Ending {
  kDropped,  // established, then ended by us
  kBanned,   // the same, and it may not come back
  kRefused,  // ended by us before it counted as connected
  kStays,    // its fault is put up with
  kLeaves,   // it hangs up itself
};

struct Fault {
  friend void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
  std::string name;
  Manner manner;
  Ending ending;
  std::string reason = "";  // part of the reason that the event tells
};

constexpr uint32_t kPieceLength = 64 * kKiB;
constexpr uint32_t kPieces = 21;  // three bytes of bitfield, with three spare bits

std::string MessageOf(uint32_t length_prefix, uint8_t id, absl::string_view rest) {
  std::string bytes;
  AppendBE32(&bytes, length_prefix);
  bytes.push_back(static_cast<char>(id));
  return absl::StrCat(bytes, rest);
}

std::string Times(int count, const std::string& bytes) {
  std::string all;
  for (int i = 0; i < count; i++) all += bytes;
  return all;
}

std::string WholeBitfield() {
  std::string bytes;
  wire::EncodeBitfield(wire::Bitfield::AllSet(kPieces), &bytes);
  return bytes;
}

// Says these bytes in place of what it has.
Manner BeginsWith(const std::string& bytes, bool fast = false) {
  Manner manner;
  manner.name = "faulty";
  manner.fast = fast;
  manner.introduce = [bytes](Line& line) {
    if (!line.Send(bytes)) return false;
    line.Delivered();
    return true;
  };
  return manner;
}

// Says that it has everything, and then these bytes.
Manner Says(const std::string& bytes, bool fast = false) {
  return BeginsWith((fast ? Bytes(wire::EncodeHaveAll) : WholeBitfield()) + bytes, fast);
}

Manner Answers(std::function<bool(Line&, const wire::Message&)> answer, bool fast = false) {
  Manner manner;
  manner.name = "faulty";
  manner.fast = fast;
  manner.answer = std::move(answer);
  return manner;
}

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

bool Corrupt(Line& line, const wire::Message& request) {
  std::string bytes(line.payload().Block(request.piece_index, request.begin, request.length));
  bytes[bytes.size() / 2] ^= 1;
  line.Delivered();
  return line.SendBlock(request.piece_index, request.begin, bytes);
}

bool SendTwice(Line& line, const wire::Message& request) {
  if (!line.SendBlock(request) || !line.SendBlock(request)) return false;
  line.Delivered();
  return true;
}

bool SendHalfAndLeave(Line& line, const wire::Message& request) {
  std::string bytes;
  wire::EncodePieceHeader(request.piece_index, request.begin, request.length, &bytes);
  absl::StrAppend(&bytes, line.payload().Block(request.piece_index, request.begin, request.length / 2));
  line.Send(bytes);
  line.Delivered();
  return false;
}

bool Stall(Line& line, const wire::Message&) {
  line.Delivered();
  return true;
}

bool Reject(Line& line, const wire::Message& request) {
  line.Delivered();
  return line.Send(Bytes(wire::EncodeRejectRequest, request.piece_index, request.begin, request.length));
}

bool SendShifted(Line& line, const wire::Message& request) {
  line.Delivered();
  return line.SendBlock(request.piece_index, request.begin + 1,
                        line.payload().Block(request.piece_index, request.begin, request.length - 1));
}

std::string Request(uint32_t piece_index, uint32_t begin, uint32_t length) {
  return Bytes(wire::EncodeRequest, piece_index, begin, length);
}

std::string Block(uint32_t piece_index, uint32_t begin, const std::string& bytes) {
  return Bytes(wire::EncodePieceHeader, piece_index, begin, static_cast<uint32_t>(bytes.size())) + bytes;
}

std::vector<Fault> Faults() {
  const std::string no_bytes(16 * kKiB, '\0');
  const std::string choke = Bytes(wire::EncodeChoke), unchoke = Bytes(wire::EncodeUnchoke);
  const std::string interested = Bytes(wire::EncodeInterested), lost_interest = Bytes(wire::EncodeNotInterested);
  return {
      // Lengths (hazards 40, 41; libtorrent packet_too_large).
      {"LengthPrefixOf4GiB", Says(MessageOf(0xffffffff, 7, "")), Ending::kDropped, "over the limit"},
      {"LengthPrefixOver1MiB", Says(MessageOf(kMiB + 1, 99, "")), Ending::kDropped, "over the limit"},
      {"PieceShorterThanItsHeader", Says(MessageOf(8, 7, "1234567")), Ending::kDropped, "piece: message length 8"},
      {"PieceLongerThanABlock", Says(MessageOf(9 + 16385, 7, "")), Ending::kDropped, "piece: message length 16394"},
      {"HaveTooShort", Says(MessageOf(4, 4, "123")), Ending::kDropped, "have: message length 4"},
      {"ChokeWithPayload", Says(MessageOf(2, 0, "1")), Ending::kDropped, "choke: message length 2"},
      // What it has (hazards 36 to 39).
      {"BitfieldTooLong", BeginsWith(MessageOf(5, 5, "\xff\xff\xff\xff")), Ending::kDropped,
       "bitfield: message length"},
      {"BitfieldTooShort", BeginsWith(MessageOf(3, 5, "\xff\xff")), Ending::kDropped, "bitfield: message length"},
      {"BitfieldWithSpareBits", BeginsWith(MessageOf(4, 5, "\xff\xff\xff")), Ending::kDropped, "spare"},
      // aria2 1.36 sends it late, and again in place of many `have`s: put up with, until it is a flood.
      {"BitfieldTwice", Says(WholeBitfield()), Ending::kStays},
      {"BitfieldAfterHaveAll", Says(WholeBitfield(), /*fast=*/true), Ending::kStays},
      {"FloodsBitfields", Says(Times(101, WholeBitfield())), Ending::kDropped, "choke and interest changes"},
      {"HaveNoneAfterHaveAll", Says(Bytes(wire::EncodeHaveNone), /*fast=*/true), Ending::kDropped, "have none after"},
      {"HaveOutOfRange", Says(Bytes(wire::EncodeHave, kPieces)), Ending::kDropped, "have: piece 21 is not in [0, 21)"},
      {"HaveOfMinusOne", Says(Bytes(wire::EncodeHave, 0xffffffffu)), Ending::kDropped, "have: piece 4294967295"},
      {"AllowedFastOutOfRange", Says(Bytes(wire::EncodeAllowedFast, kPieces), true), Ending::kDropped, "allowed fast"},
      {"SuggestOutOfRange", Says(Bytes(wire::EncodeSuggestPiece, kPieces), true), Ending::kDropped, "suggest piece"},
      // Requests to us (hazard 42).
      {"RequestOfNoPiece", Says(Request(kPieces, 0, 16384)), Ending::kDropped, "request: piece 21"},
      {"RequestBeginOverflows", Says(Request(0, 0xffffc000, 16384)), Ending::kDropped, "beyond any piece"},
      {"RequestBeyondItsPiece", Says(Request(0, kPieceLength - 16384, 16385)), Ending::kDropped, "length 16385"},
      {"RequestBeginsAtTheEnd", Says(Request(0, kPieceLength, 1)), Ending::kDropped, "begin 65536"},
      {"RequestOfNothing", Says(Request(0, 0, 0)), Ending::kDropped, "length 0"},
      {"RequestOf256KiB", Says(Request(0, 0, 256 * kKiB)), Ending::kDropped, "length 262144"},
      {"CancelOutOfRange", Says(Bytes(wire::EncodeCancel, kPieces, 0u, 16384u)), Ending::kDropped, "cancel: piece 21"},
      // Blocks (hazards 46, 47).
      {"UnaskedBlocks", Says(Times(51, Block(0, 0, no_bytes))), Ending::kDropped, "not asked for"},
      {"EmptyBlocks", Says(Times(51, Block(0, 0, ""))), Ending::kDropped, "not asked for"},
      {"BlocksOutOfThePiece", Says(Times(51, Block(0, kPieceLength, no_bytes))), Ending::kDropped, "not asked for"},
      {"BlockOfNoPiece", Says(Block(kPieces, 0, no_bytes)), Ending::kDropped, "piece: piece 21"},
      {"BlockBeginOverflows", Says(Block(0, 0xffffc000, no_bytes)), Ending::kDropped, "beyond any piece"},
      {"EveryBlockTwice", Answers(SendTwice), Ending::kDropped, "not asked for"},
      {"EveryBlockShifted", Answers(SendShifted), Ending::kStays},
      {"EveryBlockCorrupt", Answers(Corrupt), Ending::kBanned, "bytes that the piece does not have"},
      {"HangsUpMidwayThroughABlock", Answers(SendHalfAndLeave), Ending::kLeaves, "closed by the peer"},
      {"Stalls", Answers(Stall), Ending::kStays},
      // Fast extension (BEP 6).
      {"RejectsEverything", Answers(Reject, /*fast=*/true), Ending::kDropped, "rejected"},
      {"RejectsWhatWasNotAsked", Says(Bytes(wire::EncodeRejectRequest, 0u, 0u, 16384u), /*fast=*/true),
       Ending::kDropped, "not asked for"},
      // Flapping (hazard 44).
      {"FlapsChoke", Says(Times(60, unchoke + choke)), Ending::kDropped, "choke and interest changes"},
      {"FlapsInterest", Says(Times(60, interested + lost_interest)), Ending::kDropped, "choke and interest changes"},
      // Handshakes (hazards 49, 51).
      {"HasOurPeerId", Greets([](const wire::Handshake& theirs, wire::Handshake) { return theirs; }), Ending::kRefused},
      {"ServesAnotherTorrent", Greets([](const wire::Handshake&, wire::Handshake ours) {
         ours.infohash.bytes[0] ^= 1;
         return ours;
       }),
       Ending::kRefused},
      {"SpeaksHttp", Babbles("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nno"),
       Ending::kRefused},
      {"HangsUpMidwayThroughTheHandshake",
       Babbles("\x13"
               "BitTorrent pro",
               /*then_hangs_up=*/true),
       Ending::kStays},
      {"SaysNothing", Babbles(""), Ending::kStays},
      // What is odd and harmless (hazard 53: unknown ids, v2 hashes that nobody asked for).
      {"FloodsKeepAlives", Says(std::string(400'000, '\0')), Ending::kStays},
      {"SaysWhatNobodyKnows",
       Says(MessageOf(100'001, 99, std::string(100'000, 'x')) + MessageOf(50, 22, std::string(49, 'h')) +
            MessageOf(2, 20, std::string(1, '\0'))),
       Ending::kStays},
  };
}

class FaultyPeer : public ::testing::TestWithParam<Fault> {};

TEST_P(FaultyPeer, CostsTheDownloadNothing) {
  const Fault& fault = GetParam();
  const Payload payload("faults.bin", 20 * kPieceLength + 1000, kPieceLength);
  ASSERT_EQ(payload.piece_count(), kPieces);
  ScriptedSeeder faulty(&payload, fault.manner, "127.0.0.2");
  ScriptedSeeder honest(&payload, {}, "127.0.0.3");
  faulty.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {faulty.address(), honest.address()});

  ASSERT_TRUE(faulty.WaitDelivered());
  if (fault.ending == Ending::kRefused) {
    EXPECT_TRUE(faulty.WaitHungUpOn(1));
  } else if (fault.ending != Ending::kStays) {
    absl::optional<PeerGoneEvent> gone = session.events().WaitGone(faulty.address());
    ASSERT_TRUE(gone.has_value());
    EXPECT_TRUE(absl::StrContains(gone->reason.message(), fault.reason)) << gone->reason;
    EXPECT_EQ(gone->banned, fault.ending == Ending::kBanned);
    EXPECT_EQ(fault.ending == Ending::kLeaves || faulty.WaitHungUpOn(1), true);
  }
  honest.Open();
  ASSERT_TRUE(session.WaitDone());
  ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_FALSE(session.events().WasBanned(honest.address()));
  if (fault.ending == Ending::kRefused) {
    EXPECT_EQ(faulty.connections(), 1);
    EXPECT_FALSE(session.events().Wait<PeerConnectedEvent>(
        [&faulty](const PeerConnectedEvent& peer) { return peer.endpoint == faulty.address(); }, Duration{}));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, FaultyPeer, ::testing::ValuesIn(Faults()),
                         [](const ::testing::TestParamInfo<Fault>& fault) { return fault.param.name; });

}  // namespace
}  // namespace torrent::test
