// What each command may touch, and shutting the process in accordingly (sandbox/sandbox.h). Thread: main, before any
// other is started.
#ifndef TORRENT_CLI_SHUT_IN_H_
#define TORRENT_CLI_SHUT_IN_H_

#include "cli/arguments.h"

namespace torrent {

// Makes the folders that the command writes into, and leaves it nothing else to write. A folder that cannot be made is
// the command's to complain about. With -v it says on stderr what keeps it in.
void ShutIn(const Arguments& arguments);

}  // namespace torrent

#endif  // TORRENT_CLI_SHUT_IN_H_
