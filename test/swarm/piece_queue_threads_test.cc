// The piece queue between threads, with real blocks and real hashes: what ThreadSanitizer looks at.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/thread.h"
#include "swarm/piece_queue.h"
#include "test/support/payload.h"

namespace torrent {
namespace {

using Outcome = PieceQueue::Arrival::Outcome;

constexpr uint32_t kPieceBytes = 4 * kBlockBytes;

// Workers that download, a writer, and a coordinator that does the upkeep, all at once.
class Machine {
 public:
  explicit Machine(uint64_t length)
      : payload_("machine", length, kPieceBytes),
        layout_(*payload_.metainfo()),
        disk_(length, '\0'),
        queue_(payload_.metainfo(), &layout_, 7, [this](const PieceQueue::Effects& effects) { CarryOut(effects); }) {
    PieceQueue::Effects effects;
    queue_.Begin(wire::Bitfield(layout_.piece_count()), wire::Bitfield::AllSet(layout_.piece_count()), {}, &effects);
  }

  // One peer after another, each with some pieces or all, that comes, delivers out of order, is choked, leaves.
  void RunWorker(uint16_t number) {
    Random random(number);
    while (!queue_.Complete() && Now() < deadline_) {
      std::unique_ptr<PieceQueue::Claimant> claimant =
          queue_.AddClaimant(*Endpoint::Parse(absl::StrCat("10.0.0.", number, ":1")));
      claimant->SetBitfield(wire::Bitfield::AllSet(layout_.piece_count()));
      const uint64_t turns = 20 + random.Below(50);
      std::vector<BlockRef> asked;
      for (uint64_t turn = 0; turn < turns && !queue_.Complete() && Now() < deadline_; turn++) {
        PieceQueue::Effects effects;
        claimant->Claim(1 + random.Below(6), {random.Fraction() * 1e6, Duration{}}, Now(), {}, &asked, &effects);
        CarryOut(effects);
        if (asked.empty()) {
          sched_yield();
          continue;
        }
        if (random.Below(10) == 0) {
          PieceQueue::Effects given;
          claimant->GiveBack(asked, &given);
          CarryOut(given);
          asked.clear();
          continue;
        }
        if (random.Below(3) == 0) std::reverse(asked.begin(), asked.end());
        const auto count = static_cast<ptrdiff_t>(1 + random.Below(asked.size()));
        Deliver(claimant.get(), {asked.begin(), asked.begin() + count});
        asked.erase(asked.begin(), asked.begin() + count);
      }
    }
  }

  void RunWriter() {
    while (!done_.load()) {
      std::deque<BlockRef> blocks;
      {
        MutexLock lock(&mutex_);
        while (to_write_.empty() && !done_.load()) changed_.Wait(&mutex_);
        blocks.swap(to_write_);
        for (const BlockRef& block : blocks) {
          const absl::string_view bytes = Bytes(block);
          std::copy(bytes.begin(), bytes.end(), disk_.begin() + static_cast<ptrdiff_t>(Offset(block)));
          written_blocks_++;
        }
      }
      PieceQueue::Effects effects;
      queue_.OnWritten(std::vector<BlockRef>(blocks.begin(), blocks.end()), &effects);
      CarryOut(effects);
    }
  }

  void RunCoordinator() {
    while (!queue_.Complete() && Now() < deadline_) {
      {
        MutexLock lock(&mutex_);
        while (!upkeep_ && !done_.load()) changed_.Wait(&mutex_);
        upkeep_ = false;
        if (done_.load()) return;
      }
      while (absl::optional<PieceQueue::CatchUp> turn = queue_.TakeCatchUp()) {
        for (uint32_t b = turn->first_block; b < turn->first_block + turn->block_count; b++) {
          const BlockRef block{turn->piece_index, b};
          MutexLock lock(&mutex_);
          turn->hasher->Update(AsBytes(absl::string_view(disk_).substr(Offset(block), Bytes(block).size())));
        }
        PieceQueue::Effects effects;
        queue_.HashDone({&turn->piece_index, 1}, &effects);
        CarryOut(effects);
      }
    }
  }

  void Run(int workers) {
    std::vector<Thread> threads;
    for (int i = 1; i <= workers; i++) {
      threads.push_back(*Thread::Start("worker", [this, i] { RunWorker(static_cast<uint16_t>(i)); }));
    }
    Thread writer = *Thread::Start("writer", [this] { RunWriter(); });
    Thread coordinator = *Thread::Start("coordinator", [this] { RunCoordinator(); });
    for (Thread& thread : threads) thread.Join();
    {
      MutexLock lock(&mutex_);
      done_.store(true);
      changed_.SignalAll();
    }
    writer.Join();
    coordinator.Join();
  }

  void Compare() {
    EXPECT_TRUE(queue_.Complete());
    EXPECT_EQ(failed_.load(), 0);
    MutexLock lock(&mutex_);
    EXPECT_TRUE(disk_ == payload_.bytes());
    EXPECT_EQ(written_blocks_, layout_.total_length() / kBlockBytes);
    EXPECT_EQ(queue_.NewsCount(), layout_.piece_count());
  }

 private:
  uint64_t Offset(const BlockRef& block) const {
    return layout_.PieceOffset(block.piece_index) + uint64_t{block.block} * kBlockBytes;
  }
  absl::string_view Bytes(const BlockRef& block) const {
    return payload_.bytes().substr(Offset(block), layout_.BlockBytes(block.piece_index, block.block));
  }

  void Deliver(PieceQueue::Claimant* claimant, const std::vector<BlockRef>& blocks) {
    std::vector<PieceQueue::Arrival> arrivals;
    for (const BlockRef& block : blocks) arrivals.push_back({block, Outcome::kLost, nullptr});
    PieceQueue::Effects effects;
    claimant->Accept(absl::MakeSpan(arrivals), &effects);
    std::vector<uint32_t> hashed;
    std::vector<BlockRef> accepted;
    for (const PieceQueue::Arrival& arrival : arrivals) {
      if (arrival.outcome == Outcome::kLost) continue;
      accepted.push_back(arrival.block);
      if (arrival.outcome != Outcome::kHash) continue;
      arrival.hasher->Update(AsBytes(Bytes(arrival.block)));
      if (std::find(hashed.begin(), hashed.end(), arrival.block.piece_index) == hashed.end()) {
        hashed.push_back(arrival.block.piece_index);
      }
    }
    if (!hashed.empty()) queue_.HashDone(hashed, &effects);
    {
      MutexLock lock(&mutex_);
      to_write_.insert(to_write_.end(), accepted.begin(), accepted.end());
      changed_.SignalAll();
    }
    CarryOut(effects);
  }

  void CarryOut(const PieceQueue::Effects& effects) {
    failed_ += static_cast<int>(effects.failed.size());
    if (!effects.upkeep_due) return;
    MutexLock lock(&mutex_);
    upkeep_ = true;
    changed_.SignalAll();
  }

  const TimePoint deadline_ = Now() + std::chrono::seconds(60);
  const test::Payload payload_;
  const PieceLayout layout_;
  std::atomic<bool> done_{false};
  std::atomic<int> failed_{0};
  Mutex mutex_;
  CondVar changed_;
  std::string disk_ ABSL_GUARDED_BY(mutex_);
  std::deque<BlockRef> to_write_ ABSL_GUARDED_BY(mutex_);
  uint64_t written_blocks_ ABSL_GUARDED_BY(mutex_) = 0;
  bool upkeep_ ABSL_GUARDED_BY(mutex_) = false;
  PieceQueue queue_;
};

TEST(PieceQueueThreadsTest, ManyThreadsEndWithEveryBlockWrittenOnceAndRight) {
  Machine machine(100 * kPieceBytes);
  machine.Run(3);
  machine.Compare();
}

}  // namespace
}  // namespace torrent
