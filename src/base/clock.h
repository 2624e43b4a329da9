// Time for timers and rates: the monotonic clock only, so that a jump of the wall clock changes nothing.
// State machines take `now` as an argument and can be tested without waiting.
#ifndef TORRENT_BASE_CLOCK_H_
#define TORRENT_BASE_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace torrent {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline TimePoint Now() { return Clock::now(); }

inline double ToSeconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline Duration FromSeconds(double s) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)); }

// Whole milliseconds until `deadline` for poll(2): rounded up so that a wait never ends just short of it,
// -1 (for ever) for TimePoint::max(), 0 when it has passed.
int PollTimeout(TimePoint deadline, TimePoint now);

}  // namespace torrent

#endif  // TORRENT_BASE_CLOCK_H_
