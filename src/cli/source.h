// What a user names as a SOURCE becomes a checked value: the Metainfo of a .torrent file or of the http(s) URL of one,
// or a magnet link.
#ifndef TORRENT_CLI_SOURCE_H_
#define TORRENT_CLI_SOURCE_H_

#include <memory>
#include <string>

#include "cli/exit_code.h"
#include "torrent/magnet.h"
#include "torrent/metainfo.h"

namespace torrent {

struct Source {
  std::shared_ptr<const Metainfo> metainfo;  // null: it is a magnet link
  Magnet magnet;
};

// Sets `loaded`; or an Outcome with its exit code and one line that names the source. Blocks on the file, or for at
// most a minute on the network.
Outcome LoadSource(const std::string& source, Source* loaded);

// The same where only a .torrent will do: `metainfo` is set. Or an Outcome with its exit code and one line that names
// the source. Blocks on the file, or for at most a minute on the network.
Outcome LoadMetainfoSource(const std::string& source, std::shared_ptr<const Metainfo>* metainfo);

// The source as it may be shown: a URL without userinfo and query, which may hold passwords and passkeys.
std::string SourceForDisplay(const std::string& source);

}  // namespace torrent

#endif  // TORRENT_CLI_SOURCE_H_
