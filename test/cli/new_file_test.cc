#include "cli/new_file.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace torrent {
namespace {

class NewFileTest : public ::testing::Test {
 protected:
  NewFileTest() {
    char name[] = "/tmp/new_file_test.XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/file";
  }
  ~NewFileTest() override {
    for (const std::string& name : Names()) unlink((folder_ + "/" + name).c_str());
    rmdir(folder_.c_str());
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    DIR* dir = opendir(folder_.c_str());
    while (const dirent* entry = readdir(dir)) {
      if (entry->d_name[0] != '.') names.push_back(entry->d_name);
    }
    closedir(dir);
    return names;
  }
  std::string Content() const {
    std::ifstream in(path_);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string folder_, path_;
};

TEST_F(NewFileTest, WritesTheWholeFileWithTheUsersPermissions) {
  const mode_t before = umask(022);
  ASSERT_TRUE(WriteNewFile(path_, "content", false).ok());
  umask(before);
  EXPECT_EQ(Content(), "content");
  EXPECT_THAT(Names(), ::testing::ElementsAre("file"));
  struct stat there;
  ASSERT_EQ(stat(path_.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777, 0644u);
}

TEST_F(NewFileTest, ReplacesOnlyWhenTold) {
  ASSERT_TRUE(WriteNewFile(path_, "old", false).ok());
  EXPECT_EQ(WriteNewFile(path_, "new", false).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Content(), "old");
  ASSERT_TRUE(WriteNewFile(path_, "new", true).ok());
  EXPECT_EQ(Content(), "new");
  EXPECT_THAT(Names(), ::testing::ElementsAre("file"));
}

TEST_F(NewFileTest, AnErrorLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(WriteNewFile(path_, "old", false).ok());
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit before, small;
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 4;
  setrlimit(RLIMIT_FSIZE, &small);
  const absl::Status status = WriteNewFile(path_, "much longer", true);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(path_));
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Content(), "old");
  EXPECT_THAT(Names(), ::testing::ElementsAre("file"));
}

TEST_F(NewFileTest, NamesTheFileWhenTheFolderIsNotThere) {
  const absl::Status status = WriteNewFile(folder_ + "/none/file", "x", false);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("/none/file"));
}

TEST_F(NewFileTest, DoesNotReplaceAFolderOrADevice) {
  EXPECT_EQ(WriteNewFile(folder_, "x", true).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(WriteNewFile("/dev/null", "x", true).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace torrent
