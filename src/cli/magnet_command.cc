// `torrent magnet FILE`: the link that names the same torrent.
#include "cli/commands.h"
#include "cli/source.h"
#include "torrent/magnet.h"

namespace torrent {

Outcome RunMagnet(const MagnetArguments& arguments) {
  std::shared_ptr<const Metainfo> metainfo;
  if (Outcome outcome = LoadMetainfoSource(arguments.source, &metainfo); outcome.exit_code != kExitDone) return outcome;
  return WriteOut(MagnetLink(*metainfo) + "\n");
}

}  // namespace torrent
