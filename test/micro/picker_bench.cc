// Which block next, and what follows until it is written: whole downloads of swarms of several sizes. An item is a
// block. A hundred times the pieces and twenty times the peers should cost no more than half as much again.
#include <benchmark/benchmark.h>

#include "test/support/whole_download.h"

namespace torrent::test {
namespace {

void BM_Picker(benchmark::State& state) {
  const auto kind = static_cast<SwarmKind>(state.range(0));
  int64_t blocks = 0;
  for (auto _ : state) {
    const WholeDownload::Cost cost =
        WholeDownload::Measure(kind, static_cast<uint32_t>(state.range(1)), static_cast<uint32_t>(state.range(2)));
    state.SetIterationTime(cost.Seconds());
    blocks += static_cast<int64_t>(cost.blocks());
  }
  state.SetItemsProcessed(blocks);
  state.counters["s/block"] =
      benchmark::Counter(static_cast<double>(blocks), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetLabel(kind == SwarmKind::kSeeds ? "seeds" : "leechers");
}
BENCHMARK(BM_Picker)
    ->ArgNames({"", "pieces", "peers"})
    ->Args({0, 1000, 10})
    ->Args({0, 10'000, 50})
    ->Args({0, 100'000, 200})
    ->Args({1, 1000, 10})
    ->Args({1, 10'000, 50})
    ->Args({1, 100'000, 200})
    ->UseManualTime();

}  // namespace
}  // namespace torrent::test
