#include "tracker/tracker_tiers.h"

#include <algorithm>
#include <chrono>

#include "base/limits.h"

namespace torrent {

namespace {

// 5 s doubled at each failure, and up to half as much again, so that clients that lost a tracker together do not come
// back together; never more than kMaxAnnounceBackoff.
Duration Backoff(int failures, Random* random) {
  constexpr Duration kMost = kMaxAnnounceBackoff;
  Duration wait = kMinAnnounceBackoff;
  for (int i = 1; i < failures && wait < kMost; ++i) wait *= 2;
  wait = std::min(wait, kMost * 2 / 3);
  return wait + FromSeconds(ToSeconds(wait) / 2 * random->Fraction());
}

}  // namespace

TrackerTiers::TrackerTiers(const std::vector<size_t>& tiers, uint64_t seed, TimePoint now)
    : random_(seed), next_announce_(now) {
  for (size_t tier_size : tiers) {
    std::vector<size_t>& tier = tiers_.emplace_back();
    for (size_t i = 0; i < tier_size; ++i) tier.push_back(trackers_.size() + i);
    trackers_.resize(trackers_.size() + tier_size);
    for (size_t i = tier.size(); i > 1; --i) std::swap(tier[i - 1], tier[random_.Below(i)]);
  }
}

std::vector<AnnounceTask> TrackerTiers::Due(TimePoint now) {
  std::vector<AnnounceTask> tasks;
  if (stopping_) {
    for (size_t i = 0; i < trackers_.size() && in_flight_ < kMaxAnnouncesInFlight; ++i) {
      if (!StopDue(trackers_[i])) continue;
      if (completed_pending_ && trackers_[i].healthy && !Completing()) {
        tasks.push_back(Start(i, TrackerEvent::kCompleted, now));
        continue;
      }
      trackers_[i].stop_sent = true;
      tasks.push_back(Start(i, TrackerEvent::kStopped, now));
    }
    return tasks;
  }
  while (absl::optional<size_t> tracker = FindNext(now).tracker) {
    TrackerEvent event = TrackerEvent::kNone;
    if (!trackers_[*tracker].answered) {
      event = TrackerEvent::kStarted;
    } else if (completed_pending_) {
      event = TrackerEvent::kCompleted;
    }
    tasks.push_back(Start(*tracker, event, now));
  }
  return tasks;
}

TimePoint TrackerTiers::NextDeadline(TimePoint now) const {
  if (stopping_) {
    const bool due = in_flight_ < kMaxAnnouncesInFlight &&
                     std::any_of(trackers_.begin(), trackers_.end(), [&](const Entry& e) { return StopDue(e); });
    return due ? now : TimePoint::max();
  }
  const Next next = FindNext(now);
  return next.tracker ? now : next.look_again;
}

TrackerTiers::Next TrackerTiers::FindNext(TimePoint now) const {
  Next next;
  if (in_flight_ >= kMaxAnnouncesInFlight) return next;
  const TimePoint wanted_at = std::max(next_announce_, hold_until_);
  if (now < wanted_at) {
    next.look_again = wanted_at;
    return next;
  }
  for (const std::vector<size_t>& tier : tiers_) {
    for (size_t i : tier) {
      const Entry& entry = trackers_[i];
      if (entry.disabled) continue;
      if (entry.in_flight) {
        const TimePoint patience_ends = entry.sent_at + kAnnouncePatience;
        if (now >= patience_ends) continue;
        next.look_again = std::min(next.look_again, patience_ends);
        return next;
      }
      // BEP 3 wants `completed` when it happens, whatever the interval.
      const bool may_ask = now >= entry.not_before || (completed_pending_ && entry.healthy);
      if (may_ask) {
        next.tracker = i;
        return next;
      }
      next.look_again = std::min(next.look_again, entry.not_before);
      if (entry.healthy) return next;  // it works, so it is waited for: those behind it are for when it fails
    }
  }
  return next;
}

AnnounceTask TrackerTiers::Start(size_t tracker, TrackerEvent event, TimePoint now) {
  Entry& entry = trackers_[tracker];
  entry.in_flight = true;
  entry.sent_event = event;
  entry.sent_at = now;
  ++in_flight_;
  return AnnounceTask{tracker, event, entry.tracker_id};
}

bool TrackerTiers::Completing() const {
  return std::any_of(trackers_.begin(), trackers_.end(),
                     [](const Entry& e) { return e.in_flight && e.sent_event == TrackerEvent::kCompleted; });
}

void TrackerTiers::Finish(Entry* entry) {
  entry->in_flight = false;
  --in_flight_;
}

void TrackerTiers::OnReply(size_t tracker, const AnnounceReply& reply, TimePoint now) {
  Entry& entry = trackers_[tracker];
  Finish(&entry);
  entry.answered = true;
  entry.healthy = true;
  entry.failures = 0;
  if (!reply.tracker_id.empty()) entry.tracker_id = reply.tracker_id;
  if (entry.sent_event == TrackerEvent::kCompleted) completed_pending_ = false;
  entry.not_before = now + std::max<Duration>(reply.min_interval, kMinAnnounceInterval);
  entry.forbidden_until = now + reply.min_interval;
  next_announce_ = completed_pending_ ? now : now + reply.interval;
  for (std::vector<size_t>& tier : tiers_) {
    auto position = std::find(tier.begin(), tier.end(), tracker);
    if (position != tier.end()) std::rotate(tier.begin(), position, position + 1);
  }
}

void TrackerTiers::OnFailure(size_t tracker, const absl::Status& status, TimePoint now) {
  if (absl::IsCancelled(status)) return NotStarted(tracker, now);  // we did that
  Entry& entry = trackers_[tracker];
  Finish(&entry);
  entry.healthy = false;
  ++entry.failures;
  const absl::optional<std::chrono::seconds> retry_in = RetryIn(status);
  const bool never = retry_in == kNever;
  if (never || absl::IsUnimplemented(status)) entry.disabled = true;
  if (retry_in) {
    entry.forbidden_until =
        now + std::clamp<Duration>(never ? kMaxRetryIn : Duration(*retry_in), kMinAnnounceBackoff, kMaxRetryIn);
    entry.not_before = entry.forbidden_until;
  } else {
    entry.not_before = std::max(entry.forbidden_until, now + Backoff(entry.failures, &random_));
  }
}

void TrackerTiers::NotStarted(size_t tracker, TimePoint now) {
  Finish(&trackers_[tracker]);
  hold_until_ = now + kMinAnnounceBackoff;
}

void TrackerTiers::RequestMorePeers(TimePoint now) { next_announce_ = std::min(next_announce_, now); }

void TrackerTiers::Completed(TimePoint now) {
  completed_pending_ = true;
  next_announce_ = std::min(next_announce_, now);
}

void TrackerTiers::Stopped() { stopping_ = true; }

bool TrackerTiers::Done() const {
  return stopping_ && in_flight_ == 0 &&
         std::none_of(trackers_.begin(), trackers_.end(), [&](const Entry& e) { return StopDue(e); });
}

Duration TrackerTiers::ForbiddenFor(size_t tracker, TimePoint now) const {
  return std::max(Duration::zero(), trackers_[tracker].forbidden_until - now);
}

void TrackerTiers::Forbid(size_t tracker, Duration duration, TimePoint now) {
  Entry& entry = trackers_[tracker];
  const TimePoint until = now + std::clamp<Duration>(duration, Duration::zero(), kMaxRetryIn);
  entry.forbidden_until = until;
  entry.not_before = until;
}

}  // namespace torrent
