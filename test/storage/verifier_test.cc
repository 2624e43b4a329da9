#include "storage/verifier.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "base/limits.h"
#include "base/sha1.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

std::string Letters(const absl::StatusOr<VerifyResult>& result) {
  if (!result.ok()) return result.status().ToString();
  std::string out;
  for (PieceCheck check : result->pieces) out.push_back(".GBM"[static_cast<int>(check)]);
  return out;
}

std::string VerifyLetters(const TestTorrent& t, VerifyOptions options = {}) {
  return Letters(Verify(t.store.get(), options));
}

TEST(VerifierTest, SmallPiecesOverFileBorders) {
  TestTorrent t({{"t/a", 2500}, {"t/.pad/500", 500, /*pad=*/true}, {"t/b", 1}, {"t/empty", 0}, {"t/c", 3000}}, 1000);
  for (size_t i : {size_t{0}, size_t{2}, size_t{4}}) t.PutFile(i);
  EXPECT_EQ(VerifyLetters(t), "GGGGGGG");
}

TEST(VerifierTest, PiecesLongerThanTheBufferAndALastOneThatIsNot) {
  TestTorrent t({{"t/a", 5 * kVerifyBufferBytes + 77}}, 2 * kVerifyBufferBytes);
  t.PutFile(0);
  EXPECT_EQ(VerifyLetters(t), "GGG");
}

TEST(VerifierTest, PiecesOfNoRoundSizeAndOfMoreThanTheReadAhead) {
  TestTorrent t({{"t/a", 9'000'001}}, 3'000'017);
  t.PutFile(0);
  std::string bytes = t.bytes;
  EXPECT_EQ(VerifyLetters(t), "GGG");
  bytes[8'999'999] ^= 1;
  WriteFile(t.dir / "t/a", bytes);
  EXPECT_EQ(VerifyLetters(t), "GGB");
}

TEST(VerifierTest, OneWrongBitIsItsOwnPiecesAlone) {
  TestTorrent t({{"t/a", 10'000}}, 1000);
  for (size_t at : {0u, 999u, 5000u, 9999u}) {
    std::string bytes = t.bytes;
    bytes[at] ^= 0x10;
    t.PutFile(0);
    WriteFile(t.dir / "t/a", bytes);
    std::string expected(10, 'G');
    expected[at / 1000] = 'B';
    EXPECT_EQ(VerifyLetters(t), expected) << at;
  }
}

TEST(VerifierTest, MissingAndShortFilesCostTheirOwnPieces) {
  TestTorrent t({{"t/a", 2500}, {"t/b", 2500}, {"t/c", 2500}}, 1000);
  t.PutFile(0);
  t.PutFile(2);
  EXPECT_EQ(VerifyLetters(t), "GGMMMGGG");
  t.PutFile(1);
  ASSERT_EQ(truncate((t.dir / "t/c").c_str(), 1200), 0);
  EXPECT_EQ(VerifyLetters(t), "GGGGGGMM");
}

TEST(VerifierTest, HolesAreMissingUnlessZerosBelongThere) {
  constexpr uint32_t kPiece = 1 << 20;
  TestTorrent t({{"t/a", 4 * kPiece}}, kPiece);
  t.PutFile(0);
  // Pieces 1 and 2 become holes; piece 2 should be zeros.
  const std::string zeros(kPiece, '\0');
  const std::string hash(Sha1::Of(zeros).Raw());
  t.metainfo->info_bytes.replace(40, 20, hash);
  ASSERT_EQ(truncate((t.dir / "t/a").c_str(), kPiece), 0);
  ASSERT_EQ(truncate((t.dir / "t/a").c_str(), 4 * kPiece), 0);
  t.Open();
  ASSERT_OK(t.WritePiece(3));
  EXPECT_EQ(VerifyLetters(t), "GMGG");
}

TEST(VerifierTest, OnlyWhatIsAskedFor) {
  TestTorrent t({{"t/a", 5000}}, 1000);
  t.PutFile(0);
  VerifyOptions options;
  options.pieces = {true, false, false, true, true};
  uint64_t total_seen = 0;
  options.progress = [&](uint64_t, uint64_t total) {
    total_seen = total;
    return true;
  };
  EXPECT_EQ(VerifyLetters(t, options), "G..GG");
  EXPECT_EQ(total_seen, 3000u);
}

TEST(VerifierTest, ProgressEndsWithAllOfIt) {
  TestTorrent t({{"t/a", 3'000'000}, {"t/missing", 1'000'000}}, 50'000);
  t.PutFile(0);
  uint64_t last = 0;
  bool falls = false;
  VerifyOptions options;
  options.progress = [&](uint64_t done, uint64_t total) {
    falls = falls || done < last || total != 4'000'000;
    last = done;
    return true;
  };
  EXPECT_EQ(VerifyLetters(t, options), std::string(60, 'G') + std::string(20, 'M'));
  EXPECT_EQ(last, 4'000'000u);
  EXPECT_FALSE(falls);
}

TEST(VerifierTest, GivesUpWhenProgressSaysSo) {
  TestTorrent t({{"t/a", 1000}}, 1000);
  t.PutFile(0);
  VerifyOptions options;
  options.progress = [](uint64_t, uint64_t) { return false; };
  EXPECT_TRUE(absl::IsCancelled(Verify(t.store.get(), options).status()));
}

TEST(VerifierTest, OneThreadAndManyAnswerTheSame) {
  TestTorrent t({{"t/a", 777'777}, {"t/b", 1}, {"t/c", 1'234'567}}, 16'384);
  for (size_t i = 0; i < 3; i++) t.PutFile(i);
  std::string bytes = t.FileBytes(2);
  bytes[600'000] ^= 1;
  WriteFile(t.dir / "t/c", bytes);
  VerifyOptions one, many;
  one.threads = 1;
  many.threads = 8;
  const std::string letters = VerifyLetters(t, one);
  EXPECT_EQ(std::count(letters.begin(), letters.end(), 'B'), 1);
  EXPECT_EQ(VerifyLetters(t, many), letters);
}

TEST(VerifierTest, ATorrentOfNoBytesIsDoneAtOnce) {
  TestTorrent t({{"t/empty", 0}}, 1000);
  EXPECT_EQ(VerifyLetters(t), "");
}

TEST(VerifierTest, SaysOfEachFileWhetherItIsWhole) {
  TestTorrent t({{"t/whole", 2000},
                 {"t/bad", 2000},
                 {"t/short", 2000},
                 {"t/missing", 2000},
                 {"t/.pad/1000", 1000, /*pad=*/true},
                 {"t/empty", 0}},
                1000);
  t.PutFile(0);
  t.PutFile(2);
  WriteFile(t.dir / "t/bad", std::string(2000, 'x'));
  ASSERT_EQ(truncate((t.dir / "t/short").c_str(), 1000), 0);
  auto result = Verify(t.store.get(), {});
  ASSERT_TRUE(result.ok());
  std::vector<FileState> checks = CheckFiles(*t.store, *result);
  using State = FileState::State;
  const State expected[] = {State::kWhole, State::kBad, State::kShort, State::kMissing, State::kWhole, State::kMissing};
  const uint32_t bad[] = {0, 2, 1, 2, 0, 0};
  for (size_t i = 0; i < 6; i++) {
    EXPECT_EQ(checks[i].state, expected[i]) << i;
    EXPECT_EQ(checks[i].bad_pieces, bad[i]) << i;
  }
  EXPECT_EQ(checks[2].size, 1000u);
  EXPECT_EQ(checks[1].pieces, 2u);
}

TEST(VerifierTest, OnePieceOnTheCallersThread) {
  TestTorrent t({{"t/a", 100'000}}, 50'000);
  t.PutFile(0);
  std::vector<uint8_t> buffer(16'384);
  EXPECT_OK(VerifyPiece(t.store.get(), 0, absl::MakeSpan(buffer)));
  std::string bytes = t.bytes;
  bytes[50'000] ^= 1;
  WriteFile(t.dir / "t/a", bytes);
  EXPECT_OK(VerifyPiece(t.store.get(), 0, absl::MakeSpan(buffer)));
  EXPECT_EQ(VerifyPiece(t.store.get(), 1, absl::MakeSpan(buffer)),
            absl::DataLossError("piece 1: what is on disk has another hash"));
  ASSERT_EQ(unlink((t.dir / "t/a").c_str()), 0);
  t.Open();
  EXPECT_TRUE(absl::IsNotFound(VerifyPiece(t.store.get(), 0, absl::MakeSpan(buffer))));
}

}  // namespace
}  // namespace torrent
