#include "net/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace torrent {

namespace {

constexpr int kGzipOnly = 16;  // added to the window bits (zlib.h, inflateInit2)
constexpr size_t kStepBytes = 16 * 1024;

}  // namespace

absl::StatusOr<std::string> Gunzip(absl::string_view compressed, size_t max_bytes) {
  const size_t ratio_bytes = compressed.size() * kMaxInflateRatio + kInflateSlackBytes;
  const size_t bound = std::min(max_bytes, ratio_bytes);

  z_stream stream = {};
  if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) {
    return absl::ResourceExhaustedError("gzip: no memory to inflate");
  }
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> owner(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());

  std::string inflated;
  const auto step = std::make_unique<Bytef[]>(kStepBytes);
  while (true) {
    stream.next_out = step.get();
    stream.avail_out = kStepBytes;
    const int answer = inflate(&stream, Z_NO_FLUSH);
    const size_t produced = kStepBytes - stream.avail_out;
    if (produced > bound - inflated.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("gzip: ", compressed.size(), " bytes inflate to more than ", bound));
    }
    inflated.append(reinterpret_cast<const char*>(step.get()), produced);
    if (answer == Z_STREAM_END) break;
    if (answer == Z_BUF_ERROR || (answer == Z_OK && stream.avail_in == 0 && produced < kStepBytes)) {
      return absl::InvalidArgumentError(absl::StrCat("gzip: cut short after ", compressed.size(), " bytes"));
    }
    if (answer != Z_OK) {
      return absl::InvalidArgumentError(
          absl::StrCat("gzip: damaged: ", stream.msg != nullptr ? stream.msg : "no reason"));
    }
  }
  if (stream.avail_in != 0) {
    return absl::InvalidArgumentError(absl::StrCat("gzip: ", stream.avail_in, " bytes behind the end"));
  }
  return inflated;
}

}  // namespace torrent
