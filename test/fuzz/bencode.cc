// The decoder, in both of its strictnesses, and the encoder: what was decoded, encoded again, is the same value.
#include "torrent/bencode.h"

#include "test/fuzz/fuzz_target.h"

namespace torrent::fuzz {
namespace {

void EncodeAgain(const bencode::Value& value, bencode::Encoder* encoder) {
  switch (value.type()) {
    case bencode::Value::Type::kInteger:
      encoder->Integer(value.integer());
      break;
    case bencode::Value::Type::kString:
      encoder->String(value.string());
      break;
    case bencode::Value::Type::kList:
      encoder->BeginList();
      for (const bencode::Value& element : value.list()) EncodeAgain(element, encoder);
      encoder->End();
      break;
    case bencode::Value::Type::kDictionary:
      encoder->BeginDictionary();
      for (const auto& [key, entry] : value.dictionary()) {
        FUZZ_CHECK(value.Find(key) != nullptr);
        encoder->Key(key);
        EncodeAgain(entry, encoder);
      }
      encoder->End();
      break;
  }
}

}  // namespace

FUZZ_TARGET(bencode) {
  size_t trailing = 0;
  bencode::DecodeOptions lenient;
  lenient.trailing_bytes = &trailing;
  absl::StatusOr<bencode::Value> value = bencode::Decode(input, lenient);
  bencode::DecodeOptions strict;
  strict.canonical = true;
  const bool canonical = bencode::Decode(input, strict).ok();
  if (!value.ok()) {
    FUZZ_CHECK(!canonical);
    return;
  }
  FUZZ_CHECK(value->raw().size() + trailing == input.size());
  bencode::Encoder again;
  EncodeAgain(*value, &again);
  FUZZ_CHECK(!canonical || again.str() == input);
  const absl::StatusOr<bencode::Value> second = bencode::Decode(again.str());
  FUZZ_CHECK(second.ok());
  bencode::Encoder third;
  EncodeAgain(*second, &third);
  FUZZ_CHECK(third.str() == again.str());
}

}  // namespace torrent::fuzz
