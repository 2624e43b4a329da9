#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/unique_fd.h"
#include "test/sandbox/shut_in_child.h"

namespace torrent {
namespace {

// A folder `in` that the sandbox may write, `read` that it may read, `out` that it knows nothing of, each with a file.
class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    char name[] = "/tmp/sandbox_test.XXXXXX";
    root_ = mkdtemp(name);
    for (const char* folder : {"in", "read", "out"}) {
      EXPECT_EQ(mkdir(Path(folder).c_str(), 0755), 0);
      Write(Path(folder) + "/file");
    }
  }
  ~FilesTest() override {
    const std::string command = "rm -rf " + root_;
    EXPECT_EQ(system(command.c_str()), 0);
  }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  static void Write(const std::string& path) { UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT, 0644)); }
  static int OpenError(const std::string& path, int flags) {
    const UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0644));
    return fd.valid() ? 0 : errno;
  }
  SandboxPlaces Places() const { return {{Path("read")}, {Path("in")}}; }

  std::string root_;
};

TEST_F(FilesTest, OpensNothingOutsideOfWhatItSaid) {
  // In the order of trying; the child answers the number of the first that went otherwise than it should.
  const struct {
    std::string path;
    int flags;
    int error;
  } tries[] = {
      {Path("in/file"), O_RDWR, 0},
      {Path("in/file"), O_RDWR | O_TRUNC, 0},
      {Path("in/new"), O_RDWR | O_CREAT | O_EXCL, 0},
      {Path("in"), O_RDONLY | O_DIRECTORY, 0},
      {Path("read/file"), O_RDONLY, 0},
      {Path("read/file"), O_RDWR, EACCES},
      {Path("read/new"), O_RDWR | O_CREAT, EACCES},
      {Path("out/file"), O_RDONLY, EACCES},
      {Path("out/file"), O_WRONLY, EACCES},
      {Path("out/new"), O_WRONLY | O_CREAT, EACCES},
      {Path("out"), O_RDONLY | O_DIRECTORY, EACCES},
      {Path("in/../out/file"), O_RDONLY, EACCES},
      {Path("new"), O_WRONLY | O_CREAT, EACCES},
      {Path("missing"), O_RDONLY, ENOENT},
      {"/tmp", O_RDONLY | O_DIRECTORY, EACCES},
      {"/", O_RDONLY | O_DIRECTORY, EACCES},
      {"/etc/passwd", O_RDONLY, 0},
      {"/etc/new", O_WRONLY | O_CREAT, EACCES},
      {"/proc/self/mountinfo", O_RDONLY, 0},
      {"/proc/1/status", O_RDONLY, EACCES},
      {"/dev/null", O_RDONLY, 0},
  };
  const int wrong = InSandbox(Places(), [&tries] {
    int number = 1;
    for (const auto& t : tries) {
      if (OpenError(t.path, t.flags) != t.error) return number;
      ++number;
    }
    return 0;
  });
  ASSERT_GE(wrong, 0);
  EXPECT_EQ(wrong, 0) << (wrong == 126 ? "" : tries[wrong - 1].path);
}

TEST_F(FilesTest, MakesFoldersAndRenamesWhereItMayWriteAndNowhereElse) {
  EXPECT_EQ(InSandbox(Places(),
                      [this] {
                        if (mkdir(Path("in/folder").c_str(), 0755) != 0) return 1;
                        if (OpenError(Path("in/folder/file"), O_RDWR | O_CREAT) != 0) return 2;
                        if (rename(Path("in/file").c_str(), Path("in/moved").c_str()) != 0) return 3;
                        if (renameat2(AT_FDCWD, Path("in/moved").c_str(), AT_FDCWD, Path("in/folder/file").c_str(),
                                      RENAME_EXCHANGE) == 0) {
                          return 4;  // from one folder into another: never needed
                        }
                        if (link(Path("in/moved").c_str(), Path("in/second").c_str()) != 0) return 5;
                        if (unlink(Path("in/second").c_str()) != 0) return 6;
                        if (link(Path("out/file").c_str(), Path("in/stolen").c_str()) == 0) return 7;
                        if (rename(Path("out/file").c_str(), Path("in/stolen").c_str()) == 0) return 8;
                        if (ErrorOf(unlink(Path("out/file").c_str())) != EACCES) return 9;
                        if (ErrorOf(mkdir(Path("out/folder").c_str(), 0755)) != EACCES) return 10;
                        return 0;
                      }),
            0);
}

TEST_F(FilesTest, ChangesNothingAboutFilesOutside) {
  ASSERT_EQ(chmod(Path("out/file").c_str(), 0600), 0);
  EXPECT_EQ(InSandbox(Places(),
                      [this] {
                        const std::string path = Path("out/file");
                        if (ErrorOf(chmod(path.c_str(), 0777)) != EPERM) return 1;
                        if (ErrorOf(truncate(path.c_str(), 7)) != EPERM) return 2;
                        if (ErrorOf(utimensat(AT_FDCWD, path.c_str(), nullptr, 0)) != EPERM) return 3;
                        if (ErrorOf(chown(path.c_str(), 1, 1)) != EPERM) return 4;
                        if (ErrorOf(symlink("/etc", Path("in/link").c_str())) != EPERM) return 5;
                        if (ErrorOf(mkfifo(Path("in/fifo").c_str(), 0600)) != EPERM) return 6;
                        return 0;
                      }),
            0);
  struct stat info;
  ASSERT_EQ(stat(Path("out/file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FilesTest, WhatIsOpenAlreadyStays) {
  const UniqueFd outside(open(Path("out/file").c_str(), O_RDWR | O_CLOEXEC));
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]), in(ends[1]);
  EXPECT_EQ(InSandbox(Places(),
                      [&] {
                        if (write(outside.get(), "x", 1) != 1 || ftruncate(outside.get(), 0) != 0) return 1;
                        return write(in.get(), "x", 1) == 1 ? 0 : 2;
                      }),
            0);
  char got = 0;
  EXPECT_EQ(read(out.get(), &got, 1), 1);
  EXPECT_EQ(got, 'x');
}

TEST_F(FilesTest, AFolderThatIsALinkIsItsEnd) {
  ASSERT_EQ(symlink(Path("out").c_str(), Path("link").c_str()), 0);
  EXPECT_EQ(InSandbox({{}, {Path("link")}},
                      [this] {
                        if (OpenError(Path("link/new"), O_RDWR | O_CREAT) != 0) return 1;
                        if (OpenError(Path("out/file"), O_RDWR) != 0) return 2;
                        return OpenError(Path("in/file"), O_RDONLY) == EACCES ? 0 : 3;
                      }),
            0);
}

TEST_F(FilesTest, AFileAloneIsNotItsFolder) {
  EXPECT_EQ(InSandbox({{Path("read/file"), Path("missing"), "", "magnet:?xt=urn:btih:0"}, {}},
                      [this] {
                        Write(Path("read/other"));
                        if (OpenError(Path("read/file"), O_RDONLY) != 0) return 1;
                        if (OpenError(Path("read"), O_RDONLY | O_DIRECTORY) != EACCES) return 2;
                        return OpenError(Path("read/file"), O_WRONLY) == EACCES ? 0 : 3;
                      }),
            0);
}

// Libraries that resolve names are loaded when the first name is asked.
TEST_F(FilesTest, LibrariesAndAuthoritiesCanStillBeRead) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        const UniqueFd fd(open("/usr/bin/env", O_RDONLY | O_CLOEXEC));
                        if (!fd.valid()) return 1;
                        void* const code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd.get(), 0);
                        if (code == MAP_FAILED) return 2;
                        return OpenError("/etc/ssl/certs", O_RDONLY | O_DIRECTORY);
                      }),
            0);
}

}  // namespace
}  // namespace torrent
