#include "sandbox/folder_keeper.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace torrent {
namespace {

// A folder `kept` with a keeper, `kept2` beside it, a link in `kept` that leads there.
class FolderKeeperTest : public ::testing::Test {
 protected:
  FolderKeeperTest() {
    char name[] = "/tmp/folder_keeper_test.XXXXXX";
    root_ = mkdtemp(name);
    for (const char* folder : {"kept", "kept/below", "kept2"}) EXPECT_EQ(mkdir(Path(folder).c_str(), 0755), 0);
    for (const char* file : {"kept/file", "kept/below/file", "kept2/file"}) {
      EXPECT_TRUE(UniqueFd(open(Path(file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)).valid());
    }
    EXPECT_EQ(symlink("../kept2", Path("kept/link").c_str()), 0);
    keeper_ = FolderKeeper::Keep(Path("kept"));
  }
  ~FolderKeeperTest() override { EXPECT_EQ(system(("rm -rf " + root_).c_str()), 0); }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  // A descriptor that may be opened in any sandbox: it reads nothing.
  UniqueFd At(const std::string& folder) const { return UniqueFd(open(Path(folder).c_str(), O_PATH | O_CLOEXEC)); }
  // 0, or the error.
  int Open(const std::string& folder, const char* name, int flags) {
    return UniqueFd(keeper_->Open(At(folder).get(), name, flags, 0644)).valid() ? 0 : errno;
  }

  static std::string Maps(const std::string& process) {
    std::ifstream file("/proc/" + process + "/maps");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  std::string root_;
  std::unique_ptr<FolderKeeper> keeper_;
};

TEST_F(FolderKeeperTest, OpensAndMakesWhatLiesInTheFolder) {
  ASSERT_NE(keeper_, nullptr);
  const UniqueFd kept(keeper_->Open(AT_FDCWD, Path("kept").c_str(), O_RDONLY | O_DIRECTORY, 0));
  ASSERT_TRUE(kept.valid());
  const UniqueFd made(keeper_->Open(kept.get(), "new", O_RDWR | O_CREAT | O_EXCL, 0666));
  ASSERT_TRUE(made.valid());
  EXPECT_EQ(write(made.get(), "x", 1), 1);
  struct stat info;
  ASSERT_EQ(stat(Path("kept/new").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 1);
  EXPECT_EQ(Open("kept", "file", O_RDWR), 0);
  EXPECT_EQ(Open("kept/below", "file", O_RDONLY), 0);
  EXPECT_EQ(Open("kept", ".", O_RDONLY | O_DIRECTORY), 0);
  EXPECT_EQ(keeper_->MakeFolder(At("kept/below").get(), "deep", 0777), 0);
  EXPECT_EQ(Open("kept/below/deep", "file", O_RDWR | O_CREAT), 0);
  // Errors are those of the system.
  EXPECT_EQ(Open("kept", "missing", O_RDONLY), ENOENT);
  EXPECT_EQ(Open("kept", "file", O_RDWR | O_CREAT | O_EXCL), EEXIST);
  EXPECT_EQ(keeper_->MakeFolder(At("kept").get(), "below", 0777), -1);
  EXPECT_EQ(errno, EEXIST);
}

TEST_F(FolderKeeperTest, HoldsNoLibraryThatItHasNoUseFor) {
  // With one of them in the parent, whatever this program itself is linked with.
  void* const crypto = dlopen("libcrypto.so.3", RTLD_NOW);
  ASSERT_NE(crypto, nullptr) << dlerror();
  ASSERT_NE(Maps("self").find("libcrypto"), std::string::npos);
  const std::unique_ptr<FolderKeeper> keeper = FolderKeeper::Keep(Path("kept"));
  ASSERT_NE(keeper, nullptr);
  // It has answered: so it is past its beginning.
  ASSERT_TRUE(UniqueFd(keeper->Open(AT_FDCWD, Path("kept").c_str(), O_RDONLY | O_DIRECTORY, 0)).valid());
  std::ifstream children("/proc/thread-self/children");  // the fixture's keeper and this one
  std::string child;
  ASSERT_TRUE(children >> child >> child);
  const std::string maps = Maps(child);
  EXPECT_NE(maps.find("libc.so"), std::string::npos);
  EXPECT_EQ(maps.find("libcrypto"), std::string::npos);
  EXPECT_EQ(maps.find("libssl"), std::string::npos);
  dlclose(crypto);
}

TEST_F(FolderKeeperTest, OpensNothingElseHoweverItIsAsked) {
  ASSERT_NE(keeper_, nullptr);
  const struct {
    const char* folder;
    const char* name;
    int flags;
    int error;
  } tries[] = {
      {"kept2", "file", O_RDONLY, EACCES},         {"kept2", "new", O_RDWR | O_CREAT, EACCES},
      {"kept/link", "file", O_RDONLY, EACCES},  // the descriptor is of where the link leads
      {"kept", "link", O_RDONLY, ELOOP},           {"kept", "..", O_RDONLY | O_DIRECTORY, EACCES},
      {"kept", "../kept2/file", O_RDONLY, EACCES}, {"kept", "below/file", O_RDONLY, EACCES},
      {"kept", "/etc/passwd", O_RDONLY, EACCES},   {".", "kept2", O_RDONLY | O_DIRECTORY, EACCES},
      {"kept", "file", O_RDWR | O_TRUNC, EACCES},  {"kept", ".", O_RDWR | O_TMPFILE, EACCES},
  };
  for (const auto& one : tries) EXPECT_EQ(Open(one.folder, one.name, one.flags), one.error) << one.folder << one.name;
  EXPECT_EQ(keeper_->MakeFolder(At("kept2").get(), "new", 0777), -1);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(keeper_->Open(AT_FDCWD, Path("kept2").c_str(), O_RDONLY | O_DIRECTORY, 0), -1);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(access(Path("kept2/new").c_str(), F_OK), -1);
  // It goes on serving after all that.
  EXPECT_EQ(Open("kept", "file", O_RDONLY), 0);
}

TEST_F(FolderKeeperTest, ANameThatNoFileCanHaveIsRefusedHere) {
  ASSERT_NE(keeper_, nullptr);
  EXPECT_EQ(Open("kept", std::string(256, 'x').c_str(), O_RDONLY), ENAMETOOLONG);
  EXPECT_EQ(Open("kept", std::string(255, 'x').c_str(), O_RDONLY), ENOENT);
}

TEST_F(FolderKeeperTest, NoneIsStartedForAFolderThatCannotGoAwayByItself) {
  EXPECT_EQ(FolderKeeper::Start("/"), nullptr);
  EXPECT_EQ(FolderKeeper::Start(Path("missing")), nullptr);
}

}  // namespace
}  // namespace torrent
