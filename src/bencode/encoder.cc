#include "absl/strings/str_cat.h"
#include "torrent/bencode.h"

namespace torrent::bencode {

Encoder& Encoder::BeginDictionary() {
  out_.push_back('d');
  return *this;
}

Encoder& Encoder::BeginList() {
  out_.push_back('l');
  return *this;
}

Encoder& Encoder::End() {
  out_.push_back('e');
  return *this;
}

Encoder& Encoder::Integer(int64_t value) {
  absl::StrAppend(&out_, "i", value, "e");
  return *this;
}

Encoder& Encoder::String(absl::string_view bytes) {
  absl::StrAppend(&out_, bytes.size(), ":", bytes);
  return *this;
}

Encoder& Encoder::Raw(absl::string_view encoded) {
  out_.append(encoded.data(), encoded.size());
  return *this;
}

}  // namespace torrent::bencode
