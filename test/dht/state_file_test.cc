#include "dht/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/random.h"
#include "test/dht/memory_net.h"

namespace torrent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class StateFileTest : public ::testing::Test {
 protected:
  StateFileTest() {
    char folder[] = "/tmp/dht-state-XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = absl::StrCat(folder_, "/dht");
    state_.id_v4 = RandomNodeId();
    state_.id_v6 = RandomNodeId();
    for (int i = 0; i < 20; ++i) {
      state_.nodes_v4.push_back({RandomNodeId(), At(absl::StrCat("8.1.", i, ".1:6881"))});
      state_.nodes_v6.push_back({RandomNodeId(), At(absl::StrCat("[2001:db8::", i, "]:6881"))});
    }
  }
  ~StateFileTest() override {
    unlink(path_.c_str());
    unlink(absl::StrCat(path_, ".new").c_str());
    rmdir(folder_.c_str());
  }
  void Write(absl::string_view bytes) const { std::ofstream(path_) << bytes; }

  std::string folder_, path_;
  DhtState state_;
};

TEST_F(StateFileTest, ComesBackAsItWas) {
  ASSERT_TRUE(SaveDhtState(path_, state_).ok());
  state_.nodes_v4.pop_back();
  ASSERT_TRUE(SaveDhtState(path_, state_).ok()) << "over what is there";
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_NE(access(absl::StrCat(path_, ".new").c_str(), F_OK), 0);
  absl::StatusOr<DhtState> loaded = LoadDhtState(path_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->id_v4, state_.id_v4);
  EXPECT_EQ(loaded->id_v6, state_.id_v6);
  EXPECT_EQ(loaded->nodes_v4, state_.nodes_v4);
  EXPECT_EQ(loaded->nodes_v6, state_.nodes_v6);
}

TEST_F(StateFileTest, BoundsItsNodes) {
  state_.nodes_v4.resize(1000, state_.nodes_v4[0]);
  ASSERT_TRUE(SaveDhtState(path_, state_).ok());
  absl::StatusOr<DhtState> loaded = LoadDhtState(path_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->nodes_v4, SizeIs(kMaxDhtStateNodes));
}

TEST_F(StateFileTest, AMissingOrForeignFileIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(LoadDhtState(path_).status()));
  for (const std::string& bad : {std::string(), std::string("x"), std::string("le"), std::string("i1e"),
                                 std::string("d2:id20:abc"), std::string(kMaxDhtStateBytes + 1, 'd')}) {
    Write(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(LoadDhtState(path_).status())) << bad.substr(0, 20);
  }
  EXPECT_FALSE(LoadDhtState(folder_).ok());
  EXPECT_FALSE(SaveDhtState("/nonexistent/dht", state_).ok());
}

TEST_F(StateFileTest, LeavesOutWhatIsDamaged) {
  Write("d2:id3:abc5:nodes25:aaaaaaaaaaaaaaaaaaaaaaaaa6:nodes6i7ee");
  absl::StatusOr<DhtState> loaded = LoadDhtState(path_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_FALSE(loaded->id_v4.has_value());
  EXPECT_THAT(loaded->nodes_v4, IsEmpty());
  EXPECT_THAT(loaded->nodes_v6, IsEmpty());
}

TEST_F(StateFileTest, SurvivesDamageOfAnyKind) {
  const std::string whole = EncodeDhtState(state_);
  Random random(1);
  int accepted = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = whole.substr(0, random.Below(4) == 0 ? random.Below(whole.size()) : whole.size());
    for (int i = 0; i < 3 && !bytes.empty(); ++i) bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    absl::StatusOr<DhtState> state = DecodeDhtState(bytes);
    if (!state.ok()) continue;
    ++accepted;
    for (const NodeInfo& node : state->nodes_v4) ASSERT_TRUE(node.endpoint.address.is_v4() && node.endpoint.port != 0);
    for (const NodeInfo& node : state->nodes_v6) ASSERT_TRUE(node.endpoint.address.is_v6() && node.endpoint.port != 0);
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace torrent
