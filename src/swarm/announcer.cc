#include "swarm/announcer.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/memory_shortage.h"
#include "base/sha1.h"
#include "base/status.h"

namespace torrent {

namespace {
constexpr absl::string_view kNotBefore = "announce_not_before.";
// Named by a hash: URLs hold passkeys, and the record is a file that others may see.
std::string KeyOf(const Tracker& tracker) {
  return absl::StrCat(kNotBefore, Sha1::Of(tracker.SafeUrl()).Hex().substr(0, 16));
}
}  // namespace

absl::StatusOr<std::unique_ptr<Announcer>> Announcer::Create(Options options, const Events* events,
                                                             std::function<Totals()> totals,
                                                             std::function<void()> wake) {
  ASSIGN_OR_RETURN(Wakeup cancel, Wakeup::Create());
  return std::unique_ptr<Announcer>(
      new Announcer(std::move(options), events, std::move(totals), std::move(wake), std::move(cancel)));
}

Announcer::Announcer(Options options, const Events* events, std::function<Totals()> totals, std::function<void()> wake,
                     Wakeup cancel)
    : options_(std::move(options)),
      events_(events),
      totals_(std::move(totals)),
      wake_(std::move(wake)),
      cancel_(std::move(cancel)),
      tiers_({}, 0, Now()) {
  std::vector<size_t> tiers;
  if (!options_.user_trackers.empty()) AddTier(options_.user_trackers, TrackerOrigin::kUser, &tiers);
  for (const std::vector<std::string>& tier : options_.trackers) {
    AddTier(tier, TrackerOrigin::kTorrent, &tiers);
  }
  if (unspoken_ > 0) {
    const std::string more = unspoken_ > 1 ? absl::StrCat(", and ", unspoken_ - 1, " more") : "";
    Tell(first_unspoken_, TrackerEvent::kNone, absl::OkStatus(), 0, absl::StrCat("skipped", more, ": ", why_unspoken_));
  }
  tiers_ = TrackerTiers(tiers, options_.seed, Now());
}

Announcer::~Announcer() { Cancel(); }

void Announcer::AddTier(const std::vector<std::string>& urls, TrackerOrigin origin, std::vector<size_t>* tiers) {
  size_t usable = 0;
  for (const std::string& url : urls) {
    absl::StatusOr<Tracker> tracker = Tracker::Create(url, origin, options_.context);
    if (absl::IsUnimplemented(tracker.status())) {
      if (unspoken_++ == 0) {
        first_unspoken_ = SafeUrlText(url);
        const std::string message(tracker.status().message());
        why_unspoken_ = std::string(absl::StripPrefix(message, absl::StrCat(first_unspoken_, ": ")));
      }
      continue;
    }
    if (!tracker.ok()) {
      Tell(SafeUrlText(url), TrackerEvent::kNone, tracker.status(), 0, "");
      continue;
    }
    trackers_.push_back(*std::move(tracker));
    usable++;
  }
  if (usable > 0) tiers->push_back(usable);
}

void Announcer::Tell(const std::string& url, TrackerEvent event, const absl::Status& status, uint32_t peers,
                     const std::string& warning) const {
  if (!events_->Wanted(kAnnounceEvents)) return;
  events_->Tell(AnnounceEvent{url, std::string(TrackerEventName(event)), status, peers, warning});
}

void Announcer::Step(TimePoint now, std::vector<Endpoint>* peers, absl::optional<Address>* own_address) {
  std::vector<Result> results;
  {
    MutexLock lock(&mutex_);
    results.swap(results_);
  }
  for (const Result& result : results) Report(result, peers, own_address, now);
  for (const AnnounceTask& task : tiers_.Due(now)) Start(task, now);
}

void Announcer::Start(const AnnounceTask& task, TimePoint now) {
  Budget::Slot slot = options_.threads->TryTake();
  if (!slot) return tiers_.NotStarted(task.tracker, now);
  AnnounceRequest request;
  request.infohash = options_.infohash;
  request.peer_id = options_.peer_id;
  request.port = options_.port;
  const Totals totals = totals_();
  request.uploaded = totals.uploaded;
  request.downloaded = totals.downloaded;
  request.left = totals.left;
  request.event = task.event;
  request.numwant = task.event == TrackerEvent::kStopped ? 0 : 200;
  request.key = options_.key;
  request.tracker_id = task.tracker_id;
  absl::StatusOr<Thread> thread = Thread::Start("announce", [this, request, index = task.tracker] {
    const PatientForMemory patient;  // a report is owed
    absl::StatusOr<AnnounceReply> reply = absl::InternalError("the announce was cut short");
    // Whatever a library throws: a report is owed, or the tracker would count as being asked for ever.
    try {
      reply = trackers_[index].Announce(request, cancel_.fd());
    } catch (const std::exception& e) {
      reply = absl::InternalError(e.what());
    }
    {
      MutexLock lock(&mutex_);
      results_.push_back({index, request.event, std::move(reply)});
    }
    wake_();
  });
  if (!thread.ok()) return tiers_.NotStarted(task.tracker, now);
  running_.push_back({task.tracker, *std::move(thread), std::move(slot)});
}

void Announcer::Report(const Result& result, std::vector<Endpoint>* peers, absl::optional<Address>* own_address,
                       TimePoint now) {
  running_.erase(std::remove_if(running_.begin(), running_.end(),
                                [&result](const Running& r) { return r.tracker == result.tracker; }),
                 running_.end());  // joins: the thread has said all it had to say
  const std::string url = trackers_[result.tracker].SafeUrl();
  if (!result.reply.ok()) {
    tiers_.OnFailure(result.tracker, result.reply.status(), now);
    Tell(url, result.event, result.reply.status(), 0, "");
    return;
  }
  tiers_.OnReply(result.tracker, *result.reply, now);
  peers->insert(peers->end(), result.reply->peers.begin(), result.reply->peers.end());
  if (result.reply->external_ip) *own_address = result.reply->external_ip;
  Tell(url, result.event, absl::OkStatus(), static_cast<uint32_t>(result.reply->peers.size()), result.reply->warning);
}

void Announcer::Cancel() {
  cancel_.Notify();
  running_.clear();
}

std::vector<std::pair<std::string, int64_t>> Announcer::ForbiddenTimes(TimePoint now, int64_t wall_now) const {
  std::vector<std::pair<std::string, int64_t>> times;
  for (size_t i = 0; i < trackers_.size(); i++) {
    const Duration wait = tiers_.ForbiddenFor(i, now);
    if (wait <= Duration{}) continue;
    times.emplace_back(KeyOf(trackers_[i]), wall_now + static_cast<int64_t>(ToSeconds(wait)));
  }
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
              times.end());
  return times;
}

void Announcer::RestoreForbiddenTimes(const std::vector<std::pair<std::string, int64_t>>& times, TimePoint now,
                                      int64_t wall_now) {
  for (const auto& [key, not_before] : times) {
    if (!absl::StartsWith(key, kNotBefore) || not_before <= wall_now) continue;
    // A wall clock that jumped must not silence a tracker for longer than one may ask for.
    const std::chrono::seconds longest = kMaxAnnounceInterval;
    const auto wait = std::chrono::seconds(std::min(not_before, wall_now + longest.count()) - wall_now);
    for (size_t i = 0; i < trackers_.size(); i++) {
      if (KeyOf(trackers_[i]) == key) tiers_.Forbid(i, wait, now);
    }
  }
}

}  // namespace torrent
