#include "metainfo/selection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"

namespace torrent {
namespace {

// 1 album/01.flac, 2 pad, 3 album/02.flac, 4 album/scans/front.jpg, 5 album/a,b.txt, 6 album/[x].txt
Metainfo Album() {
  Metainfo metainfo;
  metainfo.name = "album";
  metainfo.multi_file = true;
  for (const char* path : {"01.flac", ".pad/7", "02.flac", "scans/front.jpg", "a,b.txt", "[x].txt"}) {
    MetainfoFile file;
    file.path = std::string("album/") + path;
    file.pad = metainfo.files.size() == 1;
    metainfo.files.push_back(file);
  }
  return metainfo;
}

// The numbers of the files that are wanted, or the error.
std::string Select(const std::vector<std::string>& expressions, const Metainfo& metainfo = Album()) {
  absl::StatusOr<std::vector<bool>> wanted = SelectFiles(metainfo, expressions);
  if (!wanted.ok()) return std::string(wanted.status().message());
  std::string numbers;
  for (size_t i = 0; i < wanted->size(); ++i) {
    if ((*wanted)[i]) numbers += std::to_string(i + 1);
  }
  return numbers;
}

TEST(SelectionTest, NumbersRangesAndPatternsAddUp) {
  EXPECT_EQ(Select({"1"}), "1");
  EXPECT_EQ(Select({"1,4"}), "14");
  EXPECT_EQ(Select({" 1 , 4 "}), "14");
  EXPECT_EQ(Select({"3-5"}), "345");
  EXPECT_EQ(Select({"5-"}), "56");
  EXPECT_EQ(Select({"4-4", "1"}), "14");
  EXPECT_EQ(Select({"*.flac"}), "13");
  EXPECT_EQ(Select({"scans/*"}), "4");
  EXPECT_EQ(Select({"album/scans/*"}), "4");
  EXPECT_EQ(Select({"*front*", "1"}), "14");
  EXPECT_EQ(Select({"0[12].flac"}), "13");
  EXPECT_EQ(Select({"a\\,b.txt,1"}), "15");
  EXPECT_EQ(Select({"\\[x].txt"}), "6");
}

TEST(SelectionTest, NoExpressionIsEverythingButPadFiles) { EXPECT_EQ(Select({}), "13456"); }

TEST(SelectionTest, PadFilesAreNeverWanted) {
  EXPECT_EQ(Select({"1-3"}), "13");
  EXPECT_EQ(Select({"*"}), "13456");
  EXPECT_EQ(Select({"2"}), "selection \"2\": only pad files, which are never downloaded");
  EXPECT_EQ(Select({".pad/*"}), "selection \".pad/*\": no file has such a path");
}

TEST(SelectionTest, ALoneFileIsMatchedByItsName) {
  Metainfo metainfo;
  metainfo.name = "film.mkv";
  metainfo.files.resize(1);
  metainfo.files[0].path = "film.mkv";
  EXPECT_EQ(Select({"film*"}, metainfo), "1");
  EXPECT_EQ(Select({"1"}, metainfo), "1");
  EXPECT_EQ(Select({"2"}, metainfo), "selection \"2\": files are numbered from 1 to 1");
}

TEST(SelectionTest, ErrorsQuoteThePartThatIsWrong) {
  const struct {
    const char *expression, *message;
  } bad[] = {
      {"1,7", "selection \"7\": files are numbered from 1 to 6"},
      {"0", "selection \"0\": files are numbered from 1 to 6"},
      {"3-7", "selection \"3-7\": files are numbered from 1 to 6"},
      {"7-", "selection \"7-\": files are numbered from 1 to 6"},
      {"99999999999999999999", "selection \"99999999999999999999\": files are numbered from 1 to 6"},
      {"4-3", "selection \"4-3\": runs backwards"},
      {"*.mp3", "selection \"*.mp3\": no file has such a path"},
      {"-3", "selection \"-3\": no file has such a path"},
      {"1,,3", "selection: an empty part"},
      {"", "selection: an empty part"},
  };
  for (const auto& [expression, message] : bad) EXPECT_EQ(Select({expression}), message);
}

}  // namespace
}  // namespace torrent
