// The ids under which peers send us extension messages (BEP 10: who receives chooses them), the same on every
// connection of this program.
#ifndef TORRENT_SWARM_EXTENSION_IDS_H_
#define TORRENT_SWARM_EXTENSION_IDS_H_

#include <cstdint>

namespace torrent {

inline constexpr uint8_t kOurMetadataId = 2;  // ut_metadata, BEP 9
inline constexpr uint8_t kOurPexId = 5;       // ut_pex, BEP 11

}  // namespace torrent

#endif  // TORRENT_SWARM_EXTENSION_IDS_H_
