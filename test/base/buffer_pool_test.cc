#include "base/buffer_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "base/thread.h"

namespace torrent {
namespace {

constexpr uint32_t kSmall = BufferPool::kBufferClasses[0];
constexpr uint32_t kLarge = BufferPool::kBufferClasses[2];

TEST(BufferPoolTest, LendsTheMostRecentlyReturnedFirst) {
  BufferPool pool(16 << 20, 16 << 20);
  BufferRef a = pool.Acquire(2), b = pool.Acquire(2);
  uint8_t* const a_data = a.data();
  uint8_t* const b_data = b.data();
  EXPECT_NE(a_data, b_data);
  a = BufferRef();
  b = BufferRef();
  EXPECT_EQ(pool.Acquire(2).data(), b_data);
  BufferRef again = pool.Acquire(2);
  EXPECT_EQ(again.data(), b_data);
  EXPECT_EQ(pool.Acquire(2).data(), a_data);
}

TEST(BufferPoolTest, TheLastHolderGivesItBack) {
  BufferPool pool(16 << 20, 0);
  BufferRef a = pool.Acquire(1);
  EXPECT_EQ(pool.bytes_in_use(), a.capacity());
  EXPECT_TRUE(a.unique());
  BufferRef b = a;
  EXPECT_FALSE(a.unique());
  EXPECT_TRUE(a == b);
  BufferRef c = std::move(a);
  b = c;  // of itself, through another
  a = BufferRef();
  b = BufferRef();
  EXPECT_TRUE(c.unique());
  EXPECT_EQ(pool.bytes_in_use(), c.capacity());
  c = BufferRef();
  EXPECT_FALSE(c);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(BufferPoolTest, ClassesHaveTheirSizesAndTheSmallestHoldsAPieceMessage) {
  BufferPool pool(16 << 20, 0);
  for (int size_class = 0; size_class < BufferPool::kClassCount; size_class++) {
    BufferRef buffer = pool.Acquire(size_class);
    EXPECT_EQ(buffer.capacity(), BufferPool::kBufferClasses[size_class]);
    memset(buffer.data(), 0xab, buffer.capacity());
  }
  EXPECT_GE(kSmall, 16384u + 13 + 4);
}

TEST(BufferPoolTest, PastHalfOfTheLimitOnlyTheSmallestAreLentAndThoseAlways) {
  BufferPool pool(4 * kLarge, 0);
  BufferRef a = pool.Acquire(2), b = pool.Acquire(2);
  EXPECT_EQ(b.capacity(), kLarge);
  std::vector<BufferRef> more;
  for (int i = 0; i < 100; i++) more.push_back(pool.Acquire(2));
  for (const BufferRef& buffer : more) EXPECT_EQ(buffer.capacity(), kSmall);
  EXPECT_EQ(pool.bytes_in_use(), 2 * kLarge + 100 * kSmall);
  EXPECT_GT(pool.bytes_in_use(), pool.limit_bytes());
  more.clear();
  a = BufferRef();
  EXPECT_EQ(pool.Acquire(2).capacity(), kLarge);
}

TEST(BufferPoolTest, KeepsNoMoreThanItMay) {
  BufferPool pool(16 << 20, 2 * kLarge);
  std::vector<BufferRef> buffers;
  for (int i = 0; i < 4; i++) buffers.push_back(pool.Acquire(2));
  buffers.pop_back();  // as much as it may keep in all is still out
  EXPECT_EQ(pool.bytes_kept(), 0u);
  buffers.pop_back();
  buffers.pop_back();
  EXPECT_EQ(pool.bytes_kept(), kLarge);
  buffers.clear();
  EXPECT_EQ(pool.bytes_kept(), 2 * kLarge);
  BufferRef again = pool.Acquire(2);
  EXPECT_EQ(pool.bytes_kept(), kLarge);
}

TEST(BufferPoolTest, TheFirstFewAreLargeAndManyAreNot) {
  BufferPool pool(64 << 20, 6 << 20);
  std::vector<BufferRef> buffers;
  for (int i = 0; i < 40; i++) buffers.push_back(pool.Acquire(BufferPool::kClassCount - 1));
  EXPECT_EQ(buffers[0].capacity(), 256u << 10);
  EXPECT_EQ(buffers[1].capacity(), 256u << 10);
  EXPECT_EQ(buffers[2].capacity(), 128u << 10);
  EXPECT_EQ(buffers[3].capacity(), 128u << 10);
  for (size_t i = 4; i < buffers.size(); i++) EXPECT_EQ(buffers[i].capacity(), 64u << 10) << i;
}

TEST(BufferPoolTest, WhatWasNeededOnceIsNotKept) {
  BufferPool pool(64 << 20, 6 << 20);
  std::vector<BufferRef> buffers;
  for (int i = 0; i < 32; i++) buffers.push_back(pool.Acquire(1));
  buffers.clear();
  EXPECT_EQ(pool.bytes_kept(), 32u * (64 << 10));
  // From then on two are enough.
  for (int i = 0; i < 1200; i++) {
    BufferRef a = pool.Acquire(1), b = pool.Acquire(1);
  }
  EXPECT_EQ(pool.bytes_kept(), 2u * (64 << 10));
  // Others of another size come and go: these two are not needed any more either.
  for (int i = 0; i < 1200; i++) pool.Acquire(0);
  EXPECT_EQ(pool.bytes_kept(), BufferPool::kBufferClasses[0]);
}

TEST(BufferPoolTest, SizesThatNobodyAsksForAnyMoreMakeWay) {
  BufferPool pool(64 << 20, 3 * kLarge);
  std::vector<BufferRef> small;
  for (uint32_t i = 0; i < 3 * kLarge / kSmall; i++) small.push_back(pool.Acquire(0));
  small.clear();
  EXPECT_GT(pool.bytes_kept(), 3 * kLarge - kSmall);
  uint8_t* data = nullptr;
  {
    BufferRef large = pool.Acquire(2);
    data = large.data();
    large.data()[7] = 77;
  }
  BufferRef again = pool.Acquire(2);
  EXPECT_EQ(again.data(), data);
  EXPECT_EQ(again.data()[7], 77) << "the same memory, not mapped anew in the same place";
}

TEST(BufferPoolTest, ManyThreadsHandBuffersOn) {
  BufferPool pool(16 << 20, 1 << 20);
  std::atomic<int> wrong{0};
  std::vector<Thread> threads;
  for (uint8_t t = 1; t <= 4; t++) {
    auto thread = Thread::Start("pool", [&pool, &wrong, t] {
      std::vector<BufferRef> held;
      for (int i = 0; i < 2000; i++) {
        BufferRef buffer = pool.Acquire(i % BufferPool::kClassCount);
        buffer.data()[0] = t;
        buffer.data()[buffer.capacity() - 1] = t;
        held.push_back(buffer);
        if (held.size() > 8) {
          const BufferRef& oldest = held.front();
          if (oldest.data()[0] != t || oldest.data()[oldest.capacity() - 1] != t) wrong++;
          held.erase(held.begin());
        }
      }
    });
    ASSERT_TRUE(thread.ok());
    threads.push_back(*std::move(thread));
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace torrent
