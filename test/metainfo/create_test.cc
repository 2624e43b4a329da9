#include "torrent/create.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/sha1.h"
#include "metainfo/source_files.h"
#include "torrent/metainfo.h"

namespace torrent {
namespace {

// A folder that is gone after the test.
class CreateTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/create_test.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
  }
  void TearDown() override { ASSERT_EQ(Run({"rm", "-rf", root_}), 0); }

  static int Run(const std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const int null = open("/dev/null", O_RDWR);
      dup2(null, 1);
      dup2(null, 2);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  void MakeFolder(const std::string& name) { ASSERT_EQ(mkdir(Path(name).c_str(), 0755), 0) << name; }
  // Bytes that depend on `size` and the name.
  void MakeFile(const std::string& name, size_t size) {
    Random random(size + name.size() + 1);
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random.Next());
    std::ofstream(Path(name), std::ios::binary) << bytes;
  }
  void MakeTree() {
    for (const char* folder : {"t", "t/sub", "t/sub/deep", "t/empty folder"}) MakeFolder(folder);
    MakeFile("t/sub/x.bin", 300'000);
    MakeFile("t/sub.txt", 50'000);
    MakeFile("t/sub/deep/z", 10);
    MakeFile("t/empty", 0);
    MakeFile("t/.hidden", 4);
    MakeFile("t/B", 32'768);
    MakeFile("t/a", 1);
    MakeFile("t/\xc3\xbc", 70'000);
    ASSERT_EQ(symlink("sub.txt", Path("t/link").c_str()), 0);
    ASSERT_EQ(symlink("sub", Path("t/folder link").c_str()), 0);
  }

  // The infohash of what mktorrent makes of `name`.
  std::string MktorrentInfohash(const std::string& name, const std::string& length_exponent, bool is_private = false) {
    const std::string out = Path("mktorrent.torrent");
    unlink(out.c_str());
    std::vector<std::string> arguments = {"mktorrent", "-l", length_exponent, "-a", "http://t/announce", "-o", out};
    if (is_private) arguments.push_back("-p");
    arguments.push_back(Path(name));
    EXPECT_EQ(Run(arguments), 0) << "mktorrent must be installed";
    absl::StatusOr<Metainfo> metainfo = LoadMetainfo(out);
    EXPECT_TRUE(metainfo.ok()) << metainfo.status();
    return metainfo.ok() ? metainfo->infohash.Hex() : "";
  }

  CreateOptions Options(const std::string& name, uint32_t piece_length = 32768) {
    CreateOptions options;
    options.path = Path(name);
    options.piece_length = piece_length;
    return options;
  }

  std::string ErrorOf(const CreateOptions& options) {
    absl::StatusOr<CreatedTorrent> created = CreateTorrent(options);
    return created.ok() ? "" : std::string(created.status().message());
  }

  std::string root_;
};

TEST_F(CreateTest, AFolderHasTheInfohashThatMktorrentGivesIt) {
  MakeTree();
  absl::StatusOr<CreatedTorrent> created = CreateTorrent(Options("t"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->infohash.Hex(), MktorrentInfohash("t", "15"));
  CreateOptions options = Options("t/", 65536);
  options.is_private = true;
  created = CreateTorrent(options);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->infohash.Hex(), MktorrentInfohash("t", "16", true));
}

TEST_F(CreateTest, AFileHasTheInfohashThatMktorrentGivesItAtEverySizeAroundAPiece) {
  for (size_t size : {0u, 1u, 32767u, 32768u, 32769u, 1'000'000u}) {
    const std::string name = absl::StrCat("file", size);
    MakeFile(name, size);
    absl::StatusOr<CreatedTorrent> created = CreateTorrent(Options(name));
    ASSERT_TRUE(created.ok()) << created.status();
    EXPECT_EQ(created->infohash.Hex(), MktorrentInfohash(name, "15")) << size;
  }
}

TEST_F(CreateTest, WhatIsCreatedLoadsWithEverythingThatWasAskedFor) {
  MakeTree();
  CreateOptions options = Options("t", 0);
  options.trackers = {"http://a/announce", "udp://b:80"};
  options.web_seeds = {"http://w/"};
  options.comment = "a comment";
  options.creation_date = 1234567;
  options.is_private = true;
  absl::StatusOr<CreatedTorrent> created = CreateTorrent(options);
  ASSERT_TRUE(created.ok()) << created.status();
  absl::StatusOr<Metainfo> m = ParseMetainfo(created->bytes);
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->infohash, created->infohash);
  EXPECT_EQ(m->name, "t");
  EXPECT_EQ(m->piece_length, 16384u);
  EXPECT_TRUE(m->is_private);
  EXPECT_EQ(m->trackers, (std::vector<std::vector<std::string>>{{"http://a/announce"}, {"udp://b:80"}}));
  EXPECT_EQ(m->web_seeds, std::vector<std::string>{"http://w/"});
  EXPECT_EQ(m->comment, "a comment");
  EXPECT_EQ(m->creation_date, 1234567);
  EXPECT_TRUE(absl::StartsWith(m->created_by, "torrent "));
  std::vector<std::string> paths;
  for (const MetainfoFile& file : m->files) paths.push_back(file.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"t/.hidden", "t/B", "t/a", "t/empty", "t/folder link/deep/z",
                                             "t/folder link/x.bin", "t/link", "t/sub.txt", "t/sub/deep/z",
                                             "t/sub/x.bin", "t/\xc3\xbc"}));
}

TEST_F(CreateTest, TheNameIsThatOfTheFolderAlsoByADot) {
  MakeFolder("some folder");
  MakeFile("some folder/f", 5);
  absl::StatusOr<CreatedTorrent> created = CreateTorrent(Options("some folder/."));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(ParseMetainfo(created->bytes)->name, "some folder");
}

TEST_F(CreateTest, ProgressEndsAtTheWhole) {
  MakeFile("f", 5'000'000);
  CreateOptions options = Options("f");
  uint64_t last = 0;
  options.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_EQ(total, 5'000'000u);
    last = done;
    return true;
  };
  EXPECT_TRUE(CreateTorrent(options).ok());
  EXPECT_EQ(last, 5'000'000u);
}

TEST_F(CreateTest, ProgressCanGiveUp) {
  MakeFile("f", 1'000'000);
  CreateOptions options = Options("f");
  options.progress = [](uint64_t, uint64_t) { return false; };
  EXPECT_EQ(CreateTorrent(options).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(CreateTest, AFileThatChangesMeanwhileIsAnError) {
  MakeFolder("t");
  MakeFile("t/grows", 1'000'000);
  MakeFile("t/is cut", 1'000'000);
  MakeFile("t/goes", 1'000'000);
  const struct {
    std::string victim, message;
    std::function<void(const std::string&)> change;
  } changes[] = {
      {"t/grows", "changed its size from 1000000 to 1000001",
       [](const std::string& path) { std::ofstream(path, std::ios::app) << "x"; }},
      {"t/is cut", "is cut", [](const std::string& path) { ASSERT_EQ(truncate(path.c_str(), 10), 0); }},
      {"t/goes", "goes", [](const std::string& path) { ASSERT_EQ(unlink(path.c_str()), 0); }},
  };
  for (const auto& [victim, message, change] : changes) {
    CreateOptions options = Options("t");
    bool changed = false;
    options.progress = [&, path = Path(victim), change = change](uint64_t, uint64_t) {
      if (!changed) change(path);
      return changed = true;
    };
    const std::string error = ErrorOf(options);
    EXPECT_TRUE(changed);
    EXPECT_TRUE(absl::StrContains(error, Path(victim)) && absl::StrContains(error, message)) << error;
    unlink(Path(victim).c_str());
    MakeFile("t/another", 5);
  }
}

TEST_F(CreateTest, WrittenToAtTheSameSizeIsSeenByItsTime) {
  MakeFile("f", 1000);
  absl::StatusOr<SourceTree> tree = ListSource(Path("f"));
  ASSERT_TRUE(tree.ok());
  struct stat status;
  ASSERT_EQ(stat(Path("f").c_str(), &status), 0);
  EXPECT_TRUE(CheckUnchanged(tree->files[0], Path("f"), status).ok());
  status.st_mtim.tv_nsec ^= 1;
  EXPECT_TRUE(absl::StrContains(CheckUnchanged(tree->files[0], Path("f"), status).message(), "was written to"));
}

TEST_F(CreateTest, ErrorsNameThePath) {
  EXPECT_TRUE(absl::StrContains(ErrorOf(Options("none")), Path("none")));
  MakeFolder("empty");
  EXPECT_EQ(ErrorOf(Options("empty")), Path("empty") + ": a folder without files");
  MakeFolder("pipe");
  ASSERT_EQ(mkfifo(Path("pipe/p").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOf(Options("pipe")), Path("pipe/p") + ": is neither a file nor a folder");
  MakeFolder("broken");
  ASSERT_EQ(symlink("nowhere", Path("broken/l").c_str()), 0);
  EXPECT_TRUE(absl::StrContains(ErrorOf(Options("broken")), Path("broken/l")));
  MakeFolder("loop");
  MakeFolder("loop/below");
  ASSERT_EQ(symlink("..", Path("loop/below/up").c_str()), 0);
  EXPECT_EQ(ErrorOf(Options("loop")), Path("loop/below/up") + ": leads back to a folder that it lies in");
}

TEST_F(CreateTest, NamesThatADownloadWouldChangeAreRefused) {
  for (const char* name : {"bad\xff", "new\nline", "back\\slash", "\xe2\x80\xae.txt"}) {
    MakeFolder("t");
    MakeFile(absl::StrCat("t/", name), 3);
    EXPECT_TRUE(absl::StrContains(ErrorOf(Options("t")), "rename it")) << name;
    ASSERT_EQ(unlink(Path(absl::StrCat("t/", name)).c_str()), 0);
    ASSERT_EQ(rmdir(Path("t").c_str()), 0);
  }
}

// Such pairs are in every copy of the Linux headers.
TEST_F(CreateTest, NamesEqualButForCaseAreTakenWithANotice) {
  MakeFolder("case");
  MakeFile("case/readme.txt", 3);
  MakeFile("case/README.txt", 4);
  absl::StatusOr<CreatedTorrent> created = CreateTorrent(Options("case"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->infohash.Hex(), MktorrentInfohash("case", "15"));
  EXPECT_EQ(created->notices,
            std::vector<std::string>{Path("case/readme.txt") +
                                     ": equals another name but for case; downloads call it readme.1.txt"});
  EXPECT_EQ(ParseMetainfo(created->bytes)->files[1].path, "case/readme.1.txt");
}

TEST_F(CreateTest, OptionsAreChecked) {
  MakeFile("f", 1);
  for (uint32_t length : {1u, 8192u, 16385u, 32u << 20}) {
    EXPECT_TRUE(absl::StrContains(ErrorOf(Options("f", length)), absl::StrCat("piece length ", length))) << length;
  }
  CreateOptions options = Options("f");
  options.trackers = {"not a url"};
  EXPECT_EQ(ErrorOf(options), "\"not a url\" is not a URL");
  options = Options("f");
  options.comment = "\xff";
  EXPECT_EQ(ErrorOf(options), "the comment is not UTF-8");
}

TEST(ChoosePieceLengthTest, GivesOneToTwoThousandPiecesBetweenItsBounds) {
  EXPECT_EQ(ChoosePieceLength(0), 16384u);
  EXPECT_EQ(ChoosePieceLength(1), 16384u);
  EXPECT_EQ(ChoosePieceLength(2000 * 16384), 16384u);
  EXPECT_EQ(ChoosePieceLength(2000 * 16384 + 1), 32768u);
  EXPECT_EQ(ChoosePieceLength(uint64_t{1} << 30), 1u << 20);
  EXPECT_EQ(ChoosePieceLength(uint64_t{1} << 45), 16u << 20);
  for (uint64_t size = uint64_t{2000} * 16384; size < uint64_t{2000} << 24; size = size * 5 / 4) {
    const uint64_t pieces = (size + ChoosePieceLength(size) - 1) / ChoosePieceLength(size);
    EXPECT_TRUE(pieces >= 1000 && pieces <= 2000) << size << ": " << pieces;
  }
}

}  // namespace
}  // namespace torrent
