#include "storage/kept_metainfo.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/state_dir.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

Metainfo Made(const std::string& name) {
  return *ParseInfo("d6:lengthi10e4:name" + std::to_string(name.size()) + ":" + name +
                    "12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae");
}

TEST(KeptMetainfoTest, IsWhatWasKept) {
  TempDir folder;
  absl::StatusOr<StateDir> state = StateDir::Open(folder.path());
  ASSERT_TRUE(state.ok());
  Metainfo metainfo = Made("a.bin");
  metainfo.trackers = {{"http://a/announce", "http://b/announce"}, {"udp://c:1"}};
  metainfo.web_seeds = {"http://s/x"};
  metainfo.nodes = {{"n.example.org", 7}};
  const std::string path = state->MetainfoPath(metainfo.infohash);
  EXPECT_TRUE(absl::IsNotFound(LoadKeptMetainfo(path, metainfo.infohash).status()));
  for (int i = 0; i < 2; i++) ASSERT_TRUE(KeepMetainfo(path, metainfo).ok()) << "the second replaces the first";
  absl::StatusOr<Metainfo> kept = LoadKeptMetainfo(path, metainfo.infohash);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->info_bytes, metainfo.info_bytes);
  EXPECT_EQ(kept->trackers, metainfo.trackers);
  EXPECT_EQ(kept->web_seeds, metainfo.web_seeds);
  EXPECT_EQ(kept->nodes, metainfo.nodes);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(KeptMetainfoTest, BelievesNoOtherTorrentAndNoDamage) {
  TempDir folder;
  const Metainfo metainfo = Made("a.bin");
  const std::string path = folder.path() + "/kept.torrent";
  ASSERT_TRUE(KeepMetainfo(path, Made("other")).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(LoadKeptMetainfo(path, metainfo.infohash).status()));
  const std::string whole = EncodeMetainfo(metainfo);
  for (size_t size = 0; size < whole.size(); size += 7) {
    WriteFile(path, whole.substr(0, size));
    EXPECT_FALSE(LoadKeptMetainfo(path, metainfo.infohash).ok()) << size;
  }
}

TEST(KeptMetainfoTest, AFailureLeavesWhatWasThere) {
  TempDir folder;
  EXPECT_FALSE(KeepMetainfo(folder.path() + "/none/kept.torrent", Made("a")).ok());
  // A folder of that name cannot be replaced by a file.
  const std::string path = folder.path() + "/kept.torrent";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  EXPECT_FALSE(KeepMetainfo(path, Made("a")).ok());
  EXPECT_EQ(rmdir(path.c_str()), 0);
  EXPECT_EQ(rmdir(folder.path().c_str()), 0) << "no half of one stays";
}

}  // namespace
}  // namespace torrent
