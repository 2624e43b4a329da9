// What a user names as a SOURCE becomes a checked Metainfo: a .torrent file, or the http(s) URL of one.
#ifndef TORRENT_CLI_SOURCE_H_
#define TORRENT_CLI_SOURCE_H_

#include <memory>
#include <string>

#include "cli/exit_code.h"
#include "torrent/metainfo.h"

namespace torrent {

// Sets `metainfo`; or an Outcome with its exit code and one line that names the source. Blocks on the file, or for at
// most a minute on the network.
Outcome LoadSource(const std::string& source, std::shared_ptr<const Metainfo>* metainfo);

// The source as it may be shown: a URL without userinfo and query, which may hold passwords and passkeys.
std::string SourceForDisplay(const std::string& source);

}  // namespace torrent

#endif  // TORRENT_CLI_SOURCE_H_
