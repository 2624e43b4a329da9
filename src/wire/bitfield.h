// Which pieces somebody has, one bit a piece (BEP 3, `bitfield`).
// Thread: its owner's; may be handed over.
// Invariant: bits at and above size() are zero in every word; a bitfield in which all bits are equal owns no memory, so
// a seed's costs nothing, whatever the number of pieces.
#ifndef TORRENT_WIRE_BITFIELD_H_
#define TORRENT_WIRE_BITFIELD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace torrent::wire {

class Bitfield {
 public:
  // Bits in a word. Bit i lies in word i / 64 at value 1 << (63 - i % 64): a word is eight bytes of the wire, read big
  // endian, and the first set bit is its count of leading zeros.
  static constexpr size_t kWordBits = 64;

  // `size` bits, none set.
  explicit Bitfield(size_t size = 0) : size_(size) {}
  static Bitfield AllSet(size_t size);

  size_t size() const { return size_; }
  // Bits set. Costs nothing.
  size_t Count() const { return count_; }
  bool all() const { return count_ == size_; }
  bool none() const { return count_ == 0; }

  // Each `bit` is in [0, size()).
  bool Test(size_t bit) const {
    if (words_.empty()) return count_ != 0;
    return (words_[bit / kWordBits] & Mask(bit)) != 0;
  }
  // Set and Clear answer whether the bit changed.
  bool Set(size_t bit);
  bool Clear(size_t bit);
  void SetAll();
  void ClearAll();

  // For passes over many pieces at once: `wanted.word(i) & peer.word(i)`, i in [0, word_count()).
  size_t word_count() const { return WordCount(size_); }
  uint64_t word(size_t index) const {
    if (!words_.empty()) return words_[index];
    return count_ == 0 ? 0 : FullWord(index);
  }
  // The number of the first bit that is set in `word`, which is word `index` and not 0.
  static size_t FirstBit(size_t index, uint64_t word) {
    return index * kWordBits + static_cast<size_t>(__builtin_clzll(word));
  }

  // The first bit at or after `from` that is set (clear); size() when there is none.
  size_t FindSet(size_t from = 0) const;
  size_t FindClear(size_t from = 0) const;
  // Whether a bit is set here and clear in `other`, which has the same size: whether we are interested.
  bool HasAnyBeyond(const Bitfield& other) const;

  // As on the wire: ceil(size / 8) bytes, "the high bit in the first byte corresponds to piece index 0", spare bits
  // zero.
  static constexpr size_t WireBytes(size_t size) { return (size + 7) / 8; }
  // InvalidArgument naming both values when `bytes` are not exactly as many, or a spare bit is set.
  static absl::StatusOr<Bitfield> FromWire(absl::Span<const uint8_t> bytes, size_t size);
  std::string ToWire() const;

  // The bytes of this in memory beyond sizeof(Bitfield).
  size_t allocated_bytes() const { return words_.capacity() * sizeof(uint64_t); }

  friend bool operator==(const Bitfield& a, const Bitfield& b);

 private:
  friend class BitfieldReader;
  static constexpr uint64_t Mask(size_t bit) { return uint64_t{1} << (kWordBits - 1 - bit % kWordBits); }
  static constexpr size_t WordCount(size_t size) { return (size + kWordBits - 1) / kWordBits; }
  // Word `index` of a bitfield that is all ones.
  uint64_t FullWord(size_t index) const {
    const size_t last = size_ % kWordBits;
    return index + 1 == word_count() && last != 0 ? ~uint64_t{0} << (kWordBits - last) : ~uint64_t{0};
  }
  // Takes memory for the words, which had all the same value.
  void Materialise();
  // Gives the memory back once all bits are equal.
  void DropIfUniform();

  size_t size_;
  size_t count_ = 0;
  std::vector<uint64_t> words_;  // empty where count_ is 0 or size_
};

// Reads a bitfield whose bytes come in parts: that of a torrent of 2^21 pieces is larger than any receive buffer.
// Thread: its owner's.
class BitfieldReader {
 public:
  // Takes memory for `size` bits; the length of the message has been checked against it before.
  explicit BitfieldReader(size_t size);

  // Bytes still to come.
  size_t missing_bytes() const { return Bitfield::WireBytes(size_) - received_; }
  // `bytes` are no more than are missing.
  void Add(absl::Span<const uint8_t> bytes);
  // The bitfield, once nothing is missing; InvalidArgument when a spare bit is set. The reader is used up.
  absl::StatusOr<Bitfield> Finish();

 private:
  size_t size_;
  size_t received_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_BITFIELD_H_
