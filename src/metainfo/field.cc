#include "metainfo/field.h"

#include "absl/strings/str_cat.h"

namespace torrent {

absl::StatusOr<uint64_t> ReadUnsigned(const bencode::Value& dictionary, absl::string_view key, uint64_t least,
                                      uint64_t most, absl::string_view what) {
  const bencode::Value* value = dictionary.Find(key);
  if (value == nullptr) return absl::InvalidArgumentError(absl::StrCat(what, ": \"", key, "\" is missing"));
  if (!value->is_integer()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": \"", key, "\" is not an integer"));
  }
  const int64_t number = value->integer();
  if (number < 0 || static_cast<uint64_t>(number) < least || static_cast<uint64_t>(number) > most) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": \"", key, "\" ", number, " is not in [", least, ", ", most, "]"));
  }
  return static_cast<uint64_t>(number);
}

absl::Status CheckKeysStandOnce(const bencode::Value& dictionary, std::initializer_list<absl::string_view> keys,
                                absl::string_view what) {
  uint32_t seen = 0;
  for (const auto& [name, value] : dictionary.dictionary()) {
    uint32_t bit = 1;
    for (absl::string_view key : keys) {
      if (name == key) {
        if (seen & bit) return absl::InvalidArgumentError(absl::StrCat(what, ": \"", key, "\" stands twice"));
        seen |= bit;
      }
      bit <<= 1;
    }
  }
  return absl::OkStatus();
}

bool HasAttribute(const bencode::Value& file, char letter) {
  const bencode::Value* attributes = file.FindString("attr");
  return attributes != nullptr && attributes->string().find(letter) != absl::string_view::npos;
}

}  // namespace torrent
