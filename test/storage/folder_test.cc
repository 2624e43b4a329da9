#include "storage/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/file_system.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Folder::Open(dir_.path(), /*create=*/false);
    ASSERT_TRUE(opened.ok()) << opened.status();
    folder_ = *std::move(opened);
  }
  absl::Status Create(absl::string_view path) { return folder_->OpenFile(path, Folder::Access::kCreate).status(); }

  TempDir dir_;
  TempDir elsewhere_;
  std::unique_ptr<Folder> folder_;
};

TEST_F(FolderTest, MakesTheFoldersOnTheWayOneByOne) {
  ASSERT_OK(Create("a/b/c/file"));
  EXPECT_TRUE(Exists(dir_ / "a/b/c/file"));
  EXPECT_OK(folder_->SyncNewNames());
}

TEST_F(FolderTest, ReadingMakesNothing) {
  EXPECT_TRUE(absl::IsNotFound(folder_->OpenFile("a/file", Folder::Access::kRead).status()));
  EXPECT_TRUE(absl::IsNotFound(folder_->OpenFile("file", Folder::Access::kWrite).status()));
  EXPECT_FALSE(Exists(dir_ / "a"));
}

// CVE-2009-1760, CVE-2010-0012, CVE-2007-1384, hazards 1-3: names that lead out of the folder. Whole elements count,
// not substrings (hazard 5).
TEST_F(FolderTest, RefusesNamesThatLeadOutAndNoOthers) {
  for (const char* path : {"../evil", "a/../../evil", "..", ".", "", "/etc/evil", "a//b", "a/./b", "a/", "a/.."}) {
    absl::Status status = Create(path);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << path << ": " << status;
    EXPECT_TRUE(absl::IsInvalidArgument(folder_->Stat(path).status())) << path;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Create(absl::string_view("a\0b", 3))));
  for (const char* path : {"foo... bar", "..a", "a..", "...", ".a/.b"}) EXPECT_OK(Create(path));
}

// btfs#111, hazard 7: a link that somebody planted redirects what is written.
TEST_F(FolderTest, RefusesALinkAtTheEndAndOnTheWay) {
  WriteFile(elsewhere_ / "victim", "precious");
  ASSERT_EQ(symlink((elsewhere_ / "victim").c_str(), (dir_ / "file").c_str()), 0);
  ASSERT_EQ(symlink(elsewhere_.path().c_str(), (dir_ / "sub").c_str()), 0);
  ASSERT_EQ(symlink((elsewhere_ / "fresh").c_str(), (dir_ / "dangling").c_str()), 0);
  for (const char* path : {"file", "sub/victim", "sub/new", "dangling"}) {
    for (auto access : {Folder::Access::kRead, Folder::Access::kWrite, Folder::Access::kCreate}) {
      absl::Status status = folder_->OpenFile(path, access).status();
      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << path << ": " << status;
      EXPECT_TRUE(absl::StrContains(status.message(), "is a symbolic link")) << status;
    }
    EXPECT_TRUE(absl::IsFailedPrecondition(folder_->Stat(path).status())) << path;
  }
  EXPECT_EQ(ReadFile(elsewhere_ / "victim"), "precious");
  EXPECT_FALSE(Exists(elsewhere_ / "fresh"));
  EXPECT_FALSE(Exists(elsewhere_ / "new"));
}

TEST_F(FolderTest, ALinkAsTheFolderItselfIsTheUsersOwn) {
  ASSERT_EQ(symlink(elsewhere_.path().c_str(), (dir_ / "link").c_str()), 0);
  auto linked = Folder::Open(dir_ / "link", /*create=*/false);
  ASSERT_TRUE(linked.ok());
  EXPECT_OK((*linked)->OpenFile("file", Folder::Access::kCreate).status());
  EXPECT_TRUE(Exists(elsewhere_ / "file"));
  EXPECT_EQ((*linked)->canonical_path(), elsewhere_.path());
}

TEST_F(FolderTest, RefusesAtOnceWhateverIsNoRegularFile) {
  ASSERT_EQ(mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(mkdir((dir_ / "folder").c_str(), 0700), 0);
  UniqueFd listening(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", (dir_ / "socket").c_str());
  ASSERT_EQ(bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (const char* path : {"fifo", "folder", "socket"}) {
    for (auto access : {Folder::Access::kRead, Folder::Access::kWrite, Folder::Access::kCreate}) {
      absl::Status status = folder_->OpenFile(path, access).status();
      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << path << ": " << status;
      EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat(path, " is no regular file"))) << status;
    }
    EXPECT_TRUE(absl::IsFailedPrecondition(folder_->Stat(path).status())) << path;
  }
  ASSERT_OK(Create("plain"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Create("plain/below")));
}

TEST_F(FolderTest, ExecutableFilesAreMadeSoAsFarAsTheUmaskAllows) {
  const mode_t old = umask(0027);
  ASSERT_OK(folder_->OpenFile("tool", Folder::Access::kCreate, /*executable=*/true).status());
  ASSERT_OK(folder_->OpenFile("text", Folder::Access::kCreate).status());
  umask(old);
  struct stat info;
  ASSERT_EQ(stat((dir_ / "tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0750u);
  ASSERT_EQ(stat((dir_ / "text").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(FolderTest, DescriptorsAreNotInherited) {
  auto fd = folder_->OpenFile("file", Folder::Access::kCreate);
  ASSERT_TRUE(fd.ok());
  EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(folder_->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FolderTest, StatSeesSizeAndNanosecondsAndWhatIsMissing) {
  ASSERT_OK(Create("a/file"));
  ASSERT_EQ(truncate((dir_ / "a/file").c_str(), 1234), 0);
  timespec times[2] = {{1, 0}, {1700000000, 123456789}};
  ASSERT_EQ(utimensat(AT_FDCWD, (dir_ / "a/file").c_str(), times, 0), 0);
  auto stat = folder_->Stat("a/file");
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(*stat, (FileStat{true, 1234, 1700000000123456789}));
  EXPECT_EQ(*folder_->Stat("a/other"), FileStat());
  EXPECT_EQ(*folder_->Stat("b/other"), FileStat());
}

TEST(FolderOpenTest, MakesTheFolderOnlyWhenAsked) {
  TempDir dir;
  EXPECT_TRUE(absl::IsNotFound(Folder::Open(dir / "a/b/", false).status()));
  EXPECT_FALSE(Exists(dir / "a"));
  EXPECT_OK(Folder::Open(dir / "a/b/", true).status());
  EXPECT_TRUE(Exists(dir / "a/b"));
  WriteFile(dir / "file", "");
  EXPECT_FALSE(Folder::Open(dir / "file", true).ok());
}

TEST(FolderPlaceTest, KnowsWhetherItIsInItsPlace) {
  TempDir dir;
  auto folder = Folder::Open(dir / "a", true);
  ASSERT_TRUE(folder.ok());
  EXPECT_OK((*folder)->CheckInPlace());
  EXPECT_OK((*folder)->CheckWritable());
  ASSERT_EQ(rename((dir / "a").c_str(), (dir / "b").c_str()), 0);
  const absl::Status gone = (*folder)->CheckInPlace();
  EXPECT_TRUE(absl::IsFailedPrecondition(gone)) << gone;
  EXPECT_TRUE(absl::StrContains(gone.message(), dir / "a")) << gone;
  ASSERT_EQ(mkdir((dir / "a").c_str(), 0755), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition((*folder)->CheckInPlace())) << "another folder";
}

TEST(FolderPlaceTest, AnIdentityOutlastsARemountAndNoOtherDisk) {
  const FolderIdentity was{/*file_system=*/7, /*device=*/8, /*inode=*/9};
  EXPECT_TRUE(was.Matches({7, 8, 9}));
  EXPECT_TRUE(was.Matches({7, 88, 9})) << "btrfs gives a device number a mount";
  EXPECT_TRUE(was.Matches({7, 8, 99})) << "made anew";
  EXPECT_FALSE(was.Matches({7, 88, 99}));
  EXPECT_FALSE(was.Matches({77, 8, 9})) << "the mount point below, or another stick in the same place";
}

TEST(FileSystemTest, NamesTheMountAndItsRoom) {
  SmallDisk disk("1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  UniqueFd fd(open(disk.path().c_str(), O_RDONLY | O_DIRECTORY));
  EXPECT_EQ(DescribeFileSystem(fd.get()), absl::StrCat("small-disk on ", disk.path(), ": 1.0 MB of 1.0 MB free"));
  EXPECT_EQ(FreeBytes(fd.get()), 1u << 20);
  absl::Status full = FileError(ENOSPC, "write", "/x", fd.get());
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_TRUE(absl::StrContains(full.message(), "write /x: No space left on device (small-disk on ")) << full;
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(EDQUOT, "write", "/x")));
  EXPECT_FALSE(absl::IsResourceExhausted(FileError(EFBIG, "write", "/x")));
  EXPECT_TRUE(absl::IsDataLoss(FileError(EIO, "read", "/x")));
}

}  // namespace
}  // namespace torrent
