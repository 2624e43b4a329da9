#include "dht/transactions.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/random.h"

namespace torrent {

std::string Transactions::Add(const SentQuery& query) {
  if (waiting_.size() >= kMaxDhtQueriesInFlight) return "";
  uint32_t id;
  do {
    SecureRandomBytes(&id, sizeof id);
  } while (waiting_.contains(id));
  waiting_.try_emplace(id, Waiting{query, Age::kFresh});
  std::string transaction;
  AppendBE32(&transaction, id);
  return transaction;
}

absl::optional<SentQuery> Transactions::Take(absl::string_view transaction, const Endpoint& from) {
  if (transaction.size() != sizeof(uint32_t)) return absl::nullopt;
  auto position = waiting_.find(LoadBE32(transaction.data()));
  if (position == waiting_.end() || position->second.query.to != from) return absl::nullopt;
  const SentQuery query = position->second.query;
  waiting_.erase(position);
  return query;
}

Duration Transactions::NextAgeAfter(Age age) {
  switch (age) {
    case Age::kFresh:
      return kDhtSlowQuery;
    case Age::kSlow:
      return kDhtLostQuery;
    case Age::kLost:
    case Age::kGone:
      break;
  }
  return kDhtQueryTimeout;
}

std::vector<Transactions::Aged> Transactions::Advance(TimePoint now) {
  std::vector<Aged> aged;
  for (auto& [id, waiting] : waiting_) {
    while (waiting.age != Age::kGone && now - waiting.query.sent >= NextAgeAfter(waiting.age)) {
      waiting.age = static_cast<Age>(static_cast<int>(waiting.age) + 1);
      aged.push_back({waiting.age, waiting.query});
    }
  }
  absl::erase_if(waiting_, [](const auto& entry) { return entry.second.age == Age::kGone; });
  return aged;
}

TimePoint Transactions::NextDeadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [id, waiting] : waiting_) next = std::min(next, waiting.query.sent + NextAgeAfter(waiting.age));
  return next;
}

bool Transactions::IsAsking(const Endpoint& endpoint) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& entry) {
    return entry.second.query.to == endpoint && entry.second.age < Age::kLost;
  });
}

size_t Transactions::Count(DhtPurpose purpose) const {
  return static_cast<size_t>(std::count_if(waiting_.begin(), waiting_.end(), [&](const auto& entry) {
    return entry.second.query.purpose == purpose && entry.second.age < Age::kLost;
  }));
}

}  // namespace torrent
