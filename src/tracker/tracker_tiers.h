// When to announce what to which of a torrent's trackers (BEP 12; BEP 3 for events; BEP 31 for `retry in`). Decides
// only; the coordinator does the announcing and reports back. Pure: no I/O, no clock; every call takes `now`.
// Thread: the coordinator's, alone.
// Invariants: one announce in flight a tracker; no tracker earlier than it allowed; a tracker's `started` comes first,
// `completed` once a run, `stopped` only where a `started` was answered.
//
// A tracker is
//   untried   never asked in this run
//   healthy   answered last time: not asked before its min interval has passed
//   failed    did not: not asked before its back-off has passed, and passed over until then
//   disabled  never asked again
// and asked when an announce is wanted (its time has come, more peers are wished for, the download completed) and all
// before it, in the order of tiers and within its tier, are failed, disabled, or silent for kAnnouncePatience. Who
// answers moves to the front of its tier.
#ifndef TORRENT_TRACKER_TRACKER_TIERS_H_
#define TORRENT_TRACKER_TRACKER_TIERS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/random.h"
#include "tracker/announce.h"

namespace torrent {

struct AnnounceTask {
  size_t tracker;  // index
  TrackerEvent event;
  std::string tracker_id;  // for AnnounceRequest
};

class TrackerTiers {
 public:
  // `tiers[t]` is the number of trackers in tier t. Trackers are named by their index over all tiers, in the order
  // given here. Each tier is shuffled by `seed` (BEP 12).
  TrackerTiers(const std::vector<size_t>& tiers, uint64_t seed, TimePoint now);

  size_t size() const { return trackers_.size(); }

  // The announces to start now, each of which must be reported by OnReply, OnFailure or NotStarted. Mostly none or one.
  std::vector<AnnounceTask> Due(TimePoint now);
  // When to call Due again if nothing happens; TimePoint::max() when only a report can change something.
  TimePoint NextDeadline(TimePoint now) const;

  void OnReply(size_t tracker, const AnnounceReply& reply, TimePoint now);
  // Backs off: 5 s at first, doubling to 30 min, with jitter; for a refusal with `retry in` that long. Unimplemented
  // and `retry in never` disable the tracker.
  void OnFailure(size_t tracker, const absl::Status& status, TimePoint now);
  // The announce never left (no thread to be had): tried again after 5 s, and nothing is held against the tracker.
  void NotStarted(size_t tracker, TimePoint now);

  // Announces again as early as the healthy tracker allows.
  void RequestMorePeers(TimePoint now);
  // The download has become complete in this run (not: was so at the start). The next announce is at once, min interval
  // or not, and `completed`; a tracker that has not answered `started` yet gets that first.
  void Completed(TimePoint now);
  // The torrent stops: from here on Due gives `stopped`, once, for every tracker that has answered, all at once; for
  // one with an announce in flight as soon as that is reported, and after a `completed` that nobody was told yet. A
  // `stopped` that fails is not repeated.
  void Stopped();
  // After Stopped: nothing is in flight and nothing is due.
  bool Done() const;

  // --- What a run leaves to the next -------------------------------------------------------------------------------
  // How long from `now` on a tracker forbids to be asked again (its `min interval` or `retry in`); zero where it does
  // not, kMaxRetryIn for `never`.
  Duration ForbiddenFor(size_t tracker, TimePoint now) const;
  // The same, of the run before: the tracker is passed over that long, as if it had failed.
  void Forbid(size_t tracker, Duration duration, TimePoint now);

 private:
  struct Entry {
    bool in_flight = false;
    TrackerEvent sent_event = TrackerEvent::kNone;  // of the announce in flight
    TimePoint sent_at;                              // of the announce in flight
    int failures = 0;                               // in a row
    bool healthy = false;
    bool disabled = false;
    bool answered = false;  // once in this run
    bool stop_sent = false;
    TimePoint not_before;       // back-off, or min interval
    TimePoint forbidden_until;  // the part of it that the tracker itself demands
    std::string tracker_id;
  };

  // One pass over the trackers in order: either the one to announce to now, or when to look again.
  struct Next {
    absl::optional<size_t> tracker;
    TimePoint look_again = TimePoint::max();
  };
  Next FindNext(TimePoint now) const;
  AnnounceTask Start(size_t tracker, TrackerEvent event, TimePoint now);
  bool StopDue(const Entry& entry) const { return stopping_ && entry.answered && !entry.stop_sent && !entry.in_flight; }
  // A tracker is being told `completed`.
  bool Completing() const;
  // The report of the announce in flight has come.
  void Finish(Entry* entry);

  std::vector<Entry> trackers_;             // by index
  std::vector<std::vector<size_t>> tiers_;  // indices, in the order to be tried
  Random random_;
  TimePoint next_announce_;  // when one is wanted
  TimePoint hold_until_;     // no thread was to be had
  size_t in_flight_ = 0;
  bool completed_pending_ = false;  // `completed` is yet to be answered
  bool stopping_ = false;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_TRACKER_TIERS_H_
