#include "swarm/stall.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

StallFigures Standing(uint32_t known, uint32_t connected, uint32_t interesting, uint32_t unchoking) {
  StallFigures figures;
  figures.wants_payload = true;
  figures.without_payload = kStallAfter;
  figures.known = known;
  figures.connected = connected;
  figures.interesting = interesting;
  figures.unchoking = unchoking;
  return figures;
}

TEST(StallTest, SaysWhatIsMissingFirst) {
  EXPECT_EQ(DecideStall(Standing(0, 0, 0, 0)), Stall::kNoPeersKnown);
  EXPECT_EQ(DecideStall(Standing(17, 0, 0, 0)), Stall::kNoneAnswers);
  EXPECT_EQ(DecideStall(Standing(17, 5, 0, 0)), Stall::kLackPieces);
  EXPECT_EQ(DecideStall(Standing(17, 5, 3, 0)), Stall::kAllChoke);
  EXPECT_EQ(DecideStall(Standing(17, 5, 3, 1)), Stall::kNoneSends);
  // Who came to us may not be known by an address.
  EXPECT_EQ(DecideStall(Standing(0, 5, 3, 0)), Stall::kAllChoke);
}

TEST(StallTest, AFewSecondsAreNoStall) {
  StallFigures figures = Standing(0, 0, 0, 0);
  figures.without_payload = kStallAfter - std::chrono::milliseconds(1);
  EXPECT_EQ(DecideStall(figures), Stall::kNone);
}

TEST(StallTest, AFullDiskIsSaidAtOnceAndBeforeAllElse) {
  StallFigures figures = Standing(17, 5, 3, 1);
  figures.disk_full = true;
  EXPECT_EQ(DecideStall(figures), Stall::kDiskFull);
  figures.without_payload = {};
  EXPECT_EQ(DecideStall(figures), Stall::kDiskFull);
}

TEST(StallTest, WhatWantsNothingDoesNotStall) {
  StallFigures figures = Standing(0, 0, 0, 0);
  figures.wants_payload = false;
  EXPECT_EQ(DecideStall(figures), Stall::kNone);
  figures.disk_full = true;
  EXPECT_EQ(DecideStall(figures), Stall::kNone);
}

}  // namespace
}  // namespace torrent
