#include "test/fuzz/support/small_torrent.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha1.h"

namespace torrent::fuzz {

namespace {

Torrent Make(size_t piece_length, size_t pieces, size_t filler) {
  Torrent torrent;
  torrent.bytes.resize(piece_length * pieces - 9);
  for (size_t i = 0; i < torrent.bytes.size(); i++) torrent.bytes[i] = static_cast<char>('A' + i % 23);
  std::string hashes;
  for (size_t at = 0; at < torrent.bytes.size(); at += piece_length) {
    absl::StrAppend(&hashes, Sha1::Of(absl::string_view(torrent.bytes).substr(at, piece_length)).Raw());
  }
  const size_t first = torrent.bytes.size() / 2 + 5;
  std::string info = absl::StrCat("d5:filesld6:lengthi", first, "e4:pathl1:aeed6:lengthi", torrent.bytes.size() - first,
                                  "e4:pathl1:beee4:name5:small12:piece lengthi", piece_length, "e6:pieces",
                                  hashes.size(), ":", hashes);
  if (filler > 0) absl::StrAppend(&info, "6:x-fill", filler, ":", std::string(filler, 'x'));
  absl::StatusOr<Metainfo> metainfo = ParseInfo(info + "e");
  if (!metainfo.ok()) abort();
  torrent.metainfo = std::make_shared<const Metainfo>(*std::move(metainfo));
  return torrent;
}

}  // namespace

const Torrent& SmallTorrent() {
  static const auto* torrent = new Torrent(Make(48, 8, kMetadataPieceBytes));
  return *torrent;
}

const Torrent& BlockyTorrent() {
  static const auto* torrent = new Torrent(Make(2 * kBlockBytes, 3, 0));
  return *torrent;
}

}  // namespace torrent::fuzz
