// Peers that keep to the protocol in ways that are seldom seen: a download from each of them alone is whole.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"
#include "wire/bitfield.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;

struct Odd {
  std::string name;
  Manner manner;
};

std::string HaveEach(const Payload& payload) {
  std::string bytes;
  for (uint32_t piece = 0; piece < payload.piece_count(); piece++) wire::EncodeHave(piece, &bytes);
  return bytes;
}

Manner TellsByHaves(bool fast) {
  Manner manner;
  manner.fast = fast;
  manner.introduce = [fast](Line& line) {
    line.Delivered();
    return line.Send(absl::StrCat(fast ? Bytes(wire::EncodeHaveNone) : "", HaveEach(line.payload())));
  };
  return manner;
}

// As aria2 1.36 does.
Manner TellsItsBitfieldLate() {
  Manner manner;
  manner.introduce = [](Line& line) {
    std::string bytes = Bytes(wire::EncodeInterested) + Bytes(wire::EncodeHave, 3u);
    wire::EncodeBitfield(wire::Bitfield::AllSet(line.payload().piece_count()), &bytes);
    line.Delivered();
    return line.Send(bytes);
  };
  return manner;
}

// Of every seven requests the last one meets a choke, which drops it (BEP 3) or rejects it (BEP 6).
Manner ChokesInMidPiece(bool fast) {
  Manner manner;
  manner.fast = fast;
  manner.answer = [fast](Line& line, const wire::Message& request) {
    if (line.requests() % 7 != 0) return line.SendBlock(request);
    line.Delivered();
    std::string bytes = Bytes(wire::EncodeChoke);
    if (fast) wire::EncodeRejectRequest(request.piece_index, request.begin, request.length, &bytes);
    wire::EncodeUnchoke(&bytes);
    return line.Send(bytes);
  };
  return manner;
}

Manner RejectsEverySecond() {
  Manner manner;
  manner.fast = true;
  manner.answer = [](Line& line, const wire::Message& request) {
    if (line.requests() % 2 == 0) return line.SendBlock(request);
    line.Delivered();
    return line.Send(Bytes(wire::EncodeRejectRequest, request.piece_index, request.begin, request.length));
  };
  return manner;
}

Manner SendsByteByByte() {
  Manner manner;
  manner.answer = [](Line& line, const wire::Message& request) {
    if (line.requests() > 2) return line.SendBlock(request);
    std::string bytes;
    wire::EncodePieceHeader(request.piece_index, request.begin, request.length, &bytes);
    absl::StrAppend(&bytes, line.payload().Block(request.piece_index, request.begin, request.length));
    for (char byte : bytes) {
      if (!line.Send(absl::string_view(&byte, 1))) return false;
    }
    line.Delivered();
    return true;
  };
  return manner;
}

// Never unchokes, but lets everybody have every piece (BEP 6).
Manner AllowsFastOnly() {
  Manner manner;
  manner.fast = true;
  manner.introduce = [](Line& line) {
    std::string bytes = Bytes(wire::EncodeHaveAll);
    for (uint32_t piece = 0; piece < line.payload().piece_count(); piece++) wire::EncodeAllowedFast(piece, &bytes);
    line.Delivered();
    return line.Send(bytes);
  };
  manner.unchoke = [](Line&) { return true; };
  return manner;
}

// Keeps requests back and answers each eight of them in reverse; what is left over goes at the next choke.
Manner AnswersInReverse() {
  Manner manner;
  auto kept = std::make_shared<std::vector<wire::Message>>();
  manner.answer = [kept](Line& line, const wire::Message& request) {
    kept->push_back(request);
    // The first go in pairs; the torrent's last requests one by one.
    if (kept->size() < 8 && line.requests() < 70) return true;
    if (kept->size() > 1) line.Delivered();
    while (!kept->empty()) {
      if (!line.SendBlock(kept->back())) return false;
      kept->pop_back();
    }
    return true;
  };
  return manner;
}

class OddPeer : public ::testing::TestWithParam<Odd> {};

TEST_P(OddPeer, GivesAWholeDownload) {
  const Payload payload("odd.bin", 20 * 64 * kKiB + 1, 64 * kKiB);
  ScriptedSeeder peer(&payload, GetParam().manner, "127.0.0.2");
  peer.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {peer.address()});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_GT(peer.delivered(), 0);
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_EQ(peer.connections(), 1);
  EXPECT_EQ(session.Status().corrupt_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(Of, OddPeer,
                         ::testing::Values(Odd{"HavesOnly", TellsByHaves(/*fast=*/false)},
                                           Odd{"HaveNoneThenHaves", TellsByHaves(/*fast=*/true)},
                                           Odd{"BitfieldAfterOtherMessages", TellsItsBitfieldLate()},
                                           Odd{"ChokesInMidPiece", ChokesInMidPiece(/*fast=*/false)},
                                           Odd{"ChokesInMidPieceFast", ChokesInMidPiece(/*fast=*/true)},
                                           Odd{"RejectsEverySecond", RejectsEverySecond()},
                                           Odd{"SendsByteByByte", SendsByteByByte()},
                                           Odd{"AllowsFastOnly", AllowsFastOnly()},
                                           Odd{"AnswersInReverse", AnswersInReverse()}),
                         [](const ::testing::TestParamInfo<Odd>& odd) { return odd.param.name; });

// Hazard 52: whoever holds the last blocks and went silent does not hold up the rest.
TEST(EndOfADownload, DoesNotWaitForWhoStalls) {
  const Payload payload("end.bin", 2 * kMiB, 256 * kKiB);
  Manner manner;
  manner.name = "stalls";
  manner.answer = [](Line& line, const wire::Message& request) {
    if (line.requests() <= 10) return line.SendBlock(request);
    line.Delivered();
    return true;
  };
  ScriptedSeeder staller(&payload, manner, "127.0.0.2"), honest(&payload, {}, "127.0.0.3");
  staller.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {staller.address(), honest.address()});
  ASSERT_TRUE(staller.WaitDelivered());
  const TimePoint stalled = Now();
  honest.Open();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_LT(Now() - stalled, std::chrono::seconds(10));  // 2 s are allowed
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

// BEP 3 names no such rule, but two connections of one peer would count it twice (hazard 50).
TEST(PeerIds, OfTwoConnectionsToOnePeerOneStays) {
  const Payload payload("twins.bin", 300 * kKiB, 64 * kKiB);
  Manner manner;
  manner.name = "twin";
  ScriptedSeeder first(&payload, manner, "127.0.0.2"), second(&payload, manner, "127.0.0.3");
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {first.address(), second.address()});
  // Whichever came later is sent away.
  ASSERT_TRUE(session.events().WaitFor(
      [](const Event& event) { return absl::get_if<PeerConnectedEvent>(&event.what) != nullptr; }));
  ASSERT_TRUE(first.WaitForConnections(1));
  ASSERT_TRUE(second.WaitForConnections(1));
  const bool first_stays = session.events().All<PeerConnectedEvent>()[0].endpoint == first.address();
  ASSERT_TRUE((first_stays ? second : first).WaitHungUpOn(1));
  first.Open();
  second.Open();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(session.events().All<PeerConnectedEvent>().size(), 1u);
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

}  // namespace
}  // namespace torrent::test
