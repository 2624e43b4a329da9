#include "dht/lookup.h"

#include <algorithm>

#include "base/limits.h"
#include "dht/address_groups.h"

namespace torrent {

void Lookup::AddFrom(const Endpoint& from, const std::vector<NodeInfo>& nodes) {
  const Candidate* source = Find(from);
  const uint32_t hops = source == nullptr ? 1 : source->hops + 1;
  for (const NodeInfo& node : nodes) AddAt(node, hops);
}

void Lookup::AddAt(const NodeInfo& node, uint32_t hops) {
  size_t of_network = 0;
  for (const Candidate& other : candidates_) {
    if (other.node.id == node.id || other.node.endpoint == node.endpoint) return;
    if (IsSameHost(other.node.endpoint.address, node.endpoint.address)) return;
    // Those that are dead must not keep their living neighbours out.
    if (other.state != State::kLost && IsSameNetwork(other.node.endpoint.address, node.endpoint.address)) ++of_network;
  }
  if (of_network >= kMaxDhtNodesPerNetwork) return;
  if (candidates_.size() >= kMaxDhtSearchNodes) {
    // Whoever was asked stays, so that it is not asked again.
    const bool drop = candidates_.back().state == State::kNew && IsCloser(node.id, candidates_.back().node.id, target_);
    if (!drop) return;
    candidates_.pop_back();
  }
  auto place = std::find_if(candidates_.begin(), candidates_.end(),
                            [&](const Candidate& other) { return IsCloser(node.id, other.node.id, target_); });
  candidates_.insert(place, Candidate{node, hops, State::kNew, {}});
}

Lookup::Candidate* Lookup::Find(const Endpoint& endpoint) {
  auto it = std::find_if(candidates_.begin(), candidates_.end(),
                         [&](const Candidate& candidate) { return candidate.node.endpoint == endpoint; });
  return it == candidates_.end() ? nullptr : &*it;
}

size_t Lookup::Horizon() const {
  size_t answered = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].state == State::kAnswered && ++answered == kDhtBucketNodes) return i;
  }
  return candidates_.size();
}

absl::optional<NodeInfo> Lookup::Next() {
  const size_t horizon = Horizon();
  const auto asked = std::count_if(candidates_.begin(), candidates_.end(),
                                   [](const Candidate& candidate) { return candidate.state == State::kAsked; });
  if (static_cast<size_t>(asked) >= kDhtSearchWidth) return absl::nullopt;
  for (size_t i = 0; i < horizon; ++i) {
    if (candidates_[i].state != State::kNew) continue;
    candidates_[i].state = State::kAsked;
    return candidates_[i].node;
  }
  return absl::nullopt;
}

bool Lookup::IsDone() const {
  return std::none_of(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(Horizon()),
                      [](const Candidate& candidate) {
                        return candidate.state == State::kNew || candidate.state == State::kAsked ||
                               candidate.state == State::kSlow;
                      });
}

void Lookup::OnAnswer(const Endpoint& from, const std::string& token) {
  Candidate* candidate = Find(from);
  if (candidate == nullptr || candidate->state == State::kNew || candidate->state == State::kAnswered) return;
  candidate->state = State::kAnswered;
  candidate->token = token;
  ++answered_;
}

void Lookup::OnSlow(const Endpoint& endpoint) {
  Candidate* candidate = Find(endpoint);
  if (candidate != nullptr && candidate->state == State::kAsked) candidate->state = State::kSlow;
}

void Lookup::OnLost(const Endpoint& endpoint) {
  Candidate* candidate = Find(endpoint);
  if (candidate == nullptr) return;
  if (candidate->state == State::kAsked || candidate->state == State::kSlow) candidate->state = State::kLost;
}

std::vector<Lookup::Holder> Lookup::Holders() const {
  std::vector<Holder> holders;
  size_t answered = 0;
  for (const Candidate& candidate : candidates_) {
    if (candidate.state != State::kAnswered) continue;
    if (++answered > kDhtBucketNodes) break;
    if (!candidate.token.empty()) holders.push_back({candidate.node, candidate.token});
  }
  return holders;
}

uint32_t Lookup::hops() const {
  for (const Candidate& candidate : candidates_) {
    if (candidate.state == State::kAnswered) return candidate.hops;
  }
  return 0;
}

}  // namespace torrent
