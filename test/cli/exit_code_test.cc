#include "cli/exit_code.h"

#include <errno.h>
#include <gtest/gtest.h>

namespace torrent {
namespace {

// The numbers are a promise of the man page.
TEST(ExitCodeTest, EveryFailureHasItsCode) {
  EXPECT_EQ(ExitCodeOf(Failure::kNone), 0);
  EXPECT_EQ(ExitCodeOf(Failure::kOther), 1);
  EXPECT_EQ(ExitCodeOf(Failure::kDisk), 5);
  EXPECT_EQ(ExitCodeOf(Failure::kNetwork), 7);
}

TEST(ExitCodeTest, StartFailsForTheNetworkOrTheStateFolder) {
  SessionOptions options;
  EXPECT_EQ(ExitCodeOfStart(absl::UnavailableError(""), options), 7);
  EXPECT_EQ(ExitCodeOfStart(absl::InvalidArgumentError(""), options), 2);
  EXPECT_EQ(ExitCodeOfStart(absl::ErrnoToStatus(EACCES, "/state"), options), 5);
  options.bind = "203.0.113.9";
  EXPECT_EQ(ExitCodeOfStart(absl::InvalidArgumentError(""), options), 7);
}

TEST(ExitCodeTest, DiskErrorsAreDiskErrors) {
  for (int error : {ENOSPC, EDQUOT, EIO, EROFS, EACCES, ENOENT, ENOTDIR, EFBIG, EMFILE}) {
    EXPECT_EQ(ExitCodeOfDisk(absl::ErrnoToStatus(error, "/x")), 5) << error;
  }
  EXPECT_EQ(ExitCodeOfDisk(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOfDisk(absl::AlreadyExistsError("")), 1);
}

TEST(ExitCodeTest, AFullDiskComesWithAdvice) {
  EXPECT_NE(Advice(kExitDisk, absl::ErrnoToStatus(ENOSPC, "/x")), "");
  EXPECT_NE(Advice(kExitDisk, absl::ErrnoToStatus(EACCES, "/x")), "");
  EXPECT_NE(Advice(kExitNetwork, absl::UnavailableError("")), "");
}

}  // namespace
}  // namespace torrent
