#include "base/budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "base/thread.h"

namespace torrent {
namespace {

TEST(BudgetTest, NeverGivesMoreThanTheLimit) {
  Budget budget(2);
  EXPECT_EQ(budget.limit(), 2);
  Budget::Slot a = budget.TryTake(), b = budget.TryTake();
  EXPECT_TRUE(a);
  EXPECT_TRUE(b);
  EXPECT_FALSE(budget.TryTake());
  EXPECT_EQ(budget.taken(), 2);
  a.Release();
  EXPECT_FALSE(a);
  a.Release();  // once
  EXPECT_EQ(budget.taken(), 1);
  EXPECT_TRUE(budget.TryTake());  // and given back at once
  EXPECT_EQ(budget.taken(), 1);
}

TEST(BudgetTest, ASlotMovesAndIsGivenBackByItsLastHolder) {
  Budget budget(1);
  Budget::Slot kept;
  {
    Budget::Slot taken = budget.TryTake();
    kept = std::move(taken);
  }
  EXPECT_EQ(budget.taken(), 1);
  {
    Budget::Slot last(std::move(kept));
    EXPECT_FALSE(kept);
    EXPECT_EQ(budget.taken(), 1);
  }
  EXPECT_EQ(budget.taken(), 0);
}

TEST(BudgetTest, AnAssignedSlotGivesBackWhatItHeld) {
  Budget first(1), second(1);
  Budget::Slot slot = first.TryTake();
  slot = second.TryTake();
  EXPECT_EQ(first.taken(), 0);
  EXPECT_EQ(second.taken(), 1);
}

TEST(BudgetTest, ABudgetOfNothingGivesNothing) {
  Budget budget(0);
  EXPECT_FALSE(budget.TryTake());
}

TEST(BudgetTest, ThreadsTogetherNeverHoldMoreThanTheLimit) {
  Budget budget(3);
  std::atomic<int> held{0};
  std::atomic<int> most{0};
  std::atomic<int> refused{0};
  std::vector<Thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.push_back(*Thread::Start("taker", [&] {
      for (int i = 0; i < 5000; i++) {
        Budget::Slot slot = budget.TryTake();
        if (!slot) {
          refused++;
          continue;
        }
        const int now = ++held;
        int before = most.load();
        while (now > before && !most.compare_exchange_weak(before, now)) {
        }
        --held;
      }
    }));
  }
  threads.clear();
  EXPECT_LE(most.load(), 3);
  EXPECT_LT(refused.load(), 4 * 5000);
  EXPECT_EQ(budget.taken(), 0);
}

}  // namespace
}  // namespace torrent
