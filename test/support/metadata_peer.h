// A peer that gives metadata (BEP 9), honestly or not, and then seeds: for tests of magnet links. Behind a listening
// port by ScriptedSeeder::Manner::instead, or on a connection that a test dialled. Thread: its caller's.
#ifndef TORRENT_TEST_SUPPORT_METADATA_PEER_H_
#define TORRENT_TEST_SUPPORT_METADATA_PEER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/types/optional.h"
#include "test/support/payload.h"
#include "test/support/peer_connection.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {

struct MetadataManner {
  enum class Kind { kHonest, kWrongBytes, kRejects, kSilent, kSaysNoSize };
  Kind kind = Kind::kHonest;
  std::string name = "metadata";  // its peer id
  bool fast = true;
  absl::optional<uint32_t>
      claims;  // `metadata_size`; the true one where not set. Other bytes of that size are sent then
  absl::optional<std::string> info;  // served in place of the payload's
  bool seeds = true;                 // answers requests for blocks
};

// Lives until the other side ends it. `delivered` is called for each piece of metadata, reject or ignored request.
void RunMetadataPeer(PeerConnection* peer, const Payload& payload, const MetadataManner& manner,
                     const std::function<void()>& delivered = nullptr);

// The same for a peer that listens.
ScriptedSeeder::Manner Serving(const MetadataManner& manner);

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_METADATA_PEER_H_
