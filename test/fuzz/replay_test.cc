// The inputs of test/fuzz/corpus, each once through its target: what once broke it stays mended, and a target that has
// changed so that its seeds lead nowhere is seen.
#include <dirent.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/session_world.h"
#include "test/support/files.h"

namespace torrent::fuzz {
namespace {

constexpr char kCorpus[] = "test/fuzz/corpus";  // the tests run at the root of the source tree

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> TargetNames() {
  std::vector<std::string> names;
  for (const auto& [name, function] : FuzzTargets()) names.push_back(name);
  return names;
}

void RunCorpus(const std::string& target) {
  const std::string folder = std::string(kCorpus) + "/" + target;
  const std::vector<std::string> names = NamesIn(folder);
  EXPECT_FALSE(names.empty()) << folder << " has no input";
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    // A crash says no more than where: the last of these lines is its input. (What passes is not printed.)
    fprintf(stderr, "replay %s\n", path.c_str());
    const std::string bytes = test::ReadFile(path);
    const auto exact = std::make_unique<char[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    FuzzTargets().at(target)(absl::string_view(exact.get(), bytes.size()));
  }
}

class Replay : public ::testing::TestWithParam<std::string> {};

TEST_P(Replay, SurvivesItsCorpus) { RunCorpus(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, Replay, ::testing::ValuesIn(TargetNames()), [](const auto& info) { return info.param; });

TEST(ReplayTest, EveryCorpusHasItsTarget) { EXPECT_EQ(NamesIn(kCorpus), TargetNames()); }

// A session that ends at its first byte survives everything: the seeds must get as far as a good peer, and a bad one.
TEST(ReplayTest, SeedsOfSessionsGetSomewhere) {
  const SessionWorld::Reach& reach = *SessionWorld::reached();
  const SessionWorld::Reach before = reach;
  RunCorpus("peer_session");
  EXPECT_GE(reach.pieces_received, before.pieces_received + 8) << "a whole download";
  EXPECT_GT(reach.bytes_sent, before.bytes_sent);
  EXPECT_GT(reach.liars, before.liars);
  RunCorpus("peer_blocks");
  EXPECT_GT(reach.verdicts, before.verdicts);
  RunCorpus("ut_metadata");
  EXPECT_GT(reach.adopted, before.adopted);
}

}  // namespace
}  // namespace torrent::fuzz
