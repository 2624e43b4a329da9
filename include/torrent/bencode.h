// Bencode (BEP 3, "bencoding"): the one decoder and encoder of the program, for .torrent files, tracker replies,
// extension messages and our own state. Strict about form, bounded in depth and items, and nothing is allocated for a
// length before that many bytes are known to be there. Immutable values; thread-safe like any value.
#ifndef TORRENT_BENCODE_H_
#define TORRENT_BENCODE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace torrent::bencode {

// A decoded value: 24 bytes, whatever it is. It is a view into the buffer that was decoded, which must outlive it, and
// the root also owns the memory of all values below it: they live as long as the root, wherever that is moved.
class Value {
 public:
  enum class Type : uint8_t { kInteger, kString, kList, kDictionary };
  using List = absl::Span<const Value>;
  class Dictionary;

  Value(Value&& other) noexcept;
  Value& operator=(Value&& other) noexcept;
  ~Value();

  Type type() const;
  bool is_integer() const { return data_[0] == 'i'; }
  bool is_string() const { return data_[0] >= '0' && data_[0] <= '9'; }
  bool is_list() const { return data_[0] == 'l'; }
  bool is_dictionary() const { return data_[0] == 'd'; }

  // Each requires the type.
  int64_t integer() const;
  absl::string_view string() const;
  List list() const { return {children_, count_}; }
  // Keys in the order in which they stood; a duplicate key keeps its place.
  Dictionary dictionary() const;

  // The value of `key` in a dictionary, the first if there are several; null when this is none or has no such key.
  // Looks at one key after the other: for a few known keys, not for a table.
  const Value* Find(absl::string_view key) const;
  // The same, and of that type; null otherwise.
  const Value* FindString(absl::string_view key) const;
  const Value* FindInteger(absl::string_view key) const;
  const Value* FindList(absl::string_view key) const;
  const Value* FindDictionary(absl::string_view key) const;

  // The bytes that this value was decoded from, exactly: an infohash is taken of them.
  absl::string_view raw() const { return {data_, size_}; }

 private:
  friend class Decoder;
  Value(absl::string_view raw, Value* children, uint32_t count, bool owns_memory)
      : data_(raw.data()),
        children_(children),
        size_(static_cast<uint32_t>(raw.size())),
        count_(count & 0x7fffffff),
        owns_memory_(owns_memory) {}

  const char* data_;  // its first byte tells the type
  Value* children_;   // a dictionary's are key, value, key, value ...
  uint32_t size_;
  uint32_t count_ : 31;       // of children
  uint32_t owns_memory_ : 1;  // true in a root: `children_` is the beginning of what holds every value below
};

// The entries of a dictionary, as pairs: `for (const auto& [key, value] : v.dictionary())`.
class Value::Dictionary {
 public:
  using Entry = std::pair<absl::string_view, const Value&>;
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Entry;

    explicit Iterator(const Value* key) : key_(key) {}
    Entry operator*() const { return {key_[0].string(), key_[1]}; }
    Iterator& operator++() {
      key_ += 2;
      return *this;
    }
    friend bool operator==(Iterator a, Iterator b) { return a.key_ == b.key_; }
    friend bool operator!=(Iterator a, Iterator b) { return a.key_ != b.key_; }

   private:
    const Value* key_;
  };

  explicit Dictionary(absl::Span<const Value> keys_and_values) : children_(keys_and_values) {}
  size_t size() const { return children_.size() / 2; }
  bool empty() const { return children_.empty(); }
  Iterator begin() const { return Iterator(children_.data()); }
  Iterator end() const { return Iterator(children_.data() + children_.size()); }
  Entry operator[](size_t i) const { return {children_[2 * i].string(), children_[2 * i + 1]}; }

 private:
  absl::Span<const Value> children_;
};

inline Value::Dictionary Value::dictionary() const { return Dictionary({children_, count_}); }

struct DecodeOptions {
  int max_depth = 100;
  size_t max_items = 3'000'000;
  // Refuse what is not canonical (leading zeros, -0, keys unsorted or twice), as BEP 52 demands of v2 metadata.
  bool canonical = false;
  // Bytes after the root value: accepted if this points somewhere (and then counted there), refused otherwise.
  size_t* trailing_bytes = nullptr;
};

// InvalidArgument, naming the offset and what was wrong there, for anything that is not one value within the bounds.
absl::StatusOr<Value> Decode(absl::string_view bytes, const DecodeOptions& options = {});

// Writes bencode in the order of the calls; the caller gives dictionary keys sorted.
//   Encoder e; e.BeginDictionary().Key("interval").Integer(1800).End(); send(e.str());
class Encoder {
 public:
  Encoder& BeginDictionary();
  Encoder& BeginList();
  Encoder& End();
  Encoder& Key(absl::string_view key) { return String(key); }
  Encoder& Integer(int64_t value);
  Encoder& String(absl::string_view bytes);
  // Already encoded bytes, as they are.
  Encoder& Raw(absl::string_view encoded);

  const std::string& str() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace torrent::bencode

#endif  // TORRENT_BENCODE_H_
