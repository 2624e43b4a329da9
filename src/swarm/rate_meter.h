// Bytes a second over the last few seconds, for eyes: from a running total that is looked at about once a second.
// Thread: its owner's.
#ifndef TORRENT_SWARM_RATE_METER_H_
#define TORRENT_SWARM_RATE_METER_H_

#include <cstdint>

#include "base/clock.h"

namespace torrent {

class RateMeter {
 public:
  void Sample(uint64_t total, TimePoint now) {
    if (last_ != TimePoint{} && now > last_) {
      const double seen = static_cast<double>(total - last_total_) / ToSeconds(now - last_);
      rate_ = samples_ == 0 ? seen : rate_ + kWeight * (seen - rate_);
      samples_++;
    }
    last_ = now;
    last_total_ = total;
  }
  double rate() const { return rate_; }

 private:
  static constexpr double kWeight = 0.3;
  TimePoint last_{};
  uint64_t last_total_ = 0;
  uint64_t samples_ = 0;
  double rate_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_RATE_METER_H_
