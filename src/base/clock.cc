#include "base/clock.h"

#include <algorithm>

namespace torrent {

int PollTimeout(TimePoint deadline, TimePoint now) {
  if (deadline == TimePoint::max()) return -1;
  if (deadline <= now) return 0;
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::min<int64_t>(ms, 1 << 30));
}

}  // namespace torrent
