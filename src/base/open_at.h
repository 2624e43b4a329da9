// openat and mkdirat with a second way, for folders that the sandbox has shut out: it knows a folder by what it was
// when the process was shut in, and one whose file system was unmounted and mounted again is another one to it.
// Thread-safe. Invariant: the second way is asked only when the kernel refused with EACCES, so that it costs nothing
// before.
#ifndef TORRENT_BASE_OPEN_AT_H_
#define TORRENT_BASE_OPEN_AT_H_

#include <sys/types.h>

namespace torrent {

// The second way (sandbox/folder_keeper.h). Both answer as the system calls do: -1 with errno.
class Opener {
 public:
  virtual ~Opener() = default;
  virtual int Open(int folder, const char* name, int flags, mode_t mode) = 0;
  virtual int MakeFolder(int folder, const char* name, mode_t mode) = 0;
};

// For the whole process, before it starts threads; lives as long as it. Null: none.
void SetOpener(Opener* opener);

// openat(2). `mode` with O_CREAT only.
int OpenAt(int folder, const char* name, int flags, mode_t mode = 0);
// mkdirat(2).
int MakeFolderAt(int folder, const char* name, mode_t mode);

}  // namespace torrent

#endif  // TORRENT_BASE_OPEN_AT_H_
