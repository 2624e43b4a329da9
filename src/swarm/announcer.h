// A torrent's announces: asks TrackerTiers whom to ask when, runs each announce on a short-lived thread, and hands the
// addresses that come back to the coordinator. A tracker that hangs holds up its own thread and nothing else.
// Thread: the coordinator's, but for the threads that it starts and joins.
#ifndef TORRENT_SWARM_ANNOUNCER_H_
#define TORRENT_SWARM_ANNOUNCER_H_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "swarm/events.h"
#include "torrent/sha1.h"
#include "tracker/tracker.h"
#include "tracker/tracker_tiers.h"

namespace torrent {

class Announcer {
 public:
  struct Options {
    Infohash infohash;
    std::vector<std::vector<std::string>> trackers;  // tiers, of the .torrent or magnet
    std::vector<std::string> user_trackers;          // typed: a tier of their own, before the torrent's
    TrackerContext context;
    Budget* threads = nullptr;  // of the session: announces at once
    std::array<uint8_t, 20> peer_id{};
    uint16_t port = 0;
    uint32_t key = 0;
    uint64_t seed = 0;
  };
  // What an announce tells about us; asked when one leaves.
  struct Totals {
    uint64_t uploaded = 0, downloaded = 0, left = 0;
  };

  // `wake` is called on any thread when a reply is there.
  static absl::StatusOr<std::unique_ptr<Announcer>> Create(Options options, const Events* events,
                                                           std::function<Totals()> totals, std::function<void()> wake);
  ~Announcer();

  // Starts what is due and collects what has come. Appends the peers of replies.
  void Step(TimePoint now, std::vector<Endpoint>* peers, absl::optional<Address>* own_address);
  TimePoint NextDeadline(TimePoint now) const { return tiers_.NextDeadline(now); }

  void RequestMorePeers(TimePoint now) { tiers_.RequestMorePeers(now); }
  void Completed(TimePoint now) { tiers_.Completed(now); }
  void Stopped() { tiers_.Stopped(); }
  // After Stopped: all that was to be said is said.
  bool Done() const { return tiers_.Done() && running_.empty(); }
  // Ends announces that are under way; their threads are joined.
  void Cancel();

  // What a run leaves to the next: "announce_not_before" by tracker, in seconds of the wall clock.
  std::vector<std::pair<std::string, int64_t>> ForbiddenTimes(TimePoint now, int64_t wall_now) const;
  void RestoreForbiddenTimes(const std::vector<std::pair<std::string, int64_t>>& times, TimePoint now,
                             int64_t wall_now);

  bool has_trackers() const { return !trackers_.empty(); }

 private:
  struct Result {
    size_t tracker;
    TrackerEvent event;
    absl::StatusOr<AnnounceReply> reply;
  };
  struct Running {
    size_t tracker;
    Thread thread;
    Budget::Slot slot;
  };

  Announcer(Options options, const Events* events, std::function<Totals()> totals, std::function<void()> wake,
            Wakeup cancel);
  void AddTier(const std::vector<std::string>& urls, TrackerOrigin origin, std::vector<size_t>* tiers);
  void Start(const AnnounceTask& task, TimePoint now);
  void Report(const Result& result, std::vector<Endpoint>* peers, absl::optional<Address>* own_address, TimePoint now);
  void Tell(const std::string& url, TrackerEvent event, const absl::Status& status, uint32_t peers,
            const std::string& warning) const;

  const Options options_;
  const Events* const events_;
  const std::function<Totals()> totals_;
  const std::function<void()> wake_;
  const Wakeup cancel_;
  std::vector<Tracker> trackers_;
  int unspoken_ = 0;  // trackers that are not spoken to in this run: one notice for all
  std::string first_unspoken_, why_unspoken_;
  TrackerTiers tiers_;
  std::vector<Running> running_;

  Mutex mutex_;
  std::vector<Result> results_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torrent

#endif  // TORRENT_SWARM_ANNOUNCER_H_
