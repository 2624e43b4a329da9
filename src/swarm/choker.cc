#include "swarm/choker.h"

#include <algorithm>

namespace torrent {

namespace {
// What one slot should be worth: below it more slots only make each slower (Cohen, "Incentives Build Robustness").
constexpr double kSlotBytesPerSecond = 10 * 1024;
// Without a limit slots grow with what goes out, one for each of these.
constexpr double kBytesPerSecondPerSlot = 512 * 1024;
constexpr int kMaxSlots = 100;
constexpr int kMinLimitedSlots = 2;
// A peer that came lately is so much likelier to be drawn: it has nothing to give yet (BEP 3).
constexpr int kNewPeerWeight = 3;
}  // namespace

int Choker::SlotsFor(double upload_rate) const {
  if (upload_limit_ > 0) {
    return std::clamp(static_cast<int>(static_cast<double>(upload_limit_) / kSlotBytesPerSecond / 2), kMinLimitedSlots,
                      kMinSlots);
  }
  return std::clamp(static_cast<int>(upload_rate / kBytesPerSecondPerSlot), kMinSlots, kMaxSlots);
}

std::vector<uint64_t> Choker::Round(const std::vector<Peer>& peers, bool seeding, double upload_rate, TimePoint now) {
  slots_ = SlotsFor(upload_rate);
  std::vector<const Peer*> ranked;
  for (const Peer& peer : peers) {
    if (peer.interested) ranked.push_back(&peer);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [seeding](const Peer* a, const Peer* b) {
    if (!seeding && a->snubbed != b->snubbed) return b->snubbed;
    const double a_rate = seeding ? a->takes_rate : a->gives_rate, b_rate = seeding ? b->takes_rate : b->gives_rate;
    return a_rate != b_rate ? a_rate > b_rate : b->idle && !a->idle;
  });
  std::vector<uint64_t> unchoked;
  // One of the slots is the optimistic one.
  const size_t regular = std::min<size_t>(static_cast<size_t>(slots_) - 1, ranked.size());
  for (size_t i = 0; i < regular; i++) unchoked.push_back(ranked[i]->id);

  std::vector<uint64_t> lots;
  bool still_there = false;
  for (size_t i = regular; i < ranked.size(); i++) {
    still_there |= ranked[i]->id == optimistic_;
    const bool is_new = now - ranked[i]->connected_at < 3 * kOptimisticTurn;
    for (int k = 0; k < (is_new ? kNewPeerWeight : 1); k++) lots.push_back(ranked[i]->id);
  }
  if (!still_there || now - optimistic_since_ >= kOptimisticTurn) {
    optimistic_ = lots.empty() ? 0 : lots[random_.Below(lots.size())];
    optimistic_since_ = now;
  }
  if (optimistic_ != 0) unchoked.push_back(optimistic_);
  return unchoked;
}

std::vector<uint64_t> Choker::FillFreeSlots(const std::vector<Peer>& peers) const {
  int taken = 0;
  for (const Peer& peer : peers) taken += peer.unchoked && peer.interested && !peer.idle;
  std::vector<uint64_t> unchoke;
  for (const Peer& peer : peers) {
    if (taken >= slots_) break;
    if (!peer.interested || peer.unchoked) continue;
    unchoke.push_back(peer.id);
    taken++;
  }
  return unchoke;
}

}  // namespace torrent
