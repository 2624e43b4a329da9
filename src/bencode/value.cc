#include <new>
#include <utility>

#include "torrent/bencode.h"

namespace torrent::bencode {

static_assert(sizeof(Value) <= 24, "three million of them come with the largest torrents");

Value::Value(Value&& other) noexcept
    : data_(other.data_),
      children_(other.children_),
      size_(other.size_),
      count_(other.count_),
      owns_memory_(other.owns_memory_) {
  other.owns_memory_ = false;
}

Value& Value::operator=(Value&& other) noexcept {
  if (this == &other) return *this;
  this->~Value();
  return *new (this) Value(std::move(other));
}

Value::~Value() {
  // The values in there own nothing themselves: their memory is this one block.
  if (owns_memory_) ::operator delete(children_);
}

Value::Type Value::type() const {
  switch (data_[0]) {
    case 'i':
      return Type::kInteger;
    case 'l':
      return Type::kList;
    case 'd':
      return Type::kDictionary;
    default:
      return Type::kString;
  }
}

// The decoder has checked the digits and that they fit.
int64_t Value::integer() const {
  const bool negative = data_[1] == '-';
  uint64_t magnitude = 0;
  for (const char* p = data_ + (negative ? 2 : 1); *p != 'e'; ++p) magnitude = magnitude * 10 + uint64_t(*p - '0');
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

absl::string_view Value::string() const {
  absl::string_view bytes = raw();
  bytes.remove_prefix(bytes.find(':') + 1);
  return bytes;
}

const Value* Value::Find(absl::string_view key) const {
  if (!is_dictionary()) return nullptr;
  for (const auto& [name, value] : dictionary()) {
    if (name == key) return &value;
  }
  return nullptr;
}

const Value* Value::FindString(absl::string_view key) const {
  const Value* value = Find(key);
  return value != nullptr && value->is_string() ? value : nullptr;
}

const Value* Value::FindInteger(absl::string_view key) const {
  const Value* value = Find(key);
  return value != nullptr && value->is_integer() ? value : nullptr;
}

const Value* Value::FindList(absl::string_view key) const {
  const Value* value = Find(key);
  return value != nullptr && value->is_list() ? value : nullptr;
}

const Value* Value::FindDictionary(absl::string_view key) const {
  const Value* value = Find(key);
  return value != nullptr && value->is_dictionary() ? value : nullptr;
}

}  // namespace torrent::bencode
