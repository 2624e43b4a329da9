// What a process reads of the system when it resolves names, checks certificates and looks at itself: where that lies
// here. Reads the environment and the file system. Thread: any.
#ifndef TORRENT_SANDBOX_SYSTEM_PLACES_H_
#define TORRENT_SANDBOX_SYSTEM_PLACES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace torrent {

// Paths to be read; some may not be there.
std::vector<std::string> SystemPlaces();

// Whether a machine with this /etc/nsswitch.conf resolves names by asking a local service through a Unix socket
// (nss-resolve, mdns, sss, ...), and not only by files and the DNS.
bool NamesNeedUnixSockets(absl::string_view nsswitch);

// The same for this machine.
bool NamesNeedUnixSocketsHere();

}  // namespace torrent

#endif  // TORRENT_SANDBOX_SYSTEM_PLACES_H_
