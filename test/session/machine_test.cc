#include "session/machine.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace torrent {
namespace {

// Row 120: with 40 descriptors 64 files stayed open until none was left for a checkpoint, and the download waited.
TEST(MachineTest, FilesAndPeersLeaveDescriptorsForTheRest) {
  // A session has about 26 for itself; an incoming connection that shakes hands is within its peers'.
  for (const uint64_t descriptors : {40, 64, 128, 256, 1024, 20'000}) {
    const uint64_t taken =
        FilesForDescriptors(descriptors) + 2 * static_cast<uint64_t>(PeersForDescriptors(descriptors));
    EXPECT_LE(taken + 26, descriptors) << descriptors << " descriptors";
    EXPECT_GE(FilesForDescriptors(descriptors), 4u) << descriptors << " descriptors";
    EXPECT_GE(PeersForDescriptors(descriptors), 1) << descriptors << " descriptors";
  }
  EXPECT_EQ(FilesForDescriptors(1024), kMaxOpenFiles);
  EXPECT_GE(PeersForDescriptors(1024), 400);
}

}  // namespace
}  // namespace torrent
