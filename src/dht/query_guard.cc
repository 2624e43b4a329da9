#include "dht/query_guard.h"

#include "base/limits.h"
#include "dht/address_groups.h"

namespace torrent {

bool QueryGuard::Admit(const Endpoint& from, TimePoint now) {
  const Endpoint key = SourceOf(from);
  auto position = sources_.find(key);
  if (position == sources_.end()) {
    if (sources_.size() >= kMaxDhtSources) MakeRoom(now);
    position = sources_.try_emplace(key, Source{now, now, 0}).first;
  }
  Source& source = position->second;
  if (now < source.silent_until) return false;
  if (now - source.window_begun >= kDhtSourceWindow) {
    source.window_begun = now;
    source.queries = 0;
  }
  if (++source.queries <= kMaxDhtQueriesPerSource) return true;
  source.silent_until = now + kDhtSourceSilence;
  source.queries = 0;
  return false;
}

void QueryGuard::MakeRoom(TimePoint now) {
  absl::erase_if(sources_, [&](const auto& entry) {
    return now >= entry.second.silent_until && now - entry.second.window_begun >= kDhtSourceWindow;
  });
  if (sources_.size() < kMaxDhtSources) return;
  // As many sources as that within 10 seconds are forged: the counts of half of them are no loss.
  size_t left = kMaxDhtSources / 2;
  absl::erase_if(sources_,
                 [&](const auto& entry) { return now >= entry.second.silent_until && left > 0 && left-- > 0; });
  if (sources_.size() >= kMaxDhtSources) sources_.clear();
}

}  // namespace torrent
