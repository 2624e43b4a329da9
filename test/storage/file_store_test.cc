#include "storage/file_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "storage/iovec_cursor.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

constexpr uint32_t kPiece = 1000;  // no power of two, so that borders fall anywhere

int OpenDescriptors() {
  int count = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir) != nullptr) count++;
  closedir(dir);
  return count;
}

TEST(IovecCursorTest, WalksOverBordersAndEmptyParts) {
  std::string a = "abc", b, c = "defgh";
  const iovec list[] = {{b.data(), 0}, {a.data(), 3}, {b.data(), 0}, {c.data(), 5}};
  IovecCursor cursor(list);
  iovec out[4];
  cursor.Advance(2);
  ASSERT_EQ(cursor.Gather(3, absl::MakeSpan(out)), 2u);
  EXPECT_EQ(absl::string_view(static_cast<char*>(out[0].iov_base), out[0].iov_len), "c");
  EXPECT_EQ(absl::string_view(static_cast<char*>(out[1].iov_base), out[1].iov_len), "de");
  EXPECT_EQ(cursor.Gather(100, absl::MakeSpan(out, 1)), 1u) << "no more than fit into the answer";
  cursor.Advance(6);
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(cursor.Gather(1, absl::MakeSpan(out)), 0u);
}

TEST(FileStoreTest, WritesAndReadsOverFileBorders) {
  // Sizes 0, 1, piece - 1, piece, piece + 1.
  TestTorrent t({{"t/empty", 0}, {"t/one", 1}, {"t/a/short", 999}, {"t/a/even", 1000}, {"t/b/c/long", 1001}}, kPiece);
  for (uint32_t piece = 0; piece < t.metainfo->piece_count; piece++) ASSERT_OK(t.WritePiece(piece));
  for (size_t i = 1; i < 5; i++) EXPECT_EQ(t.OnDisk(i), t.FileBytes(i)) << i;
  EXPECT_EQ(t.Read(0, t.bytes.size()), t.bytes);
  EXPECT_EQ(t.Read(500, 1700), t.bytes.substr(500, 1700));
  EXPECT_FALSE(Exists(t.dir / "t/empty"));
  ASSERT_OK(t.store->CreateEmptyFiles());
  EXPECT_TRUE(Exists(t.dir / "t/empty"));
}

TEST(FileStoreTest, GathersManySmallPartsInOrder) {
  TestTorrent t({{"t/a", 700}, {"t/b", 4300}}, kPiece);
  Random random(1);
  std::vector<iovec> parts;
  for (size_t at = 0; at < t.bytes.size();) {
    size_t size = std::min<size_t>(random.Below(5), t.bytes.size() - at);  // thousands, some empty: over IOV_MAX
    parts.push_back({&t.bytes[at], size});
    at += size;
  }
  ASSERT_GT(parts.size(), 1024u);
  ASSERT_OK(t.store->WriteRun(0, parts));
  EXPECT_EQ(t.OnDisk(0), t.FileBytes(0));
  EXPECT_EQ(t.OnDisk(1), t.FileBytes(1));
}

TEST(FileStoreTest, PadsAreZerosThatAreNeverStored) {
  TestTorrent t({{"t/a", 600}, {"t/.pad/400", 400, /*pad=*/true}, {"t/b", 100}}, kPiece);
  std::string garbage(1100, 'g');
  iovec part = {garbage.data(), garbage.size()};
  ASSERT_OK(t.store->WriteRun(0, absl::MakeConstSpan(&part, 1)));
  EXPECT_EQ(t.Read(0, 1100), std::string(600, 'g') + std::string(400, '\0') + std::string(100, 'g'));
  EXPECT_FALSE(Exists(t.dir / "t/.pad"));
  EXPECT_EQ(SizeOf(t.dir / "t/a"), 600u);
  EXPECT_EQ(SizeOf(t.dir / "t/b"), 100u);
}

TEST(FileStoreTest, AFileAppearsWithItsFirstByteAndIsSparse) {
  TestTorrent t({{"t/a", 10'000'000}, {"t/b", 10}}, 1 << 20);
  EXPECT_FALSE(Exists(t.dir / "t"));
  ASSERT_OK(t.Write(9'000'000, 1000));
  struct stat info;
  ASSERT_EQ(stat((t.dir / "t/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 9'001'000);
  EXPECT_LT(info.st_blocks * 512, 1'000'000);
  EXPECT_FALSE(Exists(t.dir / "t/b"));
}

TEST(FileStoreTest, BytesOfUnwantedFilesGoToThePartFileAndComeBack) {
  TestTorrent t({{"t/a", 500}, {"t/b", 200}, {"t/c", 800}}, kPiece);
  t.Open({true, false, true});
  ASSERT_OK(t.WritePiece(0));
  ASSERT_OK(t.WritePiece(1));
  EXPECT_EQ(t.OnDisk(0), t.FileBytes(0));
  EXPECT_EQ(t.OnDisk(2), t.FileBytes(2));
  EXPECT_FALSE(Exists(t.dir / "t/b"));
  EXPECT_EQ(t.Read(0, 1500), t.bytes);
  EXPECT_EQ(ReadFile(t.state / "test.part").substr(500), t.FileBytes(1));
  EXPECT_TRUE(t.store->in_part_file(1));
  EXPECT_EQ(*t.store->Stat(1), FileStat());
  EXPECT_TRUE(t.store->StatPartFile()->exists);

  // Wanted in the next run: its bytes move into its own file.
  t.Open();
  ASSERT_OK(t.store->BringHome({false, true, false}));
  EXPECT_EQ(t.OnDisk(1), t.FileBytes(1));
  EXPECT_EQ(t.Read(0, 1500), t.bytes);
}

TEST(FileStoreTest, AnUnwantedFileThatExistsIsUsedWhereItLies) {
  TestTorrent t({{"t/a", 500}, {"t/b", 500}}, kPiece);
  t.PutFile(1);
  t.Open({true, false});
  EXPECT_FALSE(t.store->in_part_file(1));
  EXPECT_EQ(t.Read(500, 500), t.FileBytes(1));
  t.store->UsePartFile(1);
  WriteFile(t.dir / "t/b", "somebody else's");
  ASSERT_OK(t.WritePiece(0));
  EXPECT_EQ(t.OnDisk(1), "somebody else's");
  EXPECT_EQ(t.Read(0, 1000), t.bytes);
}

// qBittorrent#4153, hazard 113: files deleted or cut while they are in use.
TEST(FileStoreTest, MissingAndShortFilesAreToldApartAndNamed) {
  TestTorrent t({{"t/a", 500}, {"t/b", 500}}, kPiece);
  EXPECT_EQ(t.Read(0, 500), absl::StrCat("NOT_FOUND: open ", t.dir / "t", ": No such file or directory"));
  t.PutFile(0);
  t.PutFile(1);
  EXPECT_EQ(t.Read(0, 1000), t.bytes);
  ASSERT_EQ(truncate((t.dir / "t/b").c_str(), 100), 0);
  EXPECT_EQ(t.Read(0, 1000), absl::StrCat("DATA_LOSS: ", t.dir / "t/b", " is too short: ends before byte 500"));
  EXPECT_EQ(t.Read(500, 100), t.FileBytes(1).substr(0, 100));
}

TEST(FileStoreTest, ALongerFileIsNeverCut) {
  TestTorrent t({{"t/a", 500}}, kPiece);
  ASSERT_EQ(mkdir((t.dir / "t").c_str(), 0777), 0);
  WriteFile(t.dir / "t/a", std::string(800, 'x'));
  ASSERT_OK(t.WritePiece(0));
  ASSERT_OK(t.store->Allocate());
  ASSERT_OK(t.store->SyncDirty());
  EXPECT_EQ(t.OnDisk(0), t.bytes + std::string(300, 'x'));
}

// Transmission#2391, hazard 117: offsets of more than 32 bits.
TEST(FileStoreTest, OffsetsBeyondFourGibiByteInTorrentAndFile) {
  TestTorrent t({{"t/small", 10}}, kPiece);
  constexpr uint64_t kHuge = 6'000'000'000;
  t.metainfo->files = {{"t/huge", 0, kHuge}, {"t/after", kHuge, 1000}};
  t.metainfo->total_length = kHuge + 1000;
  t.metainfo->piece_length = 1 << 20;
  t.metainfo->piece_count = static_cast<uint32_t>((t.metainfo->total_length + (1 << 20) - 1) >> 20);
  t.Open();
  std::string text = "beyond four gibibytes";
  iovec part = {text.data(), text.size()};
  const uint64_t offset = kHuge - 5;  // over the border of the files too
  ASSERT_OK(t.store->WriteRun(offset, absl::MakeConstSpan(&part, 1)));
  EXPECT_EQ(t.Read(offset, text.size()), text);
  EXPECT_EQ(SizeOf(t.dir / "t/huge"), kHuge);
  EXPECT_EQ(ReadFile(t.dir / "t/after"), text.substr(5));
  EXPECT_FALSE(t.store->Probe(0, 1 << 20).data);
  auto range = t.store->Lease(kHuge - 5, 100);
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->offset, kHuge - 5);
  EXPECT_EQ(range->length, 5u);
}

TEST(FileStoreTest, ThousandsOfFilesWithSixtyFourDescriptors) {
  std::vector<TestFile> files;
  for (int i = 0; i < 5000; i++) files.push_back({absl::StrCat("t/", i % 50, "/", i), static_cast<uint64_t>(i % 7)});
  TestTorrent t(files, 4096);
  const int before = OpenDescriptors();
  for (uint32_t piece = 0; piece < t.metainfo->piece_count; piece++) ASSERT_OK(t.WritePiece(piece));
  ASSERT_OK(t.store->CreateEmptyFiles());
  EXPECT_LE(OpenDescriptors() - before, 64);
  EXPECT_EQ(t.pool.open_count(), 64u);
  EXPECT_EQ(t.Read(0, t.bytes.size()), t.bytes);
  ASSERT_OK(t.store->SyncDirty());
  for (size_t i = 0; i < files.size(); i += 499) EXPECT_EQ(t.OnDisk(i), t.FileBytes(i)) << i;
  t.store.reset();
  EXPECT_EQ(t.pool.open_count(), 0u);
}

TEST(FileStoreTest, LeasesOneFileAtATimeAndPadsWithoutADescriptor) {
  TestTorrent t({{"t/a", 600}, {"t/.pad/400", 400, /*pad=*/true}, {"t/b", 100}, {"t/c", 300}}, kPiece);
  t.Open({true, true, true, false});
  ASSERT_OK(t.Write(0, t.bytes.size()));
  auto a = t.store->Lease(100, 1000);
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(a->offset, 100u);
  EXPECT_EQ(a->length, 500u);
  char c;
  ASSERT_EQ(pread(a->file->fd.get(), &c, 1, 100), 1);
  EXPECT_EQ(c, t.bytes[100]);
  auto pad = t.store->Lease(600, 500);
  ASSERT_TRUE(pad.ok());
  EXPECT_EQ(pad->file, nullptr);
  EXPECT_EQ(pad->length, 400u);
  auto part = t.store->Lease(1150, 50);
  ASSERT_TRUE(part.ok());
  ASSERT_EQ(pread(part->file->fd.get(), &c, 1, static_cast<off_t>(part->offset)), 1);
  EXPECT_EQ(c, t.bytes[1150]);
  ASSERT_EQ(unlink((t.dir / "t/a").c_str()), 0);
  t.pool.Drop(t.store->folder());
  EXPECT_TRUE(absl::IsNotFound(t.store->Lease(0, 10).status()));
}

TEST(FileStoreTest, ProbeTellsHolesFromDataAndFromWhatIsMissing) {
  TestTorrent t({{"t/a", 3 << 20}, {"t/b", 1 << 20}}, 1 << 20);
  auto nothing = t.store->Probe(0, 1 << 20);
  EXPECT_FALSE(nothing.complete);
  EXPECT_FALSE(nothing.data);
  ASSERT_OK(t.WritePiece(2));
  auto hole = t.store->Probe(0, 1 << 20);
  EXPECT_TRUE(hole.complete);
  EXPECT_FALSE(hole.data);
  auto data = t.store->Probe(2 << 20, 1 << 20);
  EXPECT_TRUE(data.complete);
  EXPECT_TRUE(data.data);
  EXPECT_FALSE(t.store->Probe(2 << 20, 2 << 20).complete) << "the second file is missing";
}

TEST(FileStoreTest, AllocateReservesWhatIsWantedAlone) {
  TestTorrent t({{"t/a", 3 << 20}, {"t/b", 1 << 20}, {"t/c", 0}}, 1 << 20);
  t.Open({true, false, true});
  ASSERT_OK(t.store->Allocate());
  struct stat info;
  ASSERT_EQ(stat((t.dir / "t/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 3 << 20);
  EXPECT_GE(info.st_blocks * 512, 3 << 20);
  EXPECT_FALSE(Exists(t.dir / "t/b"));
}

TEST(FileStoreTest, AFullDiskIsNamedAndRoomMakesItGoOn) {
  SmallDisk disk("1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  TestTorrent t({{"t/a", 4 << 20}}, 1 << 20);
  FileStore::Options options;
  options.output_dir = disk.path();
  options.part_file = t.state / "test.part";
  options.pool = &t.pool;
  t.store = *FileStore::Open(t.metainfo, options);
  WriteFile(disk.path() + "/ballast", std::string(512 << 10, 'b'));
  absl::Status full = t.WritePiece(0);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_TRUE(absl::StrContains(full.message(), absl::StrCat("write ", disk.path(), "/t/a"))) << full;
  EXPECT_TRUE(absl::StrContains(full.message(), absl::StrCat("small-disk on ", disk.path(), ": 0 B of 1.0 MB free")))
      << full;
  EXPECT_TRUE(absl::IsResourceExhausted(t.store->Allocate()));
  ASSERT_EQ(unlink((disk.path() + "/ballast").c_str()), 0);
  ASSERT_EQ(truncate((disk.path() + "/t/a").c_str(), 0), 0);  // what the attempt to reserve all has taken
  t.store = *FileStore::Open(t.metainfo, options);            // to the other one it was cut by somebody
  EXPECT_OK(t.Write(0, 900 << 10));
  EXPECT_EQ(t.Read(0, 900 << 10), t.bytes.substr(0, 900 << 10));
  t.store.reset();
}

TEST(FileStoreTest, AFileSizeLimitIsAnErrorWithThePathAndNoFullDisk) {
  TestTorrent t({{"t/a", 100'000}}, kPiece);
  signal(SIGXFSZ, SIG_IGN);
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit low = {50'500, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  absl::Status before = t.Write(0, 50'000);
  absl::Status across = t.Write(50'000, 1000);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_OK(before);
  EXPECT_FALSE(across.ok());
  EXPECT_FALSE(absl::IsResourceExhausted(across)) << across;
  EXPECT_TRUE(absl::StrContains(across.message(), absl::StrCat("write ", t.dir / "t/a", ": File too large"))) << across;
  EXPECT_EQ(t.OnDisk(0), t.bytes.substr(0, 50'500)) << "the short write was continued up to the limit";
}

// libtorrent read_only, hazard 114.
TEST(FileStoreTest, AReadOnlyDiskCanBeReadAndTheErrorNamesThePath) {
  SmallDisk disk("8m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  TestTorrent t({{"t/a", 1000}, {"t/empty", 0}, {"t/b", 1000}}, kPiece);
  ASSERT_EQ(mkdir((disk.path() + "/t").c_str(), 0777), 0);
  WriteFile(disk.path() + "/t/a", t.FileBytes(0));
  WriteFile(disk.path() + "/t/empty", "");
  ASSERT_EQ(mount("", disk.path().c_str(), "", MS_REMOUNT | MS_RDONLY, ""), 0);
  FileStore::Options options;
  options.output_dir = disk.path();
  options.part_file = t.state / "test.part";
  options.pool = &t.pool;
  t.store = *FileStore::Open(t.metainfo, options);
  EXPECT_EQ(t.Read(0, 1000), t.FileBytes(0));
  EXPECT_OK(t.store->CreateEmptyFiles());
  t.store->NoteUnsynced(0);
  EXPECT_OK(t.store->SyncDirty());
  EXPECT_TRUE(absl::StrContains(t.store->Allocate().message(), "/t/b: Read-only file system")) << "but not /t/a";
  absl::Status status = t.WritePiece(0);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(absl::StrContains(status.message(), disk.path() + "/t/a: Read-only file system")) << status;
  EXPECT_TRUE(absl::StrContains(t.WritePiece(1).message(), "/t/b: Read-only file system")) << t.WritePiece(1);
  t.store.reset();
}

TEST(FileStoreTest, AMissingOutputFolderIsMadeOnlyWhenAllowed) {
  TestTorrent t({{"t/a", 10}}, kPiece);
  FileStore::Options options;
  options.output_dir = t.dir / "new/folder";
  options.create_output_dir = false;
  options.part_file = t.state / "test.part";
  options.pool = &t.pool;
  EXPECT_TRUE(absl::IsNotFound(FileStore::Open(t.metainfo, options).status()));
  EXPECT_FALSE(Exists(t.dir / "new"));
  options.create_output_dir = true;
  EXPECT_OK(FileStore::Open(t.metainfo, options).status());
  EXPECT_TRUE(Exists(t.dir / "new/folder"));
  options.wanted = {true, true};
  EXPECT_TRUE(absl::IsInvalidArgument(FileStore::Open(t.metainfo, options).status()));
}

TEST(FileStoreTest, SyncAnswersWhatItSyncedOnce) {
  TestTorrent t({{"t/a", 500}, {"t/b", 500}, {"t/c", 500}}, kPiece);
  t.Open({true, false, true});
  ASSERT_OK(t.WritePiece(0));
  std::vector<uint32_t> synced;
  ASSERT_OK(t.store->SyncDirty(&synced));
  std::sort(synced.begin(), synced.end());
  EXPECT_EQ(synced, (std::vector<uint32_t>{0, 3})) << "the first file and the part file";
  ASSERT_OK(t.store->SyncDirty(&synced));
  EXPECT_TRUE(synced.empty());
  t.store->NoteUnsynced(2);
  t.store->StartWriteback();
  EXPECT_FALSE(t.store->SyncDirty(&synced).ok()) << "it does not exist";
}

TEST(FileStoreTest, AFileThatIsRemovedBeforeItIsSyncedIsLostForGood) {
  TestTorrent t({{"t/a", 500}, {"t/b", 500}}, kPiece);
  ASSERT_OK(t.WritePiece(0));
  ASSERT_EQ(unlink((t.dir / "t/b").c_str()), 0);
  absl::Status status = t.store->SyncDirty();
  EXPECT_EQ(status, absl::DataLossError(absl::StrCat(t.dir / "t/b", " was removed or replaced while it was written")));
  ASSERT_OK(t.WritePiece(0));
  EXPECT_EQ(t.store->SyncDirty(), status) << "what was written before stays lost";
  EXPECT_EQ(t.store->loss(), status);
  EXPECT_TRUE(t.store->replaced_files().empty());
}

// Hazard 113. A write beyond the new end would make it long again, with zeros in place of pieces that count.
TEST(FileStoreTest, AFileThatIsCutIsNotMadeLongAgain) {
  TestTorrent t({{"t/a", 3 * kPiece}}, kPiece);
  ASSERT_OK(t.WritePiece(0));
  ASSERT_OK(t.WritePiece(1));
  ASSERT_EQ(truncate((t.dir / "t/a").c_str(), 100), 0);
  const absl::Status cut = t.WritePiece(2);
  EXPECT_TRUE(absl::IsDataLoss(cut)) << cut;
  EXPECT_EQ(SizeOf(t.dir / "t/a"), 100u);
  EXPECT_EQ(t.store->SyncDirty(), cut) << "nothing of it may be recorded";
}

TEST(FileStoreTest, AFileThatTookTheOtherPlaceIsToldApart) {
  TestTorrent t({{"t/a", 500}, {"t/b", 500}}, kPiece);
  ASSERT_OK(t.WritePiece(0));
  ASSERT_EQ(rename((t.dir / "t/b").c_str(), (t.dir / "t/kept").c_str()), 0);
  WriteFile(t.dir / "t/b", std::string(500, 'x'));
  EXPECT_TRUE(absl::IsDataLoss(t.store->SyncDirty()));
  EXPECT_EQ(t.store->replaced_files(), std::vector<uint32_t>{1});
}

TEST(FileStoreTest, WhatLiesInAFilesPlaceIsALoss) {
  TestTorrent t({{"t/a", 500}, {"t/b", 500}}, kPiece);
  ASSERT_OK(t.WritePiece(0));
  ASSERT_EQ(unlink((t.dir / "t/b").c_str()), 0);
  ASSERT_EQ(symlink("/etc/hostname", (t.dir / "t/b").c_str()), 0);
  const absl::Status status = t.store->SyncDirty();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(t.store->loss(), status);
}

// Hazard 112.
TEST(FileStoreTest, AFolderThatIsNotInItsPlaceIsNotSynced) {
  TestTorrent t({{"down/t/a", 500}}, kPiece);
  FileStore::Options options;
  options.output_dir = t.dir / "here";
  options.pool = &t.pool;
  auto store = FileStore::Open(t.metainfo, options);
  ASSERT_TRUE(store.ok());
  ASSERT_OK((*store)->SyncDirty());
  ASSERT_EQ(rename((t.dir / "here").c_str(), (t.dir / "there").c_str()), 0);
  const absl::Status status = (*store)->SyncDirty();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  ASSERT_EQ(rename((t.dir / "there").c_str(), (t.dir / "here").c_str()), 0);
  EXPECT_EQ((*store)->SyncDirty(), status) << "what was written meanwhile nobody can tell";
}

}  // namespace
}  // namespace torrent
