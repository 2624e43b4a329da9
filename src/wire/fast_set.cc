#include "wire/fast_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/sha1.h"

namespace torrent::wire {

std::vector<uint32_t> AllowedFastSet(const std::array<uint8_t, 4>& address, const Infohash& infohash,
                                     uint32_t piece_count, size_t count) {
  std::vector<uint32_t> pieces;
  // A set larger than the torrent has no end in the BEP's loop.
  const size_t wanted = std::min<size_t>(count, piece_count);
  const std::array<uint8_t, 4> network = {address[0], address[1], address[2], 0};
  std::string x = absl::StrCat(AsText(network), infohash.Raw());
  while (pieces.size() < wanted) {
    const Sha1Hash hash = Sha1::Of(x);
    for (size_t i = 0; i < Sha1Hash::kSize && pieces.size() < wanted; i += 4) {
      const uint32_t piece_index = LoadBE32(hash.bytes.data() + i) % piece_count;
      if (std::find(pieces.begin(), pieces.end(), piece_index) == pieces.end()) pieces.push_back(piece_index);
    }
    x.assign(hash.Raw().data(), Sha1Hash::kSize);
  }
  return pieces;
}

}  // namespace torrent::wire
