#include "swarm/pipeline.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace torrent {

namespace {
// The rate is looked at in windows of this length.
constexpr Duration kWindow = std::chrono::milliseconds(250);
// A window counts as growth when it is this much better than the best before.
constexpr double kGrowth = 1.1;
// Windows without growth until the growing ends.
constexpr int kFlatWindows = 4;
// Weight of the newest window in the rate.
constexpr double kWeight = 0.4;
// A block came at once if it took no longer than this and what those before it take at 256 MiB/s. A busy machine's
// scheduler delays most blocks by as much, but not all of a window's.
constexpr Duration kAtOnce = std::chrono::milliseconds(8);
constexpr double kAtOnceRate = 256 << 20;
// For so long after the first request nothing is taken for far.
constexpr Duration kFirstLook = std::chrono::milliseconds(50);
// A peer that is silent this long serves in turns (some do so twice a second), or we read in turns: either needs a
// queue that lasts as long.
constexpr Duration kPause = std::chrono::milliseconds(100);
// Of a window: who waited for the peer less than this share of it is the slower of the two.
constexpr double kNoWait = 0.1;
}  // namespace

size_t Pipeline::Cap() const {
  if (peer_queue_ > 0) return std::min(peer_queue_, kMaxDepth);
  // Beyond what peers usually queue only as long as everything is answered.
  return refused_ ? kUnknownQueue : kMaxDepth;
}

void Pipeline::SetPeerQueue(size_t reqq) {
  peer_queue_ = std::max(reqq, kMinDepth);
  depth_ = std::min(depth_, Cap());
}

void Pipeline::OnRefused() {
  refused_ = true;
  depth_ = std::min(depth_, Cap());
}

void Pipeline::OnFirstRequest(TimePoint now) {
  last_block_ = now;
  first_request_ = std::min(first_request_, now);
}

bool Pipeline::AnswersAtOnce() const {
  return (window_.at_once || window_before_.at_once) && !window_.paused && !window_before_.paused;
}

void Pipeline::OnBlocks(size_t count, size_t bytes, const Wait& wait, TimePoint now) {
  if (now - last_block_ >= kPause) window_.paused = true;
  last_block_ = now;
  window_bytes_ += bytes;
  // What a block waited behind others of ours is no latency: taken for it, a deep queue at a slow peer would ask for a
  // deeper one. What is left varies; its short side is the line's, and is forgotten slowly, so that a line that became
  // longer is noticed.
  if (wait.time > Duration{}) {
    const double behind = rate_ > 0 ? static_cast<double>(wait.ahead) * kBlockBytes / rate_ : 0;
    const Duration line = std::max(wait.time - FromSeconds(behind), Duration{});
    latency_ = latency_ == Duration{} ? line : std::min(line, latency_ + (line - latency_) / 64);
    const double queue = static_cast<double>(std::min(wait.ahead, kNearDepth)) * kBlockBytes / kAtOnceRate;
    if (wait.time <= kAtOnce + FromSeconds(queue)) window_.at_once = true;
  }
  if (stalled_) {
    stalled_ = false;
    depth_ = kMinDepth;
    growing_ = true;
    best_rate_ = 0;
    flat_windows_ = 0;
  }
  if (growing_) {
    const bool near = AnswersAtOnce() || now - first_request_ < kFirstLook;
    depth_ = std::min({depth_ + count, Cap(), near ? std::max(depth_, kNearDepth) : kMaxDepth});
  }
  if (now - window_start_ >= kWindow) CloseWindow(now);
}

void Pipeline::CloseWindow(TimePoint now) {
  const double length = ToSeconds(now - window_start_);
  const double seen = static_cast<double>(window_bytes_) / length;
  rate_ = rate_ == 0 ? seen : (1 - kWeight) * rate_ + kWeight * seen;
  const bool awaited_us = window_bytes_ > 0 && ToSeconds(window_.waited) < kNoWait * length;
  const bool near = AnswersAtOnce() || awaited_us;
  window_before_ = std::exchange(window_, {});
  window_bytes_ = 0;
  window_start_ = now;
  if (growing_ && !near) {
    flat_windows_ = seen > kGrowth * best_rate_ ? 0 : flat_windows_ + 1;
    best_rate_ = std::max(best_rate_, seen);
    // A window may be shorter than a round trip: then nothing can have grown yet.
    if (flat_windows_ < kFlatWindows || flat_windows_ * kWindow < 2 * latency_) return;
  }
  growing_ = false;
  if (stalled_) return;
  const double seconds = std::max(1.0, 2 * ToSeconds(latency_));
  auto wanted = static_cast<size_t>(rate_ * seconds / kBlockBytes) + 1;
  wanted = std::min(wanted, near ? kNearDepth : std::max(2 * depth_, kStartDepth));
  depth_ = std::clamp(wanted, kMinDepth, std::max(Cap(), kMinDepth));
}

void Pipeline::Decay(TimePoint now) {
  if (now - window_start_ >= 2 * kWindow) CloseWindow(now);
}

TimePoint Pipeline::StallDeadline() const {
  const double block_seconds = rate_ > 0 ? kBlockBytes / rate_ + ToSeconds(latency_) : 2;
  return last_block_ + FromSeconds(std::clamp(4 * block_seconds, 2.0, 20.0));
}

void Pipeline::OnStall(TimePoint now) {
  stalled_ = true;
  depth_ = 1;
  last_block_ = now;
}

}  // namespace torrent
