// Peers that send other bytes than the torrent has, among honest ones: they are found out and banned, soon, and nobody
// else is (hazard 47: libtorrent's smart ban, rakshasa#793, TorrServer#95, where seeders were banned for a liar).
#include <gtest/gtest.h>

#include <list>

#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"
#include "wire/bitfield.h"

namespace torrent::test {
namespace {

using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;

// All pieces but the last, or the last alone: somebody else keeps it until the liar is found out, so that the download
// does not end before.
bool SayPieces(Line& line, bool last) {
  wire::Bitfield pieces(line.payload().piece_count());
  for (uint32_t piece = 0; piece < pieces.size(); piece++) {
    if ((piece + 1 == pieces.size()) == last) pieces.Set(piece);
  }
  std::string bytes;
  wire::EncodeBitfield(pieces, &bytes);
  return line.Send(bytes);
}

Manner Keeper() {
  Manner manner;
  manner.name = "keeper";
  manner.introduce = [](Line& line) { return SayPieces(line, /*last=*/true); };
  return manner;
}

// Spoils each `every`th block.
Manner Liar(size_t every) {
  Manner manner;
  manner.name = "liar";
  manner.introduce = [](Line& line) { return SayPieces(line, /*last=*/false); };
  manner.answer = [every](Line& line, const wire::Message& request) {
    if (line.requests() % every != 0) return line.SendBlock(request);
    std::string bytes(line.payload().Block(request.piece_index, request.begin, request.length));
    bytes[0] ^= 0x40;
    line.Delivered();
    return line.SendBlock(request.piece_index, request.begin, bytes);
  };
  return manner;
}

struct Case {
  const char* name;
  uint64_t length;
  uint32_t piece_length;
  size_t spoils_every;
  int lies_first;      // so many before the honest ones begin
  size_t most_failed;  // pieces
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class OneLiarOfTen : public ::testing::TestWithParam<Case> {};

TEST_P(OneLiarOfTen, IsBannedSoonAndNobodyElseIs) {
  // Of the large pieces two, in which everybody has a share before the first is judged; of the small ones so many that
  // nobody helps with another's before the liar has sent all of its first. Where it does, at the end of a small
  // download, all those fail that were under way when the first was found out, and may be more than three.
  const Payload payload("poison.bin", GetParam().length, GetParam().piece_length);
  ScriptedSeeder keeper(&payload, Keeper(), "127.0.0.3");
  ScriptedSeeder liar(&payload, Liar(GetParam().spoils_every), "127.0.0.2");
  std::list<ScriptedSeeder> honest;
  std::vector<std::string> peers = {liar.address(), keeper.address()};
  for (int i = 0; i < 9; i++) {
    Manner manner;
    manner.name = absl::StrCat("honest ", i);
    manner.introduce = [](Line& line) { return SayPieces(line, /*last=*/false); };
    // Nobody is faster than the liar's first lies, so that it gets its chance.
    manner.answer = [&liar](Line& line, const wire::Message& request) {
      return (line.requests() > 1 || liar.WaitDelivered(GetParam().lies_first)) && line.SendBlock(request);
    };
    honest.emplace_back(&payload, manner, absl::StrCat("127.0.0.", 10 + i));
    peers.push_back(honest.back().address());
    honest.back().Open();
  }
  liar.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, peers);

  ASSERT_TRUE(liar.WaitHungUpOn(1));
  keeper.Open();
  ASSERT_TRUE(session.WaitDone());
  ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_GT(liar.delivered(), 0);
  EXPECT_TRUE(session.events().WasBanned(liar.address()));
  const size_t failed = session.events().Count(PieceEvent::What::kFailed);
  EXPECT_GE(failed, 1u);
  EXPECT_LE(failed, GetParam().most_failed);
  for (const PieceEvent& piece : session.events().All<PieceEvent>()) {
    EXPECT_TRUE(piece.what != PieceEvent::What::kFailed || liar.RequestsOf(piece.piece_index) > 0) << piece.piece_index;
  }
  for (const ScriptedSeeder& peer : honest) EXPECT_FALSE(session.events().WasBanned(peer.address()));
}

INSTANTIATE_TEST_SUITE_P(Poison, OneLiarOfTen,
                         ::testing::Values(Case{"PiecesOfOnePipeline", 32 * kMiB + 1, 512 * kKiB, 1, 32, 3},
                                           Case{"TheEndOfASmallDownload", 8 * kMiB + 1, 512 * kKiB, 1, 1, 17},
                                           Case{"SharedPieces", 4 * kMiB + 1, 2 * kMiB, 1, 1, 3},
                                           Case{"SharedPiecesOneBlockOfFive", 4 * kMiB + 1, 2 * kMiB, 5, 1, 3}),
                         [](const ::testing::TestParamInfo<Case>& info) { return info.param.name; });

// A peer that is banned is not asked for anything any more, and nobody dials it again.
TEST(Poison, TheBannedIsNotDialledAgain) {
  const Payload payload("poison.bin", 40 * 64 * kKiB, 64 * kKiB);
  ScriptedSeeder liar(&payload, Liar(1), "127.0.0.2");
  ScriptedSeeder honest(&payload, {}, "127.0.0.3");
  liar.Open();
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {liar.address(), honest.address()});
  ASSERT_TRUE(session.events().WaitGone(liar.address()).has_value());
  ASSERT_TRUE(liar.WaitHungUpOn(1));
  // Who left in peace is dialled again after 10 to 12.5 s: longer than that.
  EXPECT_FALSE(session.events().WaitFor(
      [&](const Event& event) {
        const auto* peer = absl::get_if<PeerConnectedEvent>(&event.what);
        return peer != nullptr && peer->endpoint == liar.address() && liar.connections() > 1;
      },
      std::chrono::milliseconds(13500)));
  EXPECT_EQ(liar.connections(), 1);
  EXPECT_LE(session.events().Count(PieceEvent::What::kFailed), 3u);
  honest.Open();
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

}  // namespace
}  // namespace torrent::test
