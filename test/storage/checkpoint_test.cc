#include "storage/checkpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "base/mutex.h"
#include "storage/opening.h"
#include "test/storage/fixture.h"

namespace torrent {
namespace {

// A torrent that says what it was told is written, and remembers what it hears.
class Source : public CheckpointSource {
 public:
  explicit Source(uint32_t piece_count) : pieces_(piece_count) {}

  void Snapshot(ResumeRecord* record) override {
    MutexLock lock(&mutex_);
    record->pieces = pieces_;
    record->downloaded_bytes = 5;
    record->extra = {{"announce_not_before", 99}};
    snapshots_++;
  }
  void OnSynced(const std::vector<bool>& pieces) override {
    MutexLock lock(&mutex_);
    synced_ = pieces;
    changed_.SignalAll();
  }
  void OnCheckpointError(const absl::Status& error) override {
    MutexLock lock(&mutex_);
    errors_.push_back(error);
    changed_.SignalAll();
  }

  void SetWritten(uint32_t piece_index) {
    MutexLock lock(&mutex_);
    pieces_[piece_index] = true;
  }
  bool WaitUntilSynced(uint32_t piece_index) {
    const TimePoint deadline = Now() + kSoon;
    MutexLock lock(&mutex_);
    while ((synced_.empty() || !synced_[piece_index]) && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return !synced_.empty() && synced_[piece_index];
  }
  bool WaitForErrors(size_t count) {
    const TimePoint deadline = Now() + kSoon;
    MutexLock lock(&mutex_);
    while (errors_.size() < count && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return errors_.size() >= count;
  }
  std::vector<absl::Status> errors() const {
    MutexLock lock(&mutex_);
    return errors_;
  }
  int snapshots() const {
    MutexLock lock(&mutex_);
    return snapshots_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<bool> pieces_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> synced_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> errors_ ABSL_GUARDED_BY(mutex_);
  int snapshots_ ABSL_GUARDED_BY(mutex_) = 0;
};

class CheckpointTest : public testing::Test {
 protected:
  void StartWith(Duration after_change) {
    CheckpointOptions options;
    options.after_change = after_change;
    options.writeback_every = std::chrono::milliseconds(5);
    auto started = Checkpointer::Start(options);
    ASSERT_TRUE(started.ok());
    checkpointer_ = *std::move(started);
  }
  std::unique_ptr<Checkpointer::Entry> Add() {
    auto entry = checkpointer_->Add(&source_, t_.store.get(), &record_);
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? *std::move(entry) : nullptr;
  }
  void WritePiece(uint32_t piece_index) {
    ASSERT_OK(t_.WritePiece(piece_index));
    source_.SetWritten(piece_index);
  }
  ResumeRecord Loaded() {
    LoadedRecord loaded = record_.Load(*t_.metainfo);
    EXPECT_TRUE(loaded.record.has_value()) << loaded.notice;
    return loaded.record ? *loaded.record : ResumeRecord();
  }

  TestTorrent t_{{{"t/a", 2500}, {"t/b", 2500}}, 1000};
  RecordFile record_{t_.state / "x.resume"};
  Source source_{5};
  std::unique_ptr<Checkpointer> checkpointer_;
};

TEST_F(CheckpointTest, TheFirstRecordSaysRunningBeforeAnythingIsWritten) {
  StartWith(std::chrono::hours(1));
  auto entry = Add();
  ResumeRecord record = Loaded();
  EXPECT_TRUE(record.running);
  EXPECT_EQ(record.output_dir, t_.dir.path());
  EXPECT_EQ(record.device, t_.store->device());
  EXPECT_EQ(record.downloaded_bytes, 5u);
  EXPECT_EQ(record.extra.size(), 1u);
  EXPECT_FALSE(record.files[0].exists);
}

TEST_F(CheckpointTest, AChangeIsCheckpointedByItself) {
  StartWith(std::chrono::milliseconds(20));
  auto entry = Add();
  for (uint32_t piece = 0; piece < 5; piece++) {
    WritePiece(piece);
    entry->NoteChange();
    ASSERT_TRUE(source_.WaitUntilSynced(piece));
    ResumeRecord record = Loaded();
    EXPECT_TRUE(record.pieces[piece]);
    EXPECT_TRUE(record.running);
  }
  EXPECT_EQ(Loaded().files[1].size, 2500u);
}

TEST_F(CheckpointTest, NothingChangedMeansNothingIsDone) {
  StartWith(std::chrono::milliseconds(1));
  auto entry = Add();
  ASSERT_TRUE(entry->Flush(/*ended=*/false, Now() + kSoon));
  const int snapshots = source_.snapshots();
  Source other_source(5);
  RecordFile other_record(t_.state / "y.resume");
  auto other = checkpointer_->Add(&other_source, t_.store.get(), &other_record);
  ASSERT_TRUE(other.ok());
  for (int i = 0; i < 20; i++) ASSERT_TRUE((*other)->Flush(false, Now() + kSoon));
  EXPECT_EQ(source_.snapshots(), snapshots);
}

TEST_F(CheckpointTest, TheLastOneSaysThatTheRunEndedWellAndIsTrusted) {
  StartWith(std::chrono::hours(1));
  auto entry = Add();
  for (uint32_t piece = 0; piece < 5; piece++) WritePiece(piece);
  ASSERT_TRUE(entry->Flush(/*ended=*/true, Now() + kSoon));
  entry.reset();
  ResumeRecord record = Loaded();
  EXPECT_FALSE(record.running);
  t_.Open();
  auto opening = OpenDownload(t_.store.get(), &record, {});
  ASSERT_TRUE(opening.ok());
  EXPECT_EQ(opening->have, std::vector<bool>(5, true));
  EXPECT_FALSE(opening->needs_hashing());
}

// Transmission#7283, hazard 106: killed at any moment, no piece is falsely recorded. What was written after the last
// checkpoint is not in the record; what is in it is on disk.
TEST_F(CheckpointTest, AKilledRunIsContinuedFromItsLastCheckpoint) {
  StartWith(std::chrono::hours(1));
  auto entry = Add();
  WritePiece(0);
  WritePiece(1);
  ASSERT_TRUE(entry->Flush(/*ended=*/false, Now() + kSoon));
  WritePiece(2);
  WritePiece(3);
  ResumeRecord record = Loaded();  // as the next process finds it
  t_.Open();
  auto opening = OpenDownload(t_.store.get(), &record, {});
  ASSERT_TRUE(opening.ok()) << opening.status();
  EXPECT_EQ(opening->have, (std::vector<bool>{true, true, false, false, false}));
  EXPECT_EQ(opening->hash_before_serving, opening->have);
  entry.reset();
}

TEST_F(CheckpointTest, AFailureKeepsTheOldRecordAndIsTriedAgain) {
  StartWith(std::chrono::milliseconds(5));
  auto entry = Add();
  WritePiece(0);
  ASSERT_TRUE(entry->Flush(/*ended=*/false, Now() + kSoon));
  // The twin's place is taken by a folder: the record cannot be written.
  const std::string twin = t_.state / "x.resume.twin";
  ASSERT_EQ(unlink(twin.c_str()), 0);
  ASSERT_EQ(mkdir(twin.c_str(), 0700), 0);
  WritePiece(1);
  EXPECT_FALSE(entry->Flush(/*ended=*/false, Now() + kSoon));
  ASSERT_TRUE(source_.WaitForErrors(3)) << "tried again by itself";
  EXPECT_TRUE(absl::StrContains(source_.errors()[0].message(), twin)) << source_.errors()[0];
  EXPECT_TRUE(Loaded().pieces[0]);
  EXPECT_FALSE(Loaded().pieces[1]);
  ASSERT_EQ(rmdir(twin.c_str()), 0);
  ASSERT_TRUE(source_.WaitUntilSynced(1));
  EXPECT_TRUE(Loaded().pieces[1]);
}

TEST_F(CheckpointTest, PiecesOfAFileThatWasRemovedNeverEnterTheRecord) {
  StartWith(std::chrono::hours(1));
  auto entry = Add();
  WritePiece(0);
  ASSERT_EQ(unlink((t_.dir / "t/a").c_str()), 0);
  EXPECT_FALSE(entry->Flush(/*ended=*/true, Now() + kSoon));
  EXPECT_FALSE(entry->Flush(/*ended=*/true, Now() + kSoon));
  EXPECT_TRUE(absl::IsDataLoss(source_.errors()[0])) << source_.errors()[0];
  EXPECT_FALSE(Loaded().pieces[0]);
  EXPECT_TRUE(Loaded().running);
}

TEST_F(CheckpointTest, ADeadlineThatHasPassedIsAnsweredAtOnce) {
  StartWith(std::chrono::hours(1));
  auto entry = Add();
  EXPECT_FALSE(entry->Flush(/*ended=*/true, Now() - std::chrono::seconds(1)));
}

TEST_F(CheckpointTest, AnUnwritableStateFolderIsSaidAtTheStart) {
  StartWith(std::chrono::hours(1));
  RecordFile nowhere(t_.state / "missing/x.resume");
  auto entry = checkpointer_->Add(&source_, t_.store.get(), &nowhere);
  EXPECT_TRUE(absl::IsNotFound(entry.status())) << entry.status();
}

}  // namespace
}  // namespace torrent
