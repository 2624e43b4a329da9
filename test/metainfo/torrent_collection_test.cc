// Every file of the collection in test/data, against what its EXPECTED.tsv says of it.
#include <dirent.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "torrent/metainfo.h"

namespace torrent {
namespace {

constexpr char kFolder[] = "test/data/libtorrent-test-torrents/";

absl::StatusOr<Metainfo> Load(const std::string& name) { return LoadMetainfo(kFolder + name); }

std::vector<std::string> PathsOf(const Metainfo& metainfo) {
  std::vector<std::string> paths;
  for (const MetainfoFile& file : metainfo.files) paths.push_back(file.path);
  return paths;
}

void ExpectInside(const Metainfo& metainfo) {
  ASSERT_EQ(metainfo.name.find('/'), std::string::npos);
  for (const MetainfoFile& file : metainfo.files) {
    const std::vector<std::string> elements = absl::StrSplit(file.path, '/');
    EXPECT_EQ(elements[0], metainfo.name);
    for (const std::string& element : elements) {
      EXPECT_FALSE(element.empty() || element == "." || element == "..") << file.path;
    }
  }
}

struct Expectation {
  bool ok;
  std::string reason, kind, infohash;
};

std::map<std::string, Expectation> ReadExpectations() {
  std::map<std::string, Expectation> expectations;
  std::ifstream in(std::string(kFolder) + "EXPECTED.tsv");
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (fields.size() >= 5) expectations[fields[0]] = {fields[1] == "ok", fields[2], fields[3], fields[4]};
  }
  return expectations;
}

TEST(TorrentCollectionTest, EveryFileIsWhatTheTableSays) {
  const std::map<std::string, Expectation> expectations = ReadExpectations();
  ASSERT_EQ(expectations.size(), 72u);
  for (const auto& [name, expected] : expectations) {
    SCOPED_TRACE(name + ": " + expected.reason);
    absl::StatusOr<Metainfo> metainfo = Load(name);
    if (expected.ok && expected.kind != "v2") {
      ASSERT_TRUE(metainfo.ok()) << metainfo.status();
      EXPECT_EQ(metainfo->infohash.Hex(), expected.infohash);
      EXPECT_EQ(metainfo->hybrid, expected.kind == "hybrid");
      ExpectInside(*metainfo);
    } else if (expected.ok) {
      EXPECT_EQ(metainfo.status().code(), absl::StatusCode::kUnimplemented) << metainfo.status();
      EXPECT_TRUE(absl::StrContains(metainfo.status().message(), "BitTorrent v2")) << metainfo.status();
    } else {
      EXPECT_EQ(metainfo.status().code(), absl::StatusCode::kInvalidArgument) << metainfo.status();
      EXPECT_TRUE(absl::StrContains(metainfo.status().message(), name)) << "the message names the file";
    }
  }
}

TEST(TorrentCollectionTest, TheTableHasEveryFile) {
  const std::map<std::string, Expectation> expectations = ReadExpectations();
  DIR* folder = opendir(kFolder);
  ASSERT_NE(folder, nullptr);
  size_t files = 0;
  while (const dirent* entry = readdir(folder)) {
    if (!absl::EndsWith(entry->d_name, ".torrent")) continue;
    ++files;
    EXPECT_TRUE(expectations.count(entry->d_name)) << entry->d_name;
  }
  closedir(folder);
  EXPECT_EQ(files, expectations.size());
}

TEST(TorrentCollectionTest, PathsComeOutAsTheTableSays) {
  const struct {
    const char* file;
    std::vector<std::string> paths;
  } known[] = {
      {"absolute_filename.torrent", {"temp/abcde", "temp/foobar"}},
      {"slash_path.torrent", {"temp/_/_/bar"}},
      {"slash_path3.torrent", {"temp....abc"}},
      {"hidden_parent_path.torrent", {"temp/foo......bar/bar"}},
      {"empty_path.torrent", {"temp/_/_"}},
      {"pad_file_no_path.torrent", {"temp/foo/bar.txt", "temp/.pad/2124"}},
  };
  for (const auto& [file, paths] : known) {
    absl::StatusOr<Metainfo> metainfo = Load(file);
    ASSERT_TRUE(metainfo.ok()) << metainfo.status();
    EXPECT_EQ(PathsOf(*metainfo), paths) << file;
  }
}

TEST(TorrentCollectionTest, FieldsComeOutAsTheTableSays) {
  using Nodes = std::vector<std::pair<std::string, uint16_t>>;
  using Strings = std::vector<std::string>;
  EXPECT_EQ(Load("creation_date.torrent")->creation_date, 1234567);
  EXPECT_FALSE(Load("no_creation_date.torrent")->creation_date);
  EXPECT_EQ(Load("dht_nodes.torrent")->nodes, (Nodes{{"127.0.0.1", 6881}, {"192.168.1.1", 6881}}));
  EXPECT_EQ(Load("whitespace_url.torrent")->trackers, (std::vector<Strings>{{"udp://test.com/announce"}}));
  for (const char* empty : {"empty_httpseed.torrent", "url_list.torrent", "url_list2.torrent", "url_list3.torrent"}) {
    EXPECT_TRUE(Load(empty)->web_seeds.empty()) << empty;
  }
  EXPECT_EQ(Load("url_seed_multi.torrent")->web_seeds, Strings{"http://test.com/file/"});
  EXPECT_EQ(Load("url_seed_multi_space.torrent")->web_seeds, Strings{"http://test.com/test%20file/foo%20bar/"});
  EXPECT_EQ(Load("url_seed_multi_space_nolist.torrent")->web_seeds, Strings{"http://test.com/test%20file/foo%20bar/"});
  EXPECT_EQ(Load("url_seed_multi_single_file.torrent")->web_seeds.size(), 1u);

  const absl::StatusOr<Metainfo> large = Load("large.torrent");
  EXPECT_EQ(large->total_length, 5'242'880'000u);
  EXPECT_EQ(large->piece_count, 5000u);
  EXPECT_EQ(large->piece_length, 1u << 20);

  const absl::StatusOr<Metainfo> sample = Load("sample.torrent");
  ASSERT_EQ(sample->files.size(), 3u);
  EXPECT_TRUE(sample->files[1].pad);
  for (const Strings& tier : sample->trackers) {
    for (const std::string& url : tier) EXPECT_TRUE(absl::StrContains(url, "://")) << url;
  }
  EXPECT_TRUE(Load("pad_file_no_path.torrent")->files[1].pad);
  EXPECT_EQ(Load("pad_file_no_path.torrent")->files[1].length, 2124u);
  EXPECT_LE(Load("long_name.torrent")->name.size(), 240u);
  EXPECT_EQ(Load("invalid_name3.torrent")->name, "foobar ");

  int links = 0;
  const absl::StatusOr<Metainfo> link = Load("symlink1.torrent");
  for (const MetainfoFile& file : link->files) links += file.symlink;
  const absl::StatusOr<Metainfo> link_without_length = Load("symlink_zero_size.torrent");
  uint64_t link_bytes = 0;
  for (const MetainfoFile& file : link_without_length->files) {
    links += file.symlink;
    link_bytes += file.symlink ? file.length : 0;
  }
  EXPECT_EQ(links, 2);
  EXPECT_EQ(link_bytes, 0u);
}

}  // namespace
}  // namespace torrent
