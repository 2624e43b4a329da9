#include "storage/record_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/state_dir.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

class RecordFileTest : public testing::Test {
 protected:
  ResumeRecord Record(uint64_t downloaded) {
    ResumeRecord record = EmptyResumeRecord(metainfo_);
    record.downloaded_bytes = downloaded;
    return record;
  }
  // -1: none.
  int64_t Loaded() {
    LoadedRecord loaded = file_.Load(metainfo_);
    notice_ = loaded.notice;
    return loaded.record ? static_cast<int64_t>(loaded.record->downloaded_bytes) : -1;
  }

  TestTorrent t_{{{"t/a", 100'000}}, 16384};
  const Metainfo& metainfo_ = *t_.metainfo;
  TempDir dir_;
  RecordFile file_{dir_ / "x.resume"};
  std::string notice_;
};

TEST_F(RecordFileTest, NoRecordIsNoDefect) {
  EXPECT_EQ(Loaded(), -1);
  EXPECT_EQ(notice_, "");
}

TEST_F(RecordFileTest, TheNewestCountsAndTheOneBeforeItIsKept) {
  for (uint64_t i = 1; i <= 3; i++) {
    ASSERT_OK(file_.Save(Record(i)));
    EXPECT_EQ(Loaded(), static_cast<int64_t>(i));
    EXPECT_EQ(notice_, "");
  }
  WriteFile(dir_ / "x.resume", "d6:rubbishe");
  EXPECT_EQ(Loaded(), 2);
  EXPECT_TRUE(absl::StrContains(notice_, "x.resume")) << notice_;
  EXPECT_TRUE(absl::StrContains(notice_, "the copy before it is used")) << notice_;
  WriteFile(dir_ / "x.resume.twin", "");
  EXPECT_EQ(Loaded(), -1);
  EXPECT_TRUE(absl::StrContains(notice_, "hashed instead")) << notice_;
  ASSERT_OK(file_.Save(Record(4)));
  EXPECT_EQ(Loaded(), 4);
}

// qBittorrent#3170, hazard 108: empty or half a file after a crash. Each state that a kill can leave has a whole
// record.
TEST_F(RecordFileTest, AKillWhileTheTwinIsWrittenCostsNothing) {
  ASSERT_OK(file_.Save(Record(1)));
  ASSERT_OK(file_.Save(Record(2)));
  const std::string next = EncodeResumeRecord(Record(3));
  for (size_t size : {size_t{0}, size_t{1}, next.size() / 2, next.size() - 1}) {
    WriteFile(dir_ / "x.resume.twin", next.substr(0, size));
    EXPECT_EQ(Loaded(), 2) << size;
    EXPECT_EQ(notice_, "") << size;
  }
  // Killed between the twin's fsync and the exchange: the old one is still true.
  WriteFile(dir_ / "x.resume.twin", next);
  EXPECT_EQ(Loaded(), 2);
  ASSERT_OK(file_.Save(Record(4)));
  EXPECT_EQ(Loaded(), 4);
}

TEST_F(RecordFileTest, AKillBeforeTheFirstExchangeLeavesTheTwin) {
  WriteFile(dir_ / "x.resume.twin", EncodeResumeRecord(Record(1)));
  EXPECT_EQ(Loaded(), 1);
}

// Transmission#1835, qBittorrent#4813, hazards 110 and 111: the disk is full, and the record is saved all the same.
TEST_F(RecordFileTest, AFullDiskCannotKeepItFromBeingSaved) {
  SmallDisk disk("1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  RecordFile file(disk.path() + "/x.resume");
  ASSERT_OK(file.Save(Record(1)));
  UniqueFd ballast(open((disk.path() + "/ballast").c_str(), O_WRONLY | O_CREAT, 0600));
  char block[4096] = {1};
  while (write(ballast.get(), block, sizeof block) > 0) {
  }
  ASSERT_EQ(errno, ENOSPC);
  for (uint64_t i = 2; i <= 5; i++) {
    ResumeRecord record = Record(i);
    record.unfinished = {{3, {true}}};  // longer than the first
    record.extra = {{"announce_not_before", 1}};
    ASSERT_OK(file.Save(record));
    EXPECT_EQ(file.Load(metainfo_).record->downloaded_bytes, i);
  }
}

TEST_F(RecordFileTest, AFailedSaveLeavesTheOldOne) {
  ASSERT_OK(file_.Save(Record(1)));
  ASSERT_OK(file_.Save(Record(2)));
  signal(SIGXFSZ, SIG_IGN);
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit low = {100, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  absl::Status failed = file_.Save(Record(3));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_FALSE(failed.ok());
  EXPECT_TRUE(absl::StrContains(failed.message(), "x.resume.twin: File too large")) << failed;
  EXPECT_EQ(Loaded(), 2);
  ASSERT_OK(file_.Save(Record(4)));
  EXPECT_EQ(Loaded(), 4);
}

TEST_F(RecordFileTest, LinksInItsPlaceAreNotFollowed) {
  WriteFile(dir_ / "victim", "precious");
  ASSERT_EQ(symlink((dir_ / "victim").c_str(), (dir_ / "x.resume.twin").c_str()), 0);
  EXPECT_FALSE(file_.Save(Record(1)).ok());
  EXPECT_EQ(ReadFile(dir_ / "victim"), "precious");
}

TEST_F(RecordFileTest, RemoveTakesBothCopies) {
  EXPECT_OK(file_.Remove());
  ASSERT_OK(file_.Save(Record(1)));
  ASSERT_OK(file_.Remove());
  EXPECT_EQ(Loaded(), -1);
  EXPECT_FALSE(Exists(dir_ / "x.resume.twin"));
}

TEST(StateLockTest, ASecondHolderIsRefusedAndToldWhoHasIt) {
  TempDir dir;
  {
    auto lock = StateLock::Take(dir / "lock");
    ASSERT_TRUE(lock.ok()) << lock.status();
    absl::Status second = StateLock::Take(dir / "lock").status();
    EXPECT_TRUE(absl::IsFailedPrecondition(second));
    EXPECT_TRUE(absl::StrContains(second.message(), absl::StrCat("process ", getpid(), " is at work"))) << second;
  }
  EXPECT_OK(StateLock::Take(dir / "lock").status());
}

TEST(StateLockTest, AKilledHolderHoldsNothing) {
  TempDir dir;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto lock = StateLock::Take(dir / "lock");
    char c = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &c, 1) == 1) pause();
    _exit(1);
  }
  char c = 0;
  ASSERT_EQ(read(ready[0], &c, 1), 1);
  ASSERT_EQ(c, 'y');
  absl::Status status = StateLock::Take(dir / "lock").status();
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("process ", child))) << status;
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_OK(StateLock::Take(dir / "lock").status());
  close(ready[0]);
  close(ready[1]);
}

class StateDirTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"XDG_STATE_HOME", "HOME"}) {
      const char* value = getenv(name);
      old_.emplace_back(name, value == nullptr ? "" : value);
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : old_) setenv(name.c_str(), value.c_str(), 1);
  }
  TempDir dir_;
  std::vector<std::pair<std::string, std::string>> old_;
};

TEST_F(StateDirTest, GivenThenXdgThenHome) {
  setenv("XDG_STATE_HOME", (dir_ / "xdg").c_str(), 1);
  setenv("HOME", (dir_ / "home").c_str(), 1);
  EXPECT_EQ(StateDir::Open(dir_ / "given/deep")->path(), dir_ / "given/deep");
  EXPECT_EQ(StateDir::Open("")->path(), dir_ / "xdg/torrent");
  setenv("XDG_STATE_HOME", "relative is ignored", 1);
  EXPECT_EQ(StateDir::Open("")->path(), dir_ / "home/.local/state/torrent");
  unsetenv("XDG_STATE_HOME");
  unsetenv("HOME");
  EXPECT_TRUE(absl::IsFailedPrecondition(StateDir::Open("").status()));
}

TEST_F(StateDirTest, IsForItsUserAlone) {
  ASSERT_OK(StateDir::Open(dir_ / "state/").status());
  struct stat info;
  ASSERT_EQ(stat((dir_ / "state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(StateDirTest, OneTorrentInTwoFoldersIsTwoDownloads) {
  StateDir state = *StateDir::Open(dir_ / "state");
  Infohash infohash = *Infohash::FromHex("0123456789abcdef0123456789abcdef01234567");
  // The digits are `printf /data | sha1sum`; the name must not change, or old records would be lost.
  EXPECT_EQ(state.RecordPath(infohash, "/data"),
            dir_ / "state/0123456789abcdef0123456789abcdef01234567-9112fb28.resume");
  EXPECT_NE(state.RecordPath(infohash, "/data"), state.RecordPath(infohash, "/data2"));
  EXPECT_TRUE(absl::EndsWith(state.LockPath(infohash, "/data"), ".lock"));
  EXPECT_TRUE(absl::EndsWith(state.PartFilePath(infohash, "/data"), ".part"));
}

}  // namespace
}  // namespace torrent
