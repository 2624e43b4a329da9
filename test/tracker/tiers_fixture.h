// The tiers and a clock, for their tests: what is due is read as text, and what came of it is told in a word.
#ifndef TORRENT_TEST_TRACKER_TIERS_FIXTURE_H_
#define TORRENT_TEST_TRACKER_TIERS_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tracker/tracker_tiers.h"

namespace torrent {

inline absl::Status Dead() { return absl::UnavailableError("refused"); }

inline AnnounceReply Reply(std::chrono::seconds interval = std::chrono::minutes(30),
                           std::chrono::seconds min_interval = std::chrono::seconds(0)) {
  AnnounceReply reply;
  reply.interval = interval;
  reply.min_interval = min_interval;
  return reply;
}

class TiersTest : public ::testing::Test {
 protected:
  void Make(std::vector<size_t> tiers, uint64_t seed = 1) {
    tiers_.emplace(tiers, seed, now_);
    // Tests name trackers by their place in the shuffled order of their tier.
    size_t first = 0;
    TrackerTiers probe(tiers, seed, now_);
    for (size_t t = 0; t < tiers.size(); ++t) {
      for (size_t i = 0; i < tiers[t]; ++i) order_.push_back(first + i);
      first += tiers[t];
    }
    // The order in which all of them fail is the order in which they are tried.
    std::vector<size_t> seen;
    while (seen.size() < order_.size()) {
      std::vector<AnnounceTask> due = probe.Due(now_);
      if (due.size() != 1) break;
      seen.push_back(due[0].tracker);
      probe.OnFailure(due[0].tracker, absl::UnimplementedError(""), now_);
    }
    ASSERT_EQ(seen.size(), order_.size());
    order_ = seen;
  }
  size_t Place(size_t tracker) const {
    return static_cast<size_t>(std::find(order_.begin(), order_.end(), tracker) - order_.begin());
  }
  // What is to be announced now: "0 started, 2 stopped".
  std::string Due() {
    std::vector<std::string> names;
    for (const AnnounceTask& task : tiers_->Due(now_)) {
      const absl::string_view event = TrackerEventName(task.event);
      names.push_back(absl::StrCat(Place(task.tracker), event.empty() ? "" : " ", event));
    }
    return absl::StrJoin(names, ", ");
  }
  void Answer(size_t place, const AnnounceReply& reply = Reply()) { tiers_->OnReply(order_[place], reply, now_); }
  void Fail(size_t place, const absl::Status& status = Dead()) { tiers_->OnFailure(order_[place], status, now_); }
  // Lets time pass up to the next deadline; how long that was.
  Duration Wait() {
    const TimePoint then = tiers_->NextDeadline(now_);
    EXPECT_NE(then, TimePoint::max()) << "nothing will ever happen";
    const Duration waited = then - now_;
    EXPECT_GT(waited, Duration::zero()) << "would spin";
    now_ = then;
    return waited;
  }

  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  std::optional<TrackerTiers> tiers_;
  std::vector<size_t> order_;  // tracker index by the place in which it is tried first
};

}  // namespace torrent

#endif  // TORRENT_TEST_TRACKER_TIERS_FIXTURE_H_
