#include "swarm/serving.h"

#include <gtest/gtest.h>

#include "test/swarm/swarm_room.h"

namespace torrent {
namespace {

using Answer = Serving::Answer;

TEST(ServingTest, WhatIsNotWrittenIsNotThere) {
  SwarmRoom room(2, 1, /*complete=*/false);
  PieceQueue::Effects effects;
  EXPECT_EQ(room.context()->serving.MayServe(0, &effects), Answer::kNotThere);
}

TEST(ServingTest, OnlyWhatIsNotProvenIsHashedAndOnce) {
  SwarmRoom room(3, 1, /*complete=*/true);
  Serving& serving = room.context()->serving;
  wire::Bitfield unproven(3);
  unproven.Set(1);
  unproven.Set(2);
  serving.Begin(unproven);
  PieceQueue::Effects effects;
  EXPECT_EQ(serving.MayServe(1, &effects), Answer::kServe);
  for (uint32_t piece = 0; piece < 3; piece++) test::FlipByte(room.PathOfFile(), piece * kBlockBytes);
  EXPECT_EQ(serving.MayServe(0, &effects), Answer::kServe);
  EXPECT_EQ(serving.MayServe(1, &effects), Answer::kServe);
  EXPECT_FALSE(effects.work_returned);
  EXPECT_EQ(serving.MayServe(2, &effects), Answer::kLost);
  EXPECT_TRUE(effects.work_returned);  // somebody may fetch it again
  EXPECT_EQ(serving.MayServe(2, &effects), Answer::kNotThere);
}

TEST(ServingTest, APieceWhoseFileIsGoneIsLost) {
  SwarmRoom room(1, 1, /*complete=*/true);
  room.DistrustAll();
  ASSERT_EQ(remove(room.PathOfFile().c_str()), 0);
  PieceQueue::Effects effects;
  EXPECT_EQ(room.context()->serving.MayServe(0, &effects), Answer::kLost);
  EXPECT_FALSE(room.context()->queue.Complete());
}

}  // namespace
}  // namespace torrent
