// Bencode (BEP 3, "bencoding"): the one decoder and encoder of the program, for .torrent files, tracker replies,
// extension messages and our own state. Strict about form, bounded in depth and items, and nothing is allocated for a
// length before that many bytes are known to be there. Immutable values; thread-safe like any value.
#ifndef TORRENT_BENCODE_H_
#define TORRENT_BENCODE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent::bencode {

// A decoded value. Strings and raw bytes are views into the buffer that was decoded: it must outlive the value.
class Value {
 public:
  enum class Type : uint8_t { kInteger, kString, kList, kDictionary };
  // Keys in the order in which they stood; a duplicate key keeps its place (Find answers the first).
  using Dictionary = std::vector<std::pair<absl::string_view, Value>>;
  using List = std::vector<Value>;

  Type type() const { return type_; }
  bool is_integer() const { return type_ == Type::kInteger; }
  bool is_string() const { return type_ == Type::kString; }
  bool is_list() const { return type_ == Type::kList; }
  bool is_dictionary() const { return type_ == Type::kDictionary; }

  // Each requires the type.
  int64_t integer() const { return integer_; }
  absl::string_view string() const { return string_; }
  const List& list() const { return list_; }
  const Dictionary& dictionary() const { return dictionary_; }

  // The value of `key` in a dictionary; null when this is none or has no such key.
  const Value* Find(absl::string_view key) const;
  // The same, and of that type; null otherwise.
  const Value* FindString(absl::string_view key) const;
  const Value* FindInteger(absl::string_view key) const;
  const Value* FindList(absl::string_view key) const;
  const Value* FindDictionary(absl::string_view key) const;

  // The bytes that this value was decoded from, exactly: an infohash is taken of them.
  absl::string_view raw() const { return raw_; }

 private:
  friend class Decoder;
  Type type_ = Type::kInteger;
  int64_t integer_ = 0;
  absl::string_view string_;
  absl::string_view raw_;
  List list_;
  Dictionary dictionary_;
};

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
