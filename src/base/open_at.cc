#include "base/open_at.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

namespace torrent {
namespace {

std::atomic<Opener*> second_way{nullptr};

// Null unless the kernel refused.
Opener* SecondWay(int answer) { return answer < 0 && errno == EACCES ? second_way.load() : nullptr; }

}  // namespace

void SetOpener(Opener* opener) { second_way = opener; }

int OpenAt(int folder, const char* name, int flags, mode_t mode) {
  const int fd = openat(folder, name, flags, mode);
  Opener* const opener = SecondWay(fd);
  return opener == nullptr ? fd : opener->Open(folder, name, flags, mode);
}

int MakeFolderAt(int folder, const char* name, mode_t mode) {
  const int answer = mkdirat(folder, name, mode);
  Opener* const opener = SecondWay(answer);
  return opener == nullptr ? answer : opener->MakeFolder(folder, name, mode);
}

}  // namespace torrent
