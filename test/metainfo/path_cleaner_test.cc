#include "metainfo/path_cleaner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/utf8.h"
#include "torrent/bencode.h"

namespace torrent {
namespace {

using std::string_literals::operator""s;

TEST(PathCleanerTest, ElementsComeOutAsOneSafeName) {
  const struct {
    std::string in, out;
  } table[] = {
      {"/a/", "a"},
      {"a...b", "a...b"},
      {"foo... bar", "foo... bar"},  // a name, although it holds ".."
      {"..foo", "..foo"},
      {"...", "..."},
      {"..", ""},
      {".", ""},
      {"", ""},
      {"/", ""},
      {"//\\", ""},
      {"./.", ""},
      {"../", ""},
      {".\xe2\x80\x8b.", ""},  // a zero-width space between two dots
      {"\\c", "c"},
      {"C:\\windows\\x", "C:windowsx"},
      {"foo/../../../bar", "foo......bar"},
      {"/test1/test2/test3", "test1test2test3"},
      {"test2/../test3/.././../../test4", "test2..test3.......test4"},
      {"a\bb", "a_b"},
      {"a\0b"s, "a_b"},
      {"a\x7f"
       "b",
       "a_b"},
      {"a\nb\x1b[31m", "a_b_[31m"},
      {"a\xc2\x80z", "a_z"},
      {"a\xc2\x9fz", "a_z"},
      {"abc...", "abc..."},
      {"abc   ", "abc   "},
      // Not UTF-8: one '_' each.
      {"\xc2", "_"},
      {"\xe2\x9f", "_"},
      {"\xe2", "_"},
      {"\xf0\x9f\x92", "_"},
      {"\xf8\x9f\x9f\x9f\x9f", "_"},
      {"a\xff.txt", "a_.txt"},
      // Overlong forms of ".", and a surrogate.
      {"\xc0\xae", "_"},
      {"\xe0\x80\xae", "_"},
      {"\xf0\x80\x80\xae", "_"},
      {"\xed\xa0\x80", "_"},
      {"\xc0\xae\xc0\xae", "__"},
      // UTF-8 that stays.
      {"\xc2\xa1", "\xc2\xa1"},
      {"\xe2\x9f\xb9", "\xe2\x9f\xb9"},
      {"\xf0\x9f\x92\x88", "\xf0\x9f\x92\x88"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(CleanPathElement(in), out) << in;
}

TEST(PathCleanerTest, EachC1ControlBecomesAnUnderscore) {
  for (int c = 0x80; c <= 0x9f; ++c) EXPECT_EQ(CleanPathElement("\xc2"s + static_cast<char>(c)), "_") << c;
  for (int c = 0; c < 0x20; ++c) EXPECT_EQ(CleanPathElement(std::string(1, static_cast<char>(c))), "_") << c;
}

TEST(PathCleanerTest, InvisibleCharactersThatDisguiseNamesAreDropped) {
  for (const char* c : {"\xe2\x80\x8b", "\xe2\x80\x8f", "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa0", "\xe2\x81\xa4",
                        "\xe2\x81\xa6", "\xe2\x81\xa9", "\xd8\x9c", "\xef\xbb\xbf"}) {
    EXPECT_EQ(CleanPathElement(absl::StrCat("a", c, "b")), "ab");
  }
  EXPECT_EQ(CleanPathElement("photo\xe2\x80\xaegpj.exe"), "photogpj.exe");
}

TEST(PathCleanerTest, LongNamesAreCutBeforeTheirExtensionAndNeverInsideACharacter) {
  const std::string digits(250, '7');
  EXPECT_EQ(CleanPathElement(digits).size(), 240u);
  EXPECT_EQ(CleanPathElement(digits + ".test"), absl::StrCat(std::string(235, '7'), ".test"));
  EXPECT_EQ(CleanPathElement(digits + ".jpg"), absl::StrCat(std::string(236, '7'), ".jpg"));
  EXPECT_EQ(CleanPathElement(std::string(240, 'x')), std::string(240, 'x'));
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xe2\x9f\xb9";
  EXPECT_EQ(CleanPathElement("a" + wide), "a" + wide.substr(0, 237));  // 238 bytes: the next character would pass 240
  EXPECT_EQ(CleanPathElement("." + digits).size(), 240u) << "a leading dot begins no extension";
  EXPECT_EQ(CleanPathElement(std::string(5'000'000, 'z')).size(), 240u);
}

std::vector<std::string> Unique(const std::vector<std::string>& paths) {
  std::vector<MetainfoFile> files(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) files[i].path = paths[i];
  absl::Status status = MakePathsUnique(&files);
  if (!status.ok()) return {std::string(status.message())};
  std::vector<std::string> out;
  for (const MetainfoFile& file : files) out.push_back(file.path);
  return out;
}

using Paths = std::vector<std::string>;

TEST(PathCleanerTest, EqualNamesAreNumberedBeforeTheirExtension) {
  EXPECT_EQ(Unique({"a/b.txt", "a/b.txt", "a/b.txt"}), (Paths{"a/b.txt", "a/b.1.txt", "a/b.2.txt"}));
  EXPECT_EQ(Unique({"a/b", "a/B", "A/b"}), (Paths{"a/b", "a/B.1", "A/b.2"}));
  EXPECT_EQ(Unique({"a/b.tar.gz", "a/b.tar.gz"}), (Paths{"a/b.tar.gz", "a/b.tar.1.gz"}));
  EXPECT_EQ(Unique({"a/.x", "a/.x"}), (Paths{"a/.x", "a/.x.1"}));
  EXPECT_EQ(Unique({"a.d/b", "a.d/b"}), (Paths{"a.d/b", "a.d/b.1"})) << "a folder's dot begins no extension";
  EXPECT_EQ(Unique({"a/b.txt", "c/b.txt"}), (Paths{"a/b.txt", "c/b.txt"}));
}

TEST(PathCleanerTest, ANumberThatIsTakenIsPassedOver) {
  EXPECT_EQ(Unique({"t/a", "t/a.1", "t/a"}), (Paths{"t/a", "t/a.1", "t/a.2"}));
  EXPECT_EQ(Unique({"t/a", "t/a", "t/a.1"}), (Paths{"t/a", "t/a.1", "t/a.1.1"}));
}

TEST(PathCleanerTest, AFileGivesWayToAFolderOfItsNameWhereverItStands) {
  EXPECT_EQ(Unique({"test/a", "test/a/b"}), (Paths{"test/a.1", "test/a/b"}));
  EXPECT_EQ(Unique({"test/a/b", "test/A"}), (Paths{"test/a/b", "test/A.1"}));
  EXPECT_EQ(Unique({"test/a", "test/a/b/c/d", "test/a/b"}), (Paths{"test/a.1", "test/a/b/c/d", "test/a/b.1"}));
}

TEST(PathCleanerTest, PadFilesNeitherTakeNamesNorChangeTheirs) {
  std::vector<MetainfoFile> files(3);
  files[0].path = files[1].path = files[2].path = "t/.pad/5";
  files[0].pad = files[1].pad = true;
  ASSERT_TRUE(MakePathsUnique(&files).ok());
  EXPECT_EQ(files[0].path, "t/.pad/5");
  EXPECT_EQ(files[1].path, "t/.pad/5");
  EXPECT_EQ(files[2].path, "t/.pad/5");
}

TEST(PathCleanerTest, RenamingStopsAtItsCost) {
  EXPECT_EQ(Unique(Paths(30, "t/a")).size(), 30u);
  const Paths refused = Unique(Paths(118, "t/a"));
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_TRUE(absl::StrContains(refused[0], "equal names")) << refused[0];
}

// A name of bytes that matter: dots, slashes, controls, broken and overlong UTF-8, the invisible, and ordinary ones.
std::string RandomElement(Random* random) {
  static constexpr const char* kParts[] = {
      ".",        "..", "/", "\\",           "a", "B", "\xc0\xae", "\xe2\x80\x8b", "\n",   "\xff", "\xc2\x85",
      "\xe2\x80", " ",  "_", "\xef\xbb\xbf", "~", "-", ":",        "\xed\xa0",     "\x7f", ".txt", "\xe2\x9f\xb9"};
  std::string element;
  for (uint64_t i = 0, n = random->Below(6); i < n; ++i) element += kParts[random->Below(std::size(kParts))];
  if (random->Below(50) == 0) element.append(random->Below(300), 'L');
  if (!element.empty() && random->Below(20) == 0) element.push_back('\0');
  return element;
}

bool IsSafeElement(absl::string_view element) {
  if (element.empty() || element == "." || element == "..") return false;
  if (element.size() > kMaxPathElementBytes + 15 || !IsUtf8(element)) return false;
  for (char c : element) {
    if (c == '\\' || c == 0x7f || (c >= 0 && c < 0x20)) return false;
  }
  return true;
}

#ifdef TORRENT_SANITIZED
constexpr size_t kRandomPaths = 50'000;  // instrumented code takes twenty times as long
#else
constexpr size_t kRandomPaths = 1'000'000;
#endif

// CVE-2009-1760, CVE-2010-0012, CVE-2007-1384: a million random paths, none of which leaves its folder.
TEST(PathCleanerTest, NoRandomPathLeavesTheFolder) {
  Random random(20100012);
  size_t paths = 0;
  while (paths < kRandomPaths) {
    bencode::Encoder info;
    info.BeginDictionary().Key("files").BeginList();
    const uint64_t count = 1 + random.Below(20);
    for (uint64_t i = 0; i < count; ++i) {
      info.BeginDictionary().Key("length").Integer(0).Key("path").BeginList();
      for (uint64_t k = 0, n = 1 + random.Below(4); k < n; ++k) info.String(RandomElement(&random));
      info.End();
      if (random.Below(4) == 0) info.Key("path.utf-8").BeginList().String(RandomElement(&random)).End();
      info.End();
    }
    info.End().Key("name").String("n" + RandomElement(&random));
    if (random.Below(2) == 0) info.Key("name.utf-8").String(RandomElement(&random));
    info.Key("piece length").Integer(16384).Key("pieces").String("").End();
    absl::StatusOr<Metainfo> metainfo = ParseInfo(info.str());
    ASSERT_TRUE(metainfo.ok()) << metainfo.status();
    ASSERT_EQ(metainfo->files.size(), count);
    for (const MetainfoFile& file : metainfo->files) {
      ASSERT_TRUE(absl::StartsWith(file.path, metainfo->name + "/")) << file.path;
      for (absl::string_view element : absl::StrSplit(file.path, '/')) ASSERT_TRUE(IsSafeElement(element)) << file.path;
    }
    paths += count;
  }
}

}  // namespace
}  // namespace torrent
