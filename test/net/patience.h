// How long the tests of this room wait for what comes at once: far longer than ever needed.
#ifndef TORRENT_TEST_NET_PATIENCE_H_
#define TORRENT_TEST_NET_PATIENCE_H_

#include <chrono>

namespace torrent {

inline constexpr std::chrono::seconds kPatience{20};

}  // namespace torrent

#endif  // TORRENT_TEST_NET_PATIENCE_H_
