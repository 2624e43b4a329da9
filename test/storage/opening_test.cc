#include "storage/opening.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

std::string Bits(const std::vector<bool>& bits) {
  std::string out;
  for (bool bit : bits) out.push_back(bit ? '1' : '0');
  return out;
}

std::vector<bool> FromBits(absl::string_view text) {
  std::vector<bool> bits;
  for (char c : text) bits.push_back(c == '1');
  return bits;
}

// Three files of 2500 bytes in pieces of 1000: pieces 2 and 5 (the borders at 2500 and 5000) belong to two files or
// begin one.      a: 0 1 2   b: 2 3 4   c: 5 6 7
class OpeningTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 3; i++) now_.files.push_back({true, 2500, 1000 + i});
    now_.wanted.assign(3, true);
    now_.in_part_file.assign(3, false);
    now_.device = 42;
    record_ = EmptyResumeRecord(*t_.metainfo);
    record_.files = now_.files;
    record_.pieces.assign(8, true);
    record_.device = 42;
    record_.output_dir = "/data";
  }
  Opening Decide(const ResumeRecord* record) {
    auto opening = DecideOpening(*t_.metainfo, t_.store->layout(), now_, record);
    EXPECT_TRUE(opening.ok()) << opening.status();
    return opening.ok() ? *opening : Opening();
  }

  TestTorrent t_{{{"t/a", 2500}, {"t/b", 2500}, {"t/c", 2500}}, 1000};
  FilesNow now_;
  ResumeRecord record_;
};

TEST_F(OpeningTest, ARecordOfARunThatEndedWellIsTrustedAtOnce) {
  record_.pieces = FromBits("11011101");
  record_.unfinished = {{2, {true}}};
  Opening opening = Decide(&record_);
  EXPECT_EQ(Bits(opening.have), "11011101");
  EXPECT_EQ(Bits(opening.must_hash), "00000000");
  EXPECT_EQ(Bits(opening.hash_before_serving), "00000000");
  EXPECT_EQ(opening.unfinished, record_.unfinished);
  EXPECT_FALSE(opening.needs_hashing());
}

TEST_F(OpeningTest, AChangedTimeOrSizeCostsTheFilesOwnPieces) {
  record_.pieces = FromBits("11101011");
  record_.unfinished = {{3, {true}}, {5, {true}}};
  for (FileStat changed : {FileStat{true, 2500, 7}, FileStat{true, 2501, 1001}}) {
    now_.files[1] = changed;
    Opening opening = Decide(&record_);
    EXPECT_EQ(Bits(opening.have), "11000011");
    EXPECT_EQ(Bits(opening.must_hash), "00111000");
    ASSERT_EQ(opening.unfinished.size(), 1u);
    EXPECT_EQ(opening.unfinished[0].piece_index, 5u);
  }
}

TEST_F(OpeningTest, AFileThatBecameShorterIsNotHashedBeyondItsEnd) {
  now_.files[1].size = 1000;  // bytes 2500 to 3500 of the torrent
  Opening opening = Decide(&record_);
  EXPECT_EQ(Bits(opening.have), "11000111");
  EXPECT_EQ(Bits(opening.must_hash), "00100000");
}

// libtorrent seed_mode, hazard 116: nothing is served from files that are gone.
TEST_F(OpeningTest, AMissingFileCostsItsPiecesWithoutHashing) {
  now_.files[1] = FileStat();
  Opening opening = Decide(&record_);
  EXPECT_EQ(Bits(opening.have), "11000111");
  EXPECT_FALSE(opening.needs_hashing());
}

// qBittorrent#13556, hazard 107.
TEST_F(OpeningTest, AfterABadEndRecordedPiecesCountAndAreHashedBeforeServing) {
  record_.running = true;
  record_.pieces = FromBits("11101110");
  record_.unfinished = {{3, {true}}};
  for (FileStat& file : now_.files) file.mtime_ns += 1'000'000;  // our own writing
  now_.files[2].size = 2600;
  Opening opening = Decide(&record_);
  EXPECT_EQ(Bits(opening.have), "11101110");
  EXPECT_EQ(Bits(opening.hash_before_serving), "11101110");
  EXPECT_FALSE(opening.needs_hashing());
  EXPECT_EQ(opening.unfinished, record_.unfinished);
  EXPECT_TRUE(opening.unknown_files.empty());
}

TEST_F(OpeningTest, AfterABadEndAFileThatLostBytesIsHashed) {
  record_.running = true;
  now_.files[0].size = 2400;
  now_.files[2] = FileStat();
  Opening opening = Decide(&record_);
  EXPECT_EQ(Bits(opening.have), "00011000");
  EXPECT_EQ(Bits(opening.must_hash), "11000000");
}

TEST_F(OpeningTest, AfterABadEndFilesThatTheRecordDoesNotKnowAreOurs) {
  record_.running = true;
  record_.files.assign(3, FileStat());
  record_.pieces.assign(8, false);
  Opening opening = Decide(&record_);
  EXPECT_TRUE(opening.unknown_files.empty());
  EXPECT_FALSE(opening.needs_hashing());
}

TEST_F(OpeningTest, WithoutARecordWhateverIsThereIsHashed) {
  now_.files[1] = FileStat();
  now_.files[2].size = 1500;
  Opening opening = Decide(nullptr);
  EXPECT_EQ(Bits(opening.have), "00000000");
  EXPECT_EQ(Bits(opening.must_hash), "11000100");
  EXPECT_EQ(opening.unknown_files, (std::vector<uint32_t>{0, 2}));
}

TEST_F(OpeningTest, WithNothingThereNothingIsHashed) {
  now_.files.assign(3, FileStat());
  Opening opening = Decide(nullptr);
  EXPECT_FALSE(opening.needs_hashing());
  EXPECT_TRUE(opening.unknown_files.empty());
}

TEST_F(OpeningTest, AFileThatAppearedAfterAGoodEndIsUnknown) {
  record_.files[1] = FileStat();
  record_.pieces = FromBits("11000111");
  Opening opening = Decide(&record_);
  EXPECT_EQ(opening.unknown_files, (std::vector<uint32_t>{1}));
  EXPECT_EQ(Bits(opening.must_hash), "00111000");
}

TEST_F(OpeningTest, AFileThatWasReplacedMayBeSomebodyElses) {
  now_.files[1].mtime_ns++;
  Opening opening = Decide(&record_);
  EXPECT_EQ(opening.unknown_files, (std::vector<uint32_t>{1}));
  record_.pieces = FromBits("11000111");  // it held nothing finished: nothing tells it from ours
  EXPECT_TRUE(Decide(&record_).unknown_files.empty());
}

// While we ran, so that neither time nor size says so.
TEST_F(OpeningTest, AFileThatIsKnownToBeReplacedIsHashedAndMayBeSomebodyElses) {
  record_.running = true;
  auto opening = DecideOpening(*t_.metainfo, t_.store->layout(), now_, &record_, {1});
  ASSERT_TRUE(opening.ok()) << opening.status();
  EXPECT_EQ(Bits(opening->must_hash), "00111000");
  EXPECT_EQ(Bits(opening->have), "11000111");
  EXPECT_EQ(opening->unknown_files, std::vector<uint32_t>{1});
}

TEST_F(OpeningTest, AFileThatMovedBetweenItsPlaceAndThePartFileIsHashed) {
  record_.in_part_file[1] = true;
  record_.files[1] = FileStat();
  record_.part_file = now_.part_file = {true, 5000, 9};
  Opening opening = Decide(&record_);
  EXPECT_EQ(Bits(opening.have), "11000111");
  EXPECT_EQ(Bits(opening.must_hash), "00111000");
  EXPECT_TRUE(opening.unknown_files.empty());
  now_.in_part_file[1] = true;
  now_.files[1] = FileStat();
  EXPECT_EQ(Bits(Decide(&record_).have), "11111111");
  now_.part_file.mtime_ns++;
  EXPECT_EQ(Bits(Decide(&record_).must_hash), "00111000");
  now_.part_file = FileStat();
  EXPECT_EQ(Bits(Decide(&record_).have), "11000111");
  EXPECT_FALSE(Decide(&record_).needs_hashing());
}

// qBittorrent#11936, hazard 112: the disk is not mounted.
TEST_F(OpeningTest, AllFilesGoneAndAnotherDeviceIsNoFreshStart) {
  now_.device = 43;
  EXPECT_EQ(Bits(Decide(&record_).have), "11111111") << "device numbers change; the files are there";
  now_.files.assign(3, FileStat());
  auto refused = DecideOpening(*t_.metainfo, t_.store->layout(), now_, &record_);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "/data is on another device (43) than before (42)"))
      << refused.status();
  now_.device = 42;
  EXPECT_EQ(Bits(Decide(&record_).have), "00000000") << "on the same device the user removed them";
}

// --- With files -----------------------------------------------------------------------------------------------------

TEST(OpenDownloadTest, HashesWhatIsThereAndKeepsWhatIsGood) {
  TestTorrent t({{"t/a", 2500}, {"t/b", 2500}}, 1000);
  t.PutFile(0);
  std::string bytes = t.FileBytes(1);
  bytes[1000] ^= 1;
  WriteFile(t.dir / "t/b", bytes);
  uint64_t hashed = 0;
  OpeningOptions options;
  options.progress = [&](uint64_t done, uint64_t) {
    hashed = done;
    return true;
  };
  auto opening = OpenDownload(t.store.get(), nullptr, options);
  ASSERT_TRUE(opening.ok()) << opening.status();
  EXPECT_EQ(Bits(opening->have), "11101");
  EXPECT_EQ(hashed, 5000u);
  std::vector<uint32_t> synced;
  ASSERT_OK(t.store->SyncDirty(&synced));
  EXPECT_EQ(synced.size(), 2u) << "what hashing found need not be on the disk yet";
}

TEST(OpenDownloadTest, SomebodyElsesFileIsLeftAloneUnlessOverwrite) {
  TestTorrent t({{"t/a", 2000}, {"t/b", 2000}}, 1000);
  t.PutFile(0);
  WriteFile(t.dir / "t/b", "my thesis");
  EXPECT_EQ(OpenDownload(t.store.get(), nullptr, {}).status(),
            absl::AlreadyExistsError(
                absl::StrCat(t.dir / "t/b", " exists and holds nothing of this torrent; --overwrite replaces it")));
  EXPECT_EQ(t.OnDisk(1), "my thesis");
  OpeningOptions overwrite;
  overwrite.overwrite = true;
  auto opening = OpenDownload(t.store.get(), nullptr, overwrite);
  ASSERT_TRUE(opening.ok()) << opening.status();
  EXPECT_EQ(Bits(opening->have), "1100");
  EXPECT_EQ(t.OnDisk(1), "my thesis");
}

TEST(OpenDownloadTest, SomebodyElsesFileThatIsNotWantedIsNobodysBusiness) {
  TestTorrent t({{"t/a", 1500}, {"t/b", 1500}}, 1000);
  t.PutFile(0);
  WriteFile(t.dir / "t/b", "my thesis");
  t.Open({true, false});
  auto opening = OpenDownload(t.store.get(), nullptr, {});
  ASSERT_TRUE(opening.ok()) << opening.status();
  EXPECT_EQ(Bits(opening->have), "100");
  ASSERT_OK(t.WritePiece(1));
  EXPECT_EQ(t.OnDisk(1), "my thesis");
  EXPECT_EQ(t.Read(1000, 1000), t.bytes.substr(1000, 1000));
}

TEST(OpenDownloadTest, AnEmptyFileIsNobodysLoss) {
  TestTorrent t({{"t/a", 1500}}, 1000);
  ASSERT_EQ(mkdir((t.dir / "t").c_str(), 0777), 0);
  WriteFile(t.dir / "t/a", "");
  EXPECT_OK(OpenDownload(t.store.get(), nullptr, {}).status());
}

TEST(OpenDownloadTest, ALinkInTheWayIsRefused) {
  TestTorrent t({{"t/a", 1500}}, 1000);
  TempDir elsewhere;
  ASSERT_EQ(symlink(elsewhere.path().c_str(), (t.dir / "t").c_str()), 0);
  absl::Status status = OpenDownload(t.store.get(), nullptr, {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "/t is a symbolic link")) << status;
}

TEST(OpenDownloadTest, AFileThatIsWantedNowComesHomeFromThePartFile) {
  TestTorrent t({{"t/a", 1500}, {"t/b", 1500}}, 1000);
  t.Open({true, false});
  ASSERT_OK(t.WritePiece(0));
  ASSERT_OK(t.WritePiece(1));
  ResumeRecord record = EmptyResumeRecord(*t.metainfo);
  FilesNow then = *LookAtFiles(*t.store);
  record.files = then.files;
  record.in_part_file = then.in_part_file;
  record.part_file = then.part_file;
  record.device = then.device;
  record.pieces = FromBits("110");
  t.Open();
  auto opening = OpenDownload(t.store.get(), &record, {});
  ASSERT_TRUE(opening.ok()) << opening.status();
  EXPECT_EQ(Bits(opening->have), "110");
  EXPECT_EQ(t.OnDisk(1), t.FileBytes(1).substr(0, 500));
}

TEST(OpenDownloadTest, IsCancelledByProgress) {
  TestTorrent t({{"t/a", 1500}}, 1000);
  t.PutFile(0);
  OpeningOptions options;
  options.progress = [](uint64_t, uint64_t) { return false; };
  EXPECT_TRUE(absl::IsCancelled(OpenDownload(t.store.get(), nullptr, options).status()));
}

}  // namespace
}  // namespace torrent
