#include "cli/metainfo_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/json_lines.h"

namespace torrent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Metainfo Sample() {
  Metainfo metainfo;
  metainfo.name = "top";
  metainfo.piece_length = 1 << 20;
  metainfo.piece_count = 3;
  metainfo.multi_file = true;
  const struct {
    const char* path;
    uint64_t length;
    bool pad;
  } kFiles[] = {
      {"top/a/one", 1 << 20, false}, {"top/.pad/5", 5, true}, {"top/a/b/two", 1536, false}, {"top/c", 0, false}};
  for (const auto& file : kFiles) {
    MetainfoFile entry;
    entry.path = file.path;
    entry.offset = metainfo.total_length;
    entry.length = file.length;
    entry.pad = file.pad;
    metainfo.total_length += file.length;
    metainfo.files.push_back(entry);
  }
  metainfo.files[3].executable = true;
  metainfo.trackers = {{"http://one/announce", "http://two/announce"}, {"http://three/announce"}};
  metainfo.comment = "first line\nsecond\x1b[31m";
  metainfo.creation_date = 1714564800;
  return metainfo;
}

TEST(MetainfoTextTest, TreeShowsTheNumbersThatSelectTakes) {
  EXPECT_EQ(FileTreeText(Sample()),
            "             top/\n"
            "               a/\n"
            "1   1.0 MiB      one\n"
            "                 b/\n"
            "3   1.5 KiB        two\n"
            "4       0 B    c*\n");
}

TEST(MetainfoTextTest, TellsEverythingInCleanText) {
  const std::string text = MetainfoText(Sample());
  EXPECT_THAT(text, HasSubstr("Size:         1.0 MiB (1050112 bytes) in 3 files\n"));
  EXPECT_THAT(text, HasSubstr("Pieces:       3 of 1.0 MiB\n"));
  EXPECT_THAT(text, HasSubstr("Tracker 1:    http://two/announce\n"));
  EXPECT_THAT(text, HasSubstr("Tracker 2:    http://three/announce\n"));
  EXPECT_THAT(text, HasSubstr("Created:      2024-05-01 12:00:00 UTC\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\nsecond")));
}

TEST(MetainfoTextTest, SurvivesADateThatNoCalendarHas) {
  Metainfo metainfo = Sample();
  metainfo.creation_date = INT64_MAX;
  EXPECT_THAT(MetainfoText(metainfo), Not(HasSubstr("Created:")));
}

TEST(MetainfoTextTest, JsonHoldsTheSame) {
  const auto json = nlohmann::json::parse(JsonOfMetainfo(Sample(), nullptr));
  EXPECT_EQ(json["v"], 1);
  EXPECT_EQ(json["files"].size(), 4u);
  EXPECT_EQ(json["files"][2]["index"], 3);
  EXPECT_EQ(json["files"][2]["path"], "top/a/b/two");
  EXPECT_EQ(json["files"][2]["length"], 1536);
  EXPECT_EQ(json["files"][1]["pad"], true);
  EXPECT_EQ(json["trackers"][0][1], "http://two/announce");
  EXPECT_EQ(json["comment"], "first line\nsecond\x1b[31m");
  EXPECT_FALSE(json.contains("scrapes"));
  std::vector<ScrapeResult> scrapes(1);
  scrapes[0].complete = 5;
  EXPECT_EQ(nlohmann::json::parse(JsonOfMetainfo(Sample(), &scrapes))["scrapes"][0]["seeds"], 5);
}

}  // namespace
}  // namespace torrent
