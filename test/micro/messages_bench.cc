// From bytes to messages: the parser alone, and the receiver that runs it over its buffers.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "swarm/receiver.h"
#include "wire/message.h"

namespace torrent {
namespace {

constexpr uint32_t kPieceCount = 100'000;

wire::MessageRules Rules() {
  wire::MessageRules rules;
  rules.piece_count = kPieceCount;
  rules.fast = rules.extended = true;
  return rules;
}

enum Kind { kHaves, kRequests, kPieceMessages, kMixed };

// Some 256 KiB of such messages.
std::string Messages(int64_t kind) {
  std::string bytes;
  const std::string block(kBlockBytes, 'b');
  for (uint32_t i = 0; bytes.size() < (256u << 10); i++) {
    if (kind == kHaves || kind == kMixed) wire::EncodeHave(i * 7919 % kPieceCount, &bytes);
    if (kind == kRequests || kind == kMixed) wire::EncodeRequest(i, i % 16 * kBlockBytes, kBlockBytes, &bytes);
    if (kind == kPieceMessages || kind == kMixed) {
      wire::EncodePieceHeader(i, i % 16 * kBlockBytes, kBlockBytes, &bytes);
      bytes += block;
    }
  }
  return bytes;
}

void NameKind(benchmark::State& state) {
  static constexpr const char* kNames[] = {"have", "request", "piece", "have, request, piece"};
  state.SetLabel(kNames[state.range(0)]);
}

// Items are messages.
void BM_PeekMessage(benchmark::State& state) {
  const std::string bytes = Messages(state.range(0));
  const wire::MessageRules rules = Rules();
  int64_t messages = 0;
  for (auto _ : state) {
    for (absl::Span<const uint8_t> left = AsBytes(bytes); !left.empty(); messages++) {
      const wire::Message message = wire::PeekMessage(left, rules);
      benchmark::DoNotOptimize(message);
      left.remove_prefix(message.head_bytes + message.payload_bytes);
    }
  }
  state.SetItemsProcessed(messages);
  NameKind(state);
}
BENCHMARK(BM_PeekMessage)->DenseRange(kHaves, kMixed);

// Gives the same bytes again and again.
class EndlessStream final : public Stream {
 public:
  explicit EndlessStream(std::string bytes) : Stream(Endpoint()), bytes_(std::move(bytes)) {}
  int fd() const override { return -1; }
  void Shutdown() override {}

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override {
    const size_t count = std::min(buffers[0].iov_len, bytes_.size() - begin_);
    memcpy(buffers[0].iov_base, bytes_.data() + begin_, count);
    begin_ = (begin_ + count) % bytes_.size();
    return IoResult::Bytes(count);
  }
  IoResult WriteSome(absl::Span<const iovec>, bool) override { return IoResult::WouldBlock(); }

 private:
  const std::string bytes_;
  size_t begin_ = 0;
};

// Items are messages; bytes are copied once, into the buffer, as a socket does it.
void BM_Receiver(benchmark::State& state) {
  EndlessStream stream(Messages(state.range(0)));
  BufferPool pool(8 << 20, 1 << 20);
  Receiver receiver(&stream, &pool);
  const wire::MessageRules rules = Rules();
  int64_t messages = 0;
  int64_t bytes = 0;
  for (auto _ : state) {
    bytes += static_cast<int64_t>(receiver.Receive(SIZE_MAX, BufferPool::kClassCount - 1).bytes());
    for (Receiver::Item item = receiver.Next(rules); item != Receiver::Item::kNothing; item = receiver.Next(rules)) {
      if (item == Receiver::Item::kBlockHead) {
        receiver.KeepBlock(receiver.message().begin / kBlockBytes, 0);
        continue;
      }
      messages++;
      if (item == Receiver::Item::kBlock) benchmark::DoNotOptimize(receiver.TakeBlock());
      if (item == Receiver::Item::kError) return state.SkipWithError("not a message");
    }
  }
  state.SetItemsProcessed(messages);
  state.SetBytesProcessed(bytes);
  NameKind(state);
}
BENCHMARK(BM_Receiver)->DenseRange(kHaves, kMixed);

}  // namespace
}  // namespace torrent
