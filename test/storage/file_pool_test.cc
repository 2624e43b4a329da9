#include "storage/file_pool.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/thread.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

class FilePoolTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Folder::Open(dir_.path(), /*create=*/false);
    ASSERT_TRUE(opened.ok()) << opened.status();
    folder_ = *std::move(opened);
  }
  FileLease Lend(FilePool* pool, uint32_t number, Folder::Access access = Folder::Access::kCreate) {
    auto lease = pool->Lend(folder_.get(), number, absl::StrCat("file", number), access);
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.ok() ? *lease : nullptr;
  }
  static bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

  TempDir dir_;
  std::unique_ptr<Folder> folder_;
};

TEST_F(FilePoolTest, LendsOneDescriptorToAll) {
  FilePool pool(2);
  FileLease a = Lend(&pool, 1);
  FileLease b = Lend(&pool, 1, Folder::Access::kRead);
  EXPECT_EQ(a->fd.get(), b->fd.get());
  EXPECT_EQ(pool.open_count(), 1u);
}

TEST_F(FilePoolTest, ClosesTheLeastRecentlyUsedThatNobodyHas) {
  FilePool pool(2);
  const int first = Lend(&pool, 1)->fd.get();
  const int second = Lend(&pool, 2)->fd.get();
  Lend(&pool, 1);  // the second is now the older one
  FileLease third = Lend(&pool, 3);
  EXPECT_EQ(pool.open_count(), 2u);
  EXPECT_TRUE(IsOpen(first));
  EXPECT_TRUE(!IsOpen(second) || third->fd.get() == second);
}

TEST_F(FilePoolTest, ALeaseOutlivesThePoolsHoldAndTheLastReturnCloses) {
  FilePool pool(1);
  FileLease lent = Lend(&pool, 1);
  FileLease beyond = Lend(&pool, 2);  // the only place is taken by one that is lent out
  EXPECT_EQ(pool.open_count(), 1u);
  const int fd = beyond->fd.get();
  EXPECT_TRUE(IsOpen(fd));
  beyond.reset();
  EXPECT_FALSE(IsOpen(fd));
  pool.Drop(*folder_, 1);
  EXPECT_EQ(pool.open_count(), 0u);
  EXPECT_TRUE(IsOpen(lent->fd.get()));
}

TEST_F(FilePoolTest, OpensForReadingWhatMayOnlyBeReadAndAnewForWriting) {
  WriteFile(dir_ / "file1", "x");
  FilePool pool(2);
  FileLease read = Lend(&pool, 1, Folder::Access::kRead);
  EXPECT_EQ(fcntl(read->fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  FileLease write = Lend(&pool, 1, Folder::Access::kWrite);
  EXPECT_EQ(fcntl(write->fd.get(), F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_EQ(Lend(&pool, 1, Folder::Access::kRead)->fd.get(), write->fd.get());
  EXPECT_EQ(pool.open_count(), 1u);
}

TEST_F(FilePoolTest, DropOfAFolderLeavesOthersAlone) {
  FilePool pool(4);
  auto other = *Folder::Open(dir_.path(), false);
  Lend(&pool, 1);
  Lend(&pool, 2);
  ASSERT_TRUE(pool.Lend(other.get(), 1, "file1", Folder::Access::kRead).ok());
  EXPECT_EQ(pool.open_count(), 3u);
  pool.Drop(*folder_);
  EXPECT_EQ(pool.open_count(), 1u);
}

// Transmission#1061, hazard 120: the process runs out of descriptors.
TEST_F(FilePoolTest, GivesIdleDescriptorsBackWhenThereAreNoneLeft) {
  FilePool pool(64);
  for (uint32_t i = 0; i < 10; i++) Lend(&pool, i);
  EXPECT_EQ(pool.open_count(), 10u);
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  UniqueFd lowest(open("/dev/null", O_RDONLY | O_CLOEXEC));
  rlimit low = {static_cast<rlim_t>(lowest.get()), old.rlim_max};
  lowest.Reset();
  // No number below the limit is free: the ten are in use.
  std::vector<UniqueFd> filler;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  while (true) {
    UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) break;
    filler.push_back(std::move(fd));
  }
  auto lease = pool.Lend(folder_.get(), 10, "file10", Folder::Access::kCreate);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(lease.ok()) << lease.status();
  EXPECT_EQ(pool.open_count(), 1u) << "the idle ones were not given back, so nothing was short";
}

TEST_F(FilePoolTest, ManyThreadsNeverGetAnothersFile) {
  constexpr uint32_t kFiles = 20;
  for (uint32_t i = 0; i < kFiles; i++) WriteFile(dir_ / absl::StrCat("file", i), std::string(1, static_cast<char>(i)));
  FilePool pool(4);
  std::atomic<int> wrong{0};
  std::vector<Thread> threads;
  for (int t = 0; t < 4; t++) {
    auto thread = Thread::Start("pool", [&, t] {
      for (uint32_t i = 0; i < 500; i++) {
        const uint32_t number = (i * 7 + static_cast<uint32_t>(t)) % kFiles;
        FileLease lease = Lend(&pool, number, i % 3 == 0 ? Folder::Access::kWrite : Folder::Access::kRead);
        char c = -1;
        if (lease == nullptr || pread(lease->fd.get(), &c, 1, 0) != 1 || static_cast<uint32_t>(c) != number) wrong++;
      }
    });
    ASSERT_TRUE(thread.ok());
    threads.push_back(*std::move(thread));
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(pool.open_count(), 4u);
}

}  // namespace
}  // namespace torrent
