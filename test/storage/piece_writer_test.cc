#include "storage/piece_writer.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "absl/strings/match.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

// Remembers all it hears; can hold the writer up in OnWritten.
class Recorder : public WriteObserver {
 public:
  void OnWritten(absl::Span<const BlockWrite> blocks) override {
    MutexLock lock(&mutex_);
    for (const BlockWrite& block : blocks) {
      written_.push_back(block.piece_index * 1000 + block.block);
      if (!block.spans.empty()) spans_were_held_ = true;
    }
    if (pool_ != nullptr) in_use_when_told_.push_back(pool_->bytes_in_use());
    in_callback_ = true;
    changed_.SignalAll();
    while (held_) changed_.Wait(&mutex_);
    in_callback_ = false;
  }
  void OnRoom() override { Count(&rooms_); }
  void OnRecovered() override { Count(&recoveries_); }
  void OnWriteError(const absl::Status& error) override {
    MutexLock lock(&mutex_);
    errors_.push_back(error);
    changed_.SignalAll();
  }

  void Hold(bool held) {
    MutexLock lock(&mutex_);
    held_ = held;
    changed_.SignalAll();
  }
  template <typename Condition>
  bool WaitFor(Condition condition) {
    const TimePoint deadline = Now() + kSoon;
    MutexLock lock(&mutex_);
    while (!condition() && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return condition();
  }
  bool WaitUntilHeld() {
    return WaitFor([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return in_callback_; });
  }
  bool WaitForErrors(size_t count) {
    return WaitFor([=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return errors_.size() >= count; });
  }
  bool WaitForRecovery() {
    return WaitFor([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return recoveries_ > 0; });
  }
  std::vector<uint32_t> written() const {
    MutexLock lock(&mutex_);
    return written_;
  }
  std::vector<absl::Status> errors() const {
    MutexLock lock(&mutex_);
    return errors_;
  }
  int rooms() const {
    MutexLock lock(&mutex_);
    return rooms_;
  }
  int recoveries() const {
    MutexLock lock(&mutex_);
    return recoveries_;
  }
  bool in_callback() const {
    MutexLock lock(&mutex_);
    return in_callback_;
  }
  bool spans_were_held() const {
    MutexLock lock(&mutex_);
    return spans_were_held_;
  }
  void WatchPool(const BufferPool* pool) { pool_ = pool; }
  std::vector<size_t> in_use_when_told() const {
    MutexLock lock(&mutex_);
    return in_use_when_told_;
  }

 private:
  void Count(int* number) {
    MutexLock lock(&mutex_);
    ++*number;
    changed_.SignalAll();
  }
  const BufferPool* pool_ = nullptr;
  mutable Mutex mutex_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool in_callback_ ABSL_GUARDED_BY(mutex_) = false;
  bool spans_were_held_ ABSL_GUARDED_BY(mutex_) = false;
  int rooms_ ABSL_GUARDED_BY(mutex_) = 0;
  int recoveries_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<uint32_t> written_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> errors_ ABSL_GUARDED_BY(mutex_);
  std::vector<size_t> in_use_when_told_ ABSL_GUARDED_BY(mutex_);
};

// By its thread always, or by who submits while the disk is quick.
class PieceWriterTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    PieceWriter::Options options;
    options.first_retry = options.retry = std::chrono::milliseconds(20);
    options.slow = GetParam() ? std::chrono::hours(1) : Duration::zero();
    auto started = PieceWriter::Start(options);
    ASSERT_TRUE(started.ok());
    writer_ = *std::move(started);
  }

  // The block's bytes in pool buffers, in two spans with something else around them, as received ones have it.
  BlockWrite Block(const TestTorrent& t, uint32_t piece_index, uint32_t block) {
    BlockWrite write;
    write.piece_index = piece_index;
    write.block = block;
    write.offset = t.store->layout().PieceOffset(piece_index) + uint64_t{block} * kBlockBytes;
    write.length = t.store->layout().BlockBytes(piece_index, block);
    const uint32_t first = write.length / 3;
    for (auto [begin, length] : {std::pair(0u, first), std::pair(first, write.length - first)}) {
      BufferRef buffer = buffers_.Acquire(0);
      memset(buffer.data(), '#', buffer.capacity());
      memcpy(buffer.data() + 13, t.bytes.data() + write.offset + begin, length);
      write.spans.push_back({std::move(buffer), 13, length});
    }
    return write;
  }
  std::vector<BlockWrite> Blocks(const TestTorrent& t, uint32_t piece_index) {
    std::vector<BlockWrite> blocks;
    for (uint32_t b = 0; b < t.store->layout().BlockCount(piece_index); b++) blocks.push_back(Block(t, piece_index, b));
    return blocks;
  }

  BufferPool buffers_{64 << 20, 1 << 20};
  std::unique_ptr<PieceWriter> writer_;
};

TEST_P(PieceWriterTest, WritesWhatIsSubmittedInOrderAndGivesBuffersBackFirst) {
  TestTorrent t({{"t/a", 100'000}, {"t/b", 200'001}}, 65536);
  Recorder recorder;
  recorder.WatchPool(&buffers_);
  auto queue = writer_->AddTorrent(t.store.get(), &recorder, 4 << 20);
  std::vector<uint32_t> expected;
  for (uint32_t piece : {3u, 0u, 1u, 4u, 2u}) {
    std::vector<BlockWrite> blocks = Blocks(t, piece);
    for (const BlockWrite& block : blocks) expected.push_back(block.piece_index * 1000 + block.block);
    queue->Submit(std::move(blocks));
  }
  ASSERT_TRUE(queue->Drain(Now() + kSoon));
  EXPECT_EQ(recorder.written(), expected);
  EXPECT_FALSE(recorder.spans_were_held());
  EXPECT_EQ(recorder.in_use_when_told().back(), 0u);
  EXPECT_EQ(t.OnDisk(0), t.FileBytes(0));
  EXPECT_EQ(t.OnDisk(1), t.FileBytes(1));
  EXPECT_EQ(buffers_.bytes_in_use(), 0u);
}

TEST_P(PieceWriterTest, ManyMayBringBlocksAtOnce) {
  TestTorrent t({{"t/a", 3 << 20}, {"t/b", (1 << 20) + 5}}, 64 << 10);
  Recorder recorder;
  auto queue = writer_->AddTorrent(t.store.get(), &recorder, 8 << 20);
  const uint32_t pieces = t.store->layout().piece_count();
  {
    std::vector<Thread> threads;
    for (uint32_t first = 0; first < 4; first++) {
      auto thread = Thread::Start("brings", [&, first] {
        for (uint32_t piece = first; piece < pieces; piece += 4) queue->Submit(Blocks(t, piece));
      });
      ASSERT_TRUE(thread.ok());
      threads.push_back(*std::move(thread));
    }
  }
  ASSERT_TRUE(queue->Drain(Now() + kSoon));
  EXPECT_EQ(t.OnDisk(0), t.FileBytes(0));
  EXPECT_EQ(t.OnDisk(1), t.FileBytes(1));
  std::vector<uint32_t> written = recorder.written();
  std::sort(written.begin(), written.end());
  EXPECT_EQ(written.size(), (4u << 20) / kBlockBytes + 1);
  EXPECT_EQ(std::unique(written.begin(), written.end()), written.end()) << "each once";
  EXPECT_EQ(buffers_.bytes_in_use(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Writes, PieceWriterTest, testing::Bool(), [](const testing::TestParamInfo<bool>& info) {
  return info.param ? "WhoSubmits" : "TheThread";
});

// What only a queue shows.
class PieceWriterThreadTest : public PieceWriterTest {};
INSTANTIATE_TEST_SUITE_P(Writes, PieceWriterThreadTest, testing::Values(false),
                         [](const auto&) { return "TheThread"; });

TEST_P(PieceWriterThreadTest, HasRoomUntilTheBoundAndSaysWhenThereIsRoomAgain) {
  TestTorrent t({{"t/a", 1 << 20}}, 256 << 10);
  Recorder recorder;
  auto queue = writer_->AddTorrent(t.store.get(), &recorder, 512 << 10);
  EXPECT_TRUE(queue->HasRoom());
  recorder.Hold(true);
  queue->Submit(Blocks(t, 0));
  ASSERT_TRUE(recorder.WaitUntilHeld());
  EXPECT_TRUE(queue->HasRoom());
  queue->Submit(Blocks(t, 1));
  EXPECT_FALSE(queue->HasRoom());
  queue->Submit(Blocks(t, 2));  // over the bound too
  EXPECT_EQ(recorder.rooms(), 0);
  recorder.Hold(false);
  ASSERT_TRUE(queue->Drain(Now() + kSoon));
  EXPECT_EQ(recorder.rooms(), 1);
  EXPECT_TRUE(queue->HasRoom());
  EXPECT_EQ(recorder.written().size(), 48u);
}

TEST_P(PieceWriterTest, NobodyIsToldOfRoomWhoWasNotRefused) {
  TestTorrent t({{"t/a", 1 << 20}}, 256 << 10);
  Recorder recorder;
  auto queue = writer_->AddTorrent(t.store.get(), &recorder, 128 << 10);
  queue->Submit(Blocks(t, 0));
  ASSERT_TRUE(queue->Drain(Now() + kSoon));
  EXPECT_EQ(recorder.rooms(), 0);
}

// Transmission#1835, hazard 110: a full disk puts nothing in error, and others go on.
TEST_P(PieceWriterTest, AFullDiskIsWaitedForAndOthersGoOn) {
  SmallDisk disk("1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  TestTorrent full({{"t/a", 800 << 10}}, 256 << 10);
  FileStore::Options options;
  options.output_dir = disk.path();
  options.part_file = full.state / "test.part";
  options.pool = &full.pool;
  full.store = *FileStore::Open(full.metainfo, options);
  WriteFile(disk.path() + "/ballast", std::string(700 << 10, 'b'));
  TestTorrent other({{"t/a", 1 << 20}}, 256 << 10);
  Recorder full_recorder, other_recorder;
  auto full_queue = writer_->AddTorrent(full.store.get(), &full_recorder, 512 << 10);
  auto other_queue = writer_->AddTorrent(other.store.get(), &other_recorder, 4 << 20);

  for (uint32_t piece = 0; piece < 4; piece++) full_queue->Submit(Blocks(full, piece));
  ASSERT_TRUE(full_recorder.WaitForErrors(1));
  EXPECT_TRUE(absl::IsResourceExhausted(full_recorder.errors()[0])) << full_recorder.errors()[0];
  for (uint32_t piece = 0; piece < 4; piece++) other_queue->Submit(Blocks(other, piece));
  EXPECT_TRUE(other_queue->Drain(Now() + kSoon));
  EXPECT_EQ(other.OnDisk(0), other.bytes);

  EXPECT_FALSE(full_queue->Drain(Now() + kSoon)) << "full, so it answers without waiting";
  EXPECT_FALSE(full_queue->Drain(Now() + kSoon));
  EXPECT_FALSE(full_queue->HasRoom());
  EXPECT_EQ(full_recorder.errors().size(), 1u) << "told once, not at each try";
  EXPECT_EQ(full_recorder.recoveries(), 0);
  ASSERT_EQ(unlink((disk.path() + "/ballast").c_str()), 0);
  ASSERT_TRUE(full_recorder.WaitForRecovery());
  EXPECT_TRUE(full_queue->Drain(Now() + kSoon));
  EXPECT_EQ(ReadFile(disk.path() + "/t/a"), full.bytes);
  EXPECT_EQ(full_recorder.rooms(), 1);
  std::vector<uint32_t> written = full_recorder.written();
  EXPECT_EQ(written.size(), 50u);
  EXPECT_TRUE(std::is_sorted(written.begin(), written.end())) << "each once, in order";
  EXPECT_EQ(std::unique(written.begin(), written.end()), written.end());
  full_queue.reset();
  full.store.reset();
}

TEST_P(PieceWriterTest, AnyOtherErrorEndsTheQueueAlone) {
  TestTorrent bad({{"t/a", 1 << 20}}, 256 << 10);
  WriteFile(bad.dir / "t", "a file where a folder should be");
  TestTorrent good({{"t/a", 1 << 20}}, 256 << 10);
  Recorder bad_recorder, good_recorder;
  auto bad_queue = writer_->AddTorrent(bad.store.get(), &bad_recorder, 256 << 10);
  auto good_queue = writer_->AddTorrent(good.store.get(), &good_recorder, 4 << 20);
  for (uint32_t piece = 0; piece < 4; piece++) {
    bad_queue->Submit(Blocks(bad, piece));
    good_queue->Submit(Blocks(good, piece));
  }
  EXPECT_FALSE(bad_queue->Drain(Now() + kSoon));
  EXPECT_TRUE(good_queue->Drain(Now() + kSoon));
  ASSERT_TRUE(bad_recorder.WaitForErrors(1));
  bad_queue->Submit(Blocks(bad, 0));
  EXPECT_FALSE(bad_queue->Drain(Now() + kSoon));
  EXPECT_EQ(bad_recorder.errors().size(), 1u);
  EXPECT_TRUE(absl::StrContains(bad_recorder.errors()[0].message(), "/t is no folder")) << bad_recorder.errors()[0];
  EXPECT_TRUE(bad_recorder.written().empty());
  EXPECT_EQ(good.OnDisk(0), good.bytes);
  EXPECT_EQ(buffers_.bytes_in_use(), 0u) << "what was dropped gave its buffers back";
}

TEST_P(PieceWriterThreadTest, AQueueThatGoesWaitsForItsOwnWriteAndDropsTheRest) {
  TestTorrent t({{"t/a", 4 << 20}}, 1 << 20);
  Recorder recorder;
  auto queue = writer_->AddTorrent(t.store.get(), &recorder, 8 << 20);
  recorder.Hold(true);
  queue->Submit(Blocks(t, 0));
  ASSERT_TRUE(recorder.WaitUntilHeld());
  for (uint32_t piece = 1; piece < 4; piece++) queue->Submit(Blocks(t, piece));
  auto release = Thread::Start("release", [&] { recorder.Hold(false); });
  queue.reset();
  EXPECT_FALSE(recorder.in_callback());
  const size_t written =
      recorder.written().size();  // the turn that was under way, and those that were faster than reset
  EXPECT_GE(written, 64u);
  EXPECT_EQ(buffers_.bytes_in_use(), 0u);
  EXPECT_EQ(t.OnDisk(0), t.bytes.substr(0, written * kBlockBytes));
}

TEST_P(PieceWriterThreadTest, TakesTurnsAmongTorrents) {
  TestTorrent a({{"t/a", 8 << 20}}, 1 << 20), b({{"t/b", 8 << 20}}, 1 << 20);
  Recorder recorder;  // one for both: its record shows the order
  auto gate = writer_->AddTorrent(a.store.get(), &recorder, 64 << 20);
  auto queue_a = writer_->AddTorrent(a.store.get(), &recorder, 64 << 20);
  auto queue_b = writer_->AddTorrent(b.store.get(), &recorder, 64 << 20);
  recorder.Hold(true);
  gate->Submit({Block(a, 0, 0)});
  ASSERT_TRUE(recorder.WaitUntilHeld());
  for (uint32_t piece = 0; piece < 8; piece++) queue_a->Submit(Blocks(a, piece));
  for (uint32_t piece = 0; piece < 8; piece++) queue_b->Submit(Blocks(b, piece));
  recorder.Hold(false);
  ASSERT_TRUE(queue_a->Drain(Now() + kSoon));
  ASSERT_TRUE(queue_b->Drain(Now() + kSoon));
  std::vector<uint32_t> pieces;  // one entry a turn of 1 MiB
  for (uint32_t entry : recorder.written()) {
    if (entry % 1000 == 63) pieces.push_back(entry / 1000);
  }
  EXPECT_EQ(pieces, (std::vector<uint32_t>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7}));
}

// Which threads wrote.
class ThreadRecorder : public WriteObserver {
 public:
  void OnWritten(absl::Span<const BlockWrite>) override {
    MutexLock lock(&mutex_);
    threads_.push_back(std::this_thread::get_id());
  }
  void OnRoom() override {}
  void OnRecovered() override {}
  void OnWriteError(const absl::Status& error) override { ADD_FAILURE() << error; }
  std::vector<std::thread::id> threads() const {
    MutexLock lock(&mutex_);
    return threads_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::thread::id> threads_ ABSL_GUARDED_BY(mutex_);
};

class PieceWriterPlaceTest : public PieceWriterTest {
 protected:
  // The threads that wrote pieces 0, 1 and 2, submitted one after the other.
  std::vector<std::thread::id> Write(Duration slow) {
    PieceWriter::Options options;
    options.slow = slow;
    writer_ = *PieceWriter::Start(options);
    TestTorrent t({{"t/a", 1 << 20}}, 256 << 10);
    ThreadRecorder recorder;
    auto queue = writer_->AddTorrent(t.store.get(), &recorder, 4 << 20);
    for (uint32_t piece = 0; piece < 3; piece++) {
      queue->Submit(Blocks(t, piece));
      EXPECT_TRUE(queue->Drain(Now() + kSoon));
    }
    EXPECT_EQ(t.OnDisk(0), t.bytes.substr(0, 768 << 10));
    return recorder.threads();
  }
};
INSTANTIATE_TEST_SUITE_P(Writes, PieceWriterPlaceTest, testing::Values(false), [](const auto&) { return "ByOptions"; });

TEST_P(PieceWriterPlaceTest, AQuickDiskIsWrittenByWhoSubmits) {
  EXPECT_THAT(Write(std::chrono::hours(1)), testing::Each(std::this_thread::get_id()));
}

TEST_P(PieceWriterPlaceTest, ASlowWriteSendsTheNextOnesToTheThread) {
  // No write takes less than this: the first finds that out.
  const std::vector<std::thread::id> threads = Write(std::chrono::nanoseconds(1));
  ASSERT_EQ(threads.size(), 3u);
  EXPECT_EQ(threads[0], std::this_thread::get_id());
  EXPECT_NE(threads[1], std::this_thread::get_id());
  EXPECT_EQ(threads[2], threads[1]);
}

}  // namespace
}  // namespace torrent
