#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace torrent {

void SecureRandomBytes(void* out, size_t size) {
  auto* p = static_cast<uint8_t*>(out);
  while (size > 0) {
    ssize_t n = getrandom(p, size, 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      abort();  // a kernel without getrandom: nothing here could be trusted
    }
    p += n;
    size -= static_cast<size_t>(n);
  }
}

uint64_t SecureRandom64() {
  uint64_t value;
  SecureRandomBytes(&value, sizeof value);
  return value;
}

}  // namespace torrent
