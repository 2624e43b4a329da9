// A connection that comes to us, from its first byte on: the listener's handshake, then a whole peer worker with its
// torrent. First byte: the world (session_world.h, Mode); second: in which portions it comes. The rest is what the peer
// sends; after each "|next|" another peer does, to the same swarm.
#include "absl/strings/str_split.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/fed_stream.h"
#include "test/fuzz/support/reader.h"
#include "test/fuzz/support/session_world.h"

namespace torrent::fuzz {

FUZZ_TARGET(peer_session) {
  Reader reader(input);
  SessionWorld world(SmallTorrent(), reader.Byte());
  const size_t how = reader.Byte() & 7;
  const size_t sizes[] = {0, 1, 1, 1, 7, 13, 64, 1000};
  int peers = 0;
  for (absl::string_view peer : absl::StrSplit(reader.rest(), "|next|")) {
    world.RunIncoming(Portions(peer, sizes[how]));
    if (++peers == 4) break;
  }
}

}  // namespace torrent::fuzz
