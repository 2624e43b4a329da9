#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "torrent/bencode.h"

namespace torrent::bencode {

// One pass without recursion. All values lie in one block of memory that is filled from both ends: at its front the
// stack of values whose container is still open, at its back the children of closed containers, in one piece each.
// Together they never exceed the number of values, of which each took two bytes of input; and what is not
// needed of the block is never touched.
class Decoder {
 public:
  Decoder(absl::string_view bytes, const DecodeOptions& options)
      : bytes_(bytes),
        options_(options),
        capacity_(std::min(options.max_items, bytes.size() / 2)),
        block_(static_cast<Value*>(::operator new(capacity_ * sizeof(Value)))),
        back_(capacity_) {}
  ~Decoder() { ::operator delete(block_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  absl::StatusOr<Value> Run();

 private:
  struct Container {
    size_t offset;       // of its first byte
    size_t first_child;  // in the stack at the block's front
  };

  bool AtEnd() const { return offset_ == bytes_.size(); }
  bool InDictionary() const { return !open_.empty() && bytes_[open_.back().offset] == 'd'; }
  size_t ChildCount() const { return front_ - open_.back().first_child; }
  bool ExpectsKey() const { return InDictionary() && ChildCount() % 2 == 0; }
  absl::string_view From(size_t begin) const { return bytes_.substr(begin, offset_ - begin); }
  absl::Status ErrorAt(size_t offset, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("bencode, byte ", offset, ": ", what));
  }

  absl::Status ScanInteger();
  absl::Status ScanString();
  absl::Status OpenContainer();
  // Adds a finished value to the container that is open.
  absl::Status Push(Value value);
  absl::Status CheckKeyOrder() const;
  // The innermost container, closed, its children moved to the back.
  Value Close();
  absl::StatusOr<Value> Finish(Value root);

  const absl::string_view bytes_;
  const DecodeOptions& options_;
  const size_t capacity_;
  Value* block_;
  size_t front_ = 0;
  size_t back_;
  size_t items_ = 0;
  size_t offset_ = 0;
  absl::InlinedVector<Container, 8> open_;
};

absl::StatusOr<Value> Decoder::Run() {
  if (bytes_.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("bencode: ", bytes_.size(), " bytes are more than 4 GiB"));
  }
  while (true) {
    if (AtEnd()) return ErrorAt(offset_, open_.empty() ? "nothing there" : "ends inside a list or dictionary");
    const size_t begin = offset_;
    const char c = bytes_[offset_];
    const bool is_string = absl::ascii_isdigit(static_cast<unsigned char>(c));
    if (c == 'e' && !open_.empty()) {
      if (InDictionary() && !ExpectsKey()) return ErrorAt(begin, "key without a value");
      ++offset_;
      Value closed = Close();
      if (open_.empty()) return Finish(std::move(closed));
      RETURN_IF_ERROR(Push(std::move(closed)));
      continue;
    }
    if (ExpectsKey() && !is_string) return ErrorAt(begin, "dictionary key is not a string");
    if (items_++ == options_.max_items) {
      return ErrorAt(begin, absl::StrCat("more than ", options_.max_items, " values"));
    }
    if (c == 'l' || c == 'd') {
      RETURN_IF_ERROR(OpenContainer());
      continue;
    }
    if (c == 'i') {
      RETURN_IF_ERROR(ScanInteger());
    } else if (is_string) {
      RETURN_IF_ERROR(ScanString());
    } else {
      return ErrorAt(begin, "no value begins with this byte");
    }
    Value leaf(From(begin), nullptr, 0, false);
    if (open_.empty()) return Finish(std::move(leaf));
    RETURN_IF_ERROR(Push(std::move(leaf)));
  }
}

// i, an optional minus, digits, e.
absl::Status Decoder::ScanInteger() {
  ++offset_;
  const bool negative = !AtEnd() && bytes_[offset_] == '-';
  if (negative) ++offset_;
  const uint64_t limit = uint64_t{std::numeric_limits<int64_t>::max()} + (negative ? 1 : 0);
  const size_t first_digit = offset_;
  uint64_t magnitude = 0;
  for (; !AtEnd() && absl::ascii_isdigit(static_cast<unsigned char>(bytes_[offset_])); ++offset_) {
    const auto digit = static_cast<uint64_t>(bytes_[offset_] - '0');
    if (magnitude > (limit - digit) / 10) return ErrorAt(offset_, "integer does not fit into 64 bits");
    magnitude = magnitude * 10 + digit;
  }
  if (AtEnd()) return ErrorAt(offset_, "ends inside an integer");
  if (bytes_[offset_] != 'e') return ErrorAt(offset_, "integer holds something else than digits");
  if (offset_ == first_digit) return ErrorAt(offset_, "integer without digits");
  const bool leading_zero = bytes_[first_digit] == '0' && (negative || offset_ - first_digit > 1);
  if (options_.canonical && leading_zero) return ErrorAt(first_digit, "integer with a leading zero, or -0");
  ++offset_;
  return absl::OkStatus();
}

// Digits, a colon, as many bytes.
absl::Status Decoder::ScanString() {
  // Ten digits are more than 4 GiB of input can ever need.
  constexpr size_t kMaxLengthDigits = 10;
  const size_t first_digit = offset_;
  uint64_t length = 0;
  for (; !AtEnd() && absl::ascii_isdigit(static_cast<unsigned char>(bytes_[offset_])); ++offset_) {
    if (offset_ - first_digit == kMaxLengthDigits) return ErrorAt(offset_, "string length has more than 10 digits");
    length = length * 10 + static_cast<uint64_t>(bytes_[offset_] - '0');
  }
  if (AtEnd()) return ErrorAt(offset_, "ends inside a string's length");
  if (bytes_[offset_] != ':') return ErrorAt(offset_, "string length is not followed by a colon");
  if (options_.canonical && bytes_[first_digit] == '0' && offset_ - first_digit > 1) {
    return ErrorAt(first_digit, "string length with a leading zero");
  }
  ++offset_;
  const size_t left = bytes_.size() - offset_;
  if (length > left)
    return ErrorAt(offset_, absl::StrCat("string of ", length, " bytes, but only ", left, " are left"));
  offset_ += length;
  return absl::OkStatus();
}

absl::Status Decoder::OpenContainer() {
  if (open_.size() >= static_cast<size_t>(options_.max_depth)) {
    return ErrorAt(offset_, absl::StrCat("nested deeper than ", options_.max_depth));
  }
  open_.push_back({offset_, front_});
  ++offset_;
  return absl::OkStatus();
}

absl::Status Decoder::Push(Value value) {
  const bool is_key = ExpectsKey();
  new (&block_[front_++]) Value(std::move(value));
  return is_key && options_.canonical ? CheckKeyOrder() : absl::OkStatus();
}

absl::Status Decoder::CheckKeyOrder() const {
  if (ChildCount() < 3) return absl::OkStatus();
  const absl::string_view key = block_[front_ - 1].string();
  const absl::string_view previous = block_[front_ - 3].string();
  if (previous < key) return absl::OkStatus();
  const auto offset = static_cast<size_t>(block_[front_ - 1].raw().data() - bytes_.data());
  return ErrorAt(offset, previous == key ? "dictionary key stands twice" : "dictionary keys are not sorted");
}

Value Decoder::Close() {
  const Container container = open_.back();
  const size_t count = ChildCount();
  open_.pop_back();
  if (open_.empty()) {
    // The root's children are all that is left at the front: the block is theirs.
    return Value(From(container.offset), std::exchange(block_, nullptr), static_cast<uint32_t>(count), true);
  }
  for (size_t i = 0; i < count; ++i) new (&block_[--back_]) Value(std::move(block_[--front_]));
  return Value(From(container.offset), block_ + back_, static_cast<uint32_t>(count), false);
}

absl::StatusOr<Value> Decoder::Finish(Value root) {
  const size_t trailing = bytes_.size() - offset_;
  if (options_.trailing_bytes != nullptr) {
    *options_.trailing_bytes = trailing;
  } else if (trailing != 0) {
    return ErrorAt(offset_, absl::StrCat(trailing, " bytes after the end"));
  }
  return root;
}

absl::StatusOr<Value> Decode(absl::string_view bytes, const DecodeOptions& options) {
  return Decoder(bytes, options).Run();
}

}  // namespace torrent::bencode
