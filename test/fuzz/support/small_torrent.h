// Torrents for sessions: so small that an input holds whole pieces of them, with a hash that agrees.
// Immutable.
#ifndef TORRENT_TEST_FUZZ_SUPPORT_SMALL_TORRENT_H_
#define TORRENT_TEST_FUZZ_SUPPORT_SMALL_TORRENT_H_

#include <memory>
#include <string>

#include "torrent/metainfo.h"

namespace torrent::fuzz {

struct Torrent {
  std::shared_ptr<const Metainfo> metainfo;
  std::string bytes;  // the payload: 'A' + (offset mod 23) at each offset
};

// Two files in 8 pieces of 48 bytes, the last shorter. Its `info` value has two pieces of metadata.
const Torrent& SmallTorrent();
// The same in 3 pieces of two blocks (32 KiB), for what only happens where several peers fill one piece.
const Torrent& BlockyTorrent();

}  // namespace torrent::fuzz

#endif  // TORRENT_TEST_FUZZ_SUPPORT_SMALL_TORRENT_H_
