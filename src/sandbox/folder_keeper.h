// A process beside ours that the sandbox does not shut in, and that opens files in one folder for us. Landlock knows a
// folder by what it is at the start: when its disk is unmounted and mounted again, all in it is refused, although
// nothing else has changed. The keeper then opens by name what we may have had all along: regular work in that folder,
// and nothing else. It is there only for a folder that can go away by itself, one on another file system than the root.
//
// What passes between the two, over a Unix socket: a request (kind, flags, mode, a name of one element) with the
// descriptor of the folder that the name is in, and of a socket for the answer; the answer (errno) with a descriptor.
// Threads: starts on main, before any other; Open and MakeFolder on any. Invariants: the keeper opens nothing whose
// folder is not the kept one or below it, follows no link, makes none of the system calls that do not serve this, and
// ends when we do.
#ifndef TORRENT_SANDBOX_FOLDER_KEEPER_H_
#define TORRENT_SANDBOX_FOLDER_KEEPER_H_

#include <memory>
#include <string>

#include "base/open_at.h"
#include "base/unique_fd.h"

namespace torrent {

class FolderKeeper : public Opener {
 public:
  // Starts the process. Null where none is needed, or none is to be had: then the folder does not come back before a
  // restart.
  static std::unique_ptr<FolderKeeper> Start(const std::string& folder);
  // The same for a folder of any file system.
  static std::unique_ptr<FolderKeeper> Keep(const std::string& folder);

  int Open(int folder, const char* name, int flags, mode_t mode) override;
  int MakeFolder(int folder, const char* name, mode_t mode) override;

 private:
  FolderKeeper(std::string path, UniqueFd requests) : path_(std::move(path)), requests_(std::move(requests)) {}
  // A descriptor, or 0 for a request that gives none; -1 with errno.
  int Ask(int kind, int folder, const char* name, int flags, mode_t mode) const;

  const std::string path_;  // whole, without links
  const UniqueFd requests_;
};

}  // namespace torrent

#endif  // TORRENT_SANDBOX_FOLDER_KEEPER_H_
