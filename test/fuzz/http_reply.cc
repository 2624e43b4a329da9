// An HTTP answer as our reader gets it: heads, chunks, gzip, redirects. First byte: how many bytes come at once (0:
// all); with 128 added the rest is a body of gzip, alone.
#include <cstring>

#include "base/limits.h"
#include "net/gunzip.h"
#include "net/http_exchange.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/reader.h"

namespace torrent::fuzz {
namespace {

// A server that answers whatever is asked.
class AnswerStream final : public Stream {
 public:
  AnswerStream(absl::string_view answer, size_t portion) : Stream(Endpoint()), rest_(answer), portion_(portion) {}
  int fd() const override { return -1; }
  void Shutdown() override {}

 protected:
  IoResult ReadSome(absl::Span<const iovec> buffers) override {
    const size_t n = std::min({rest_.size(), portion_, buffers[0].iov_len});
    if (n == 0) return IoResult::Closed();
    memcpy(buffers[0].iov_base, rest_.data(), n);
    rest_.remove_prefix(n);
    return IoResult::Bytes(n);
  }
  IoResult WriteSome(absl::Span<const iovec> buffers, bool) override { return IoResult::Bytes(buffers[0].iov_len); }

 private:
  absl::string_view rest_;
  const size_t portion_;
};

}  // namespace

FUZZ_TARGET(http_reply) {
  static const Url url = *Url::Parse("http://tracker.example/announce?x=y");
  Reader reader(input);
  const uint8_t how = reader.Byte();
  const absl::string_view answer = reader.rest();
  if (how >= 128) {
    const absl::StatusOr<std::string> inflated = Gunzip(answer, kMaxTrackerBodyBytes);
    FUZZ_CHECK(!inflated.ok() || inflated->size() <= kMaxTrackerBodyBytes);  // hazard 74
    return;
  }
  AnswerStream stream(answer, how == 0 ? answer.size() : how);
  const absl::StatusOr<HttpResponse> response = HttpExchange(
      &stream, url, {{"Host", url.HostAndPort()}}, kMaxTrackerBodyBytes, Now() + std::chrono::seconds(10), -1);
  if (!response.ok()) {
    FUZZ_CHECK(response.status().code() != absl::StatusCode::kInternal);
    FUZZ_CHECK(response.status().code() != absl::StatusCode::kDeadlineExceeded);
    return;
  }
  FUZZ_CHECK(response->status >= 200 && response->status <= 999 && response->body.size() <= kMaxTrackerBodyBytes);
  FUZZ_CHECK(response->headers.size() <= kMaxHttpFields);
  url.Resolve(response->Header("location")).status().IgnoreError();
}

}  // namespace torrent::fuzz
