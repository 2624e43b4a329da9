#include "swarm/peer_registry.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace torrent {

absl::StatusOr<std::shared_ptr<PeerLink>> PeerRegistry::Add(const Endpoint& endpoint, PeerSource source,
                                                            bool incoming) {
  ASSIGN_OR_RETURN(Wakeup wakeup, Wakeup::Create());
  MutexLock lock(&mutex_);
  if (stopped_) return absl::CancelledError("stopping");
  auto link = std::make_shared<PeerLink>(next_id_++, endpoint, source, incoming, std::move(wakeup));
  links_[link->id] = link;
  return link;
}

void PeerRegistry::Remove(const PeerLink& link) {
  MutexLock lock(&mutex_);
  links_.erase(link.id);
  for (auto it = by_peer_id_.begin(); it != by_peer_id_.end(); ++it) {
    if (it->second->id != link.id) continue;
    by_peer_id_.erase(it);
    break;
  }
  if (links_.empty()) removed_.SignalAll();
}

absl::Status PeerRegistry::Admit(const std::shared_ptr<PeerLink>& link, const wire::PeerId& peer_id) {
  if (peer_id == own_id_) return absl::FailedPreconditionError("connected to ourselves");
  MutexLock lock(&mutex_);
  auto [found, is_new] = by_peer_id_.try_emplace(peer_id, link);
  if (is_new) return absl::OkStatus();
  std::shared_ptr<PeerLink>& other = found->second;
  const bool ours_stays = own_id_ > peer_id;  // the connection that we made
  if (other->incoming == link->incoming || (link->incoming == ours_stays)) {
    return absl::AlreadyExistsError(absl::StrCat("connected to this peer already, at ", other->endpoint.ToString()));
  }
  other->mailbox.PostStop(absl::AlreadyExistsError("the peer's other connection stays"));
  other = link;
  return absl::OkStatus();
}

void PeerRegistry::PostCancel(ClaimantId claimant, const BlockRef& block) {
  MutexLock lock(&mutex_);
  for (auto& [id, link] : links_) {
    if (link->claimant.load(std::memory_order_relaxed) == claimant) return link->mailbox.PostCancel(block);
  }
}

void PeerRegistry::StopLiar(const Endpoint& endpoint) {
  MutexLock lock(&mutex_);
  for (auto& [id, link] : links_) {
    if (link->endpoint.address != endpoint.address) continue;
    if (!endpoint.address.is_global() && link->endpoint.port != endpoint.port) continue;
    link->mailbox.PostStop(absl::DataLossError("sent bytes that the piece does not have"), /*proven_liar=*/true);
  }
}

void PeerRegistry::WakeIf(const std::function<bool(const PeerLink&)>& choose) {
  MutexLock lock(&mutex_);
  for (auto& [id, link] : links_) {
    // Who shakes hands has nothing to look for yet, and what wakes it then, ends it.
    if (link->established.load(std::memory_order_acquire) && choose(*link)) link->mailbox.Wake();
  }
}

void PeerRegistry::StopAll(const absl::Status& reason) {
  MutexLock lock(&mutex_);
  stopped_ = true;
  // To each peer its own. Threads that have one Status in common count together who still has it, half of that inside
  // Debian's Abseil, where ThreadSanitizer does not see it.
  for (auto& [id, link] : links_) link->mailbox.PostStop(absl::Status(reason.code(), reason.message()));
}

bool PeerRegistry::WaitEmpty(TimePoint deadline) {
  MutexLock lock(&mutex_);
  while (!links_.empty() && Now() < deadline) removed_.WaitUntil(&mutex_, deadline);
  return links_.empty();
}

std::vector<std::shared_ptr<PeerLink>> PeerRegistry::Links() const {
  MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<PeerLink>> links;
  links.reserve(links_.size());
  for (const auto& [id, link] : links_) links.push_back(link);
  return links;
}

size_t PeerRegistry::size() const {
  MutexLock lock(&mutex_);
  return links_.size();
}

}  // namespace torrent
