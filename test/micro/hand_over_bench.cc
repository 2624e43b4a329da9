// The way of a full receive buffer into a file: the hash over it, and the writer that takes it.
#include <benchmark/benchmark.h>
#include <sched.h>
#include <stdlib.h>

#include <cstring>
#include <memory>
#include <utility>

#include "base/limits.h"
#include "base/sha1.h"
#include "storage/piece_writer.h"
#include "test/support/files.h"

namespace torrent {
namespace {

constexpr uint32_t kPieceBytes = 1 << 20;
constexpr uint32_t kPieces = 64;
constexpr uint64_t kTotal = uint64_t{kPieces} * kPieceBytes;
constexpr size_t kBufferBytes = 256 << 10;
constexpr uint32_t kBlocksPerBuffer = 15;

void BM_Sha1OfABuffer(benchmark::State& state) {
  const std::string buffer(kBufferBytes, 's');
  for (auto _ : state) benchmark::DoNotOptimize(Sha1::Of(buffer));
  state.SetBytesProcessed(static_cast<int64_t>(static_cast<uint64_t>(state.iterations()) * kBufferBytes));
}
BENCHMARK(BM_Sha1OfABuffer);

class NoObserver final : public WriteObserver {
  void OnWritten(absl::Span<const BlockWrite>) override {}
  void OnRoom() override {}
  void OnWriteError(const absl::Status&) override { abort(); }
  void OnRecovered() override {}
};

std::shared_ptr<const Metainfo> OneFile() {
  auto metainfo = std::make_shared<Metainfo>();
  metainfo->name = "file";
  metainfo->total_length = kTotal;
  metainfo->piece_length = kPieceBytes;
  metainfo->piece_count = kPieces;
  MetainfoFile file;
  file.path = "file";
  file.length = kTotal;
  metainfo->files.push_back(file);
  metainfo->info_bytes.resize(20 * size_t{kPieces});
  return metainfo;
}

// Fills a buffer with whole blocks, hashes them where they lie if range(0) says so, and submits them. The time is until
// they are written; the file, of 64 MiB, is gone over again and again. In memory where $TMPDIR is.
void BM_HandOver(benchmark::State& state) {
  const bool hashes = state.range(0) != 0;
  test::TempFolder folder;
  FilePool files;
  FileStore::Options options;
  options.output_dir = folder.path();
  options.pool = &files;
  const std::unique_ptr<FileStore> store = *FileStore::Open(OneFile(), options);
  const std::unique_ptr<PieceWriter> writer = *PieceWriter::Start();
  NoObserver observer;
  const std::unique_ptr<PieceWriter::Queue> queue = writer->AddTorrent(store.get(), &observer, 4 << 20);
  BufferPool pool(16 << 20, 16 << 20);
  Sha1 hasher;
  uint64_t offset = 0;
  for (auto _ : state) {
    while (!queue->HasRoom()) sched_yield();
    const BufferRef buffer = pool.Acquire(BufferPool::kClassCount - 1);
    memset(buffer.data(), 'h', kBufferBytes);  // as a socket would
    std::vector<BlockWrite> blocks(kBlocksPerBuffer);
    for (uint32_t i = 0; i < kBlocksPerBuffer; i++) {
      BlockWrite& block = blocks[i];
      block.piece_index = static_cast<uint32_t>(offset / kPieceBytes);
      block.block = static_cast<uint32_t>(offset % kPieceBytes / kBlockBytes);
      block.offset = offset;
      block.length = kBlockBytes;
      block.spans.push_back({buffer, i * (kBlockBytes + 13) + 13, kBlockBytes});
      if (hashes) hasher.Update({buffer.data() + block.spans[0].begin, kBlockBytes});
      offset = (offset + kBlockBytes) % kTotal;
    }
    queue->Submit(std::move(blocks));
  }
  if (!queue->Drain(Now() + std::chrono::minutes(1))) state.SkipWithError("not written");
  state.SetBytesProcessed(
      static_cast<int64_t>(static_cast<uint64_t>(state.iterations()) * kBlocksPerBuffer * kBlockBytes));
  state.SetLabel(hashes ? "hashed" : "not hashed");
}
BENCHMARK(BM_HandOver)->Arg(0)->Arg(1)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace torrent
