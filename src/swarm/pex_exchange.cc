#include "swarm/pex_exchange.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/address_policy.h"
#include "wire/pex_message.h"

namespace torrent {

namespace {
// A newcomer needs other peers most in its first seconds. Not at once: most of ours may be connecting at this moment,
// and what the first message does not hold waits for a minute.
constexpr Duration kFirstMessage = std::chrono::seconds(2);
// While there is nobody to tell of.
constexpr Duration kLookAgain = std::chrono::seconds(10);
}  // namespace

void PexExchange::SetHeard(bool heard, TimePoint now) {
  if (heard && !heard_) next_look_ = std::max(next_look_, now + kFirstMessage);
  heard_ = heard;
}

std::string PexExchange::NextMessage(TimePoint now) {
  if (!heard_ || now < next_look_) return "";
  next_look_ = now + kLookAgain;
  if (!roster_->HasNews(place_)) return "";
  const wire::PexMessage message = roster_->Next(&place_, link_, peer_);
  if (message.added.empty() && message.dropped.empty()) return "";
  next_look_ = now + kPexInterval;
  return wire::EncodePex(message);
}

bool PexExchange::IsTooSoon(TimePoint now) {
  if (filled_ == TimePoint::min()) filled_ = now;
  const int64_t more = (now - filled_) / kPexTolerance;
  filled_ += more * kPexTolerance;
  may_come_ = static_cast<int>(std::min<int64_t>(kPexBurst, may_come_ + more));
  if (may_come_ == 0) return true;
  may_come_--;
  return false;
}

absl::StatusOr<std::vector<Endpoint>> PexExchange::Hear(absl::string_view payload, TimePoint now) {
  std::vector<Endpoint> endpoints;
  if (IsTooSoon(now)) {
    if (++ignored_ <= kMaxIgnoredPex) return endpoints;
    return absl::InvalidArgumentError(absl::StrCat("peer exchange: ", ignored_, " messages came sooner than each ",
                                                   kPexInterval.count(), " s, at most ", kMaxIgnoredPex));
  }
  ASSIGN_OR_RETURN(const wire::PexMessage message, wire::ParsePex(payload));
  for (const wire::PexPeer& peer : message.added) {
    const absl::optional<Endpoint> endpoint = Endpoint::FromCompact(peer.compact);
    if (!endpoint || !MayLeadTo(peer_, *endpoint, HintKind::kPex)) continue;
    // BEP 11: "Duplicate IP addresses (e.g. with different ports) should be ignored", or one message makes fifty knock
    // at one machine.
    const bool again = endpoint->address.is_global() &&
                       std::any_of(endpoints.begin(), endpoints.end(),
                                   [&](const Endpoint& other) { return other.address == endpoint->address; });
    if (!again) endpoints.push_back(*endpoint);
  }
  return endpoints;
}

}  // namespace torrent
