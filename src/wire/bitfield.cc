#include "wire/bitfield.h"

#include <algorithm>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace torrent::wire {

Bitfield Bitfield::AllSet(size_t size) {
  Bitfield bitfield(size);
  bitfield.SetAll();
  return bitfield;
}

void Bitfield::Materialise() {
  const bool ones = count_ != 0;
  words_.assign(word_count(), 0);
  if (!ones) return;
  for (size_t i = 0; i < words_.size(); ++i) words_[i] = FullWord(i);
}

void Bitfield::DropIfUniform() {
  if (count_ == 0 || count_ == size_) words_ = std::vector<uint64_t>();
}

bool Bitfield::Set(size_t bit) {
  if (Test(bit)) return false;
  if (words_.empty()) Materialise();
  words_[bit / kWordBits] |= Mask(bit);
  ++count_;
  DropIfUniform();
  return true;
}

bool Bitfield::Clear(size_t bit) {
  if (!Test(bit)) return false;
  if (words_.empty()) Materialise();
  words_[bit / kWordBits] &= ~Mask(bit);
  --count_;
  DropIfUniform();
  return true;
}

void Bitfield::SetAll() {
  count_ = size_;
  DropIfUniform();
}

void Bitfield::ClearAll() {
  count_ = 0;
  DropIfUniform();
}

size_t Bitfield::FindSet(size_t from) const {
  if (from >= size_ || none()) return size_;
  if (all()) return from;
  size_t index = from / kWordBits;
  uint64_t word = words_[index] & (~uint64_t{0} >> (from % kWordBits));
  while (word == 0) {
    if (++index == words_.size()) return size_;
    word = words_[index];
  }
  return FirstBit(index, word);
}

size_t Bitfield::FindClear(size_t from) const {
  if (from >= size_ || all()) return size_;
  if (none()) return from;
  size_t index = from / kWordBits;
  uint64_t word = ~words_[index] & FullWord(index) & (~uint64_t{0} >> (from % kWordBits));
  while (word == 0) {
    if (++index == words_.size()) return size_;
    word = ~words_[index] & FullWord(index);
  }
  return FirstBit(index, word);
}

bool Bitfield::HasAnyBeyond(const Bitfield& other) const {
  if (count_ > other.count_) return true;
  if (none() || other.all()) return false;
  for (size_t i = 0; i < word_count(); ++i) {
    if ((word(i) & ~other.word(i)) != 0) return true;
  }
  return false;
}

absl::StatusOr<Bitfield> Bitfield::FromWire(absl::Span<const uint8_t> bytes, size_t size) {
  if (bytes.size() != WireBytes(size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("bitfield of ", size, " pieces: ", bytes.size(), " bytes are not ", WireBytes(size)));
  }
  BitfieldReader reader(size);
  reader.Add(bytes);
  return reader.Finish();
}

std::string Bitfield::ToWire() const {
  std::string bytes(word_count() * sizeof(uint64_t), '\0');
  for (size_t i = 0; i < word_count(); ++i) StoreBE64(&bytes[i * sizeof(uint64_t)], word(i));
  bytes.resize(WireBytes(size_));
  return bytes;
}

bool operator==(const Bitfield& a, const Bitfield& b) {
  return a.size_ == b.size_ && a.count_ == b.count_ && a.words_ == b.words_;
}

BitfieldReader::BitfieldReader(size_t size) : size_(size), words_(Bitfield::WordCount(size)) {}

void BitfieldReader::Add(absl::Span<const uint8_t> bytes) {
  size_t taken = 0;
  const auto add_byte = [&] {
    words_[received_ / 8] |= uint64_t{bytes[taken]} << (56 - 8 * (received_ % 8));
    ++received_;
    ++taken;
  };
  while (taken < bytes.size() && received_ % 8 != 0) add_byte();
  for (; bytes.size() - taken >= 8; taken += 8, received_ += 8) {
    words_[received_ / 8] = LoadBE64(bytes.data() + taken);
  }
  while (taken < bytes.size()) add_byte();
}

absl::StatusOr<Bitfield> BitfieldReader::Finish() {
  Bitfield bitfield(size_);
  if (!words_.empty()) {
    const uint64_t spare = words_.back() & ~bitfield.FullWord(words_.size() - 1);
    if (spare != 0) {
      return absl::InvalidArgumentError(absl::StrCat("bitfield of ", size_, " pieces: spare bit ",
                                                     Bitfield::FirstBit(words_.size() - 1, spare), " is set"));
    }
  }
  for (uint64_t word : words_) bitfield.count_ += static_cast<size_t>(absl::popcount(word));
  bitfield.words_ = std::move(words_);
  bitfield.DropIfUniform();
  return bitfield;
}

}  // namespace torrent::wire
