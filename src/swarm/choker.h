// Who may download from us (BEP 3, "choking"): every ten seconds those that gave most get the slots, and one more,
// drawn by lot every thirty seconds, gets a chance to show what it gives. A seeder ranks by what peers take. Who has a
// slot and takes nothing keeps nobody out: its slot counts as free. Thread: the coordinator's. Takes `now`: tested
// without waiting.
#ifndef TORRENT_SWARM_CHOKER_H_
#define TORRENT_SWARM_CHOKER_H_

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace torrent {

inline constexpr std::chrono::seconds kChokeRound{10};
inline constexpr std::chrono::seconds kOptimisticTurn{30};

class Choker {
 public:
  struct Peer {
    uint64_t id;
    bool interested;
    bool unchoked;
    bool snubbed;       // gave nothing for a minute that it was asked for
    double gives_rate;  // bytes a second from it, since the last round
    double takes_rate;  // and to it
    TimePoint connected_at;
    bool idle = false;  // unchoked, and takes nothing of what it could have
  };

  // `upload_limit` in bytes a second; 0: none.
  Choker(int64_t upload_limit, uint64_t seed) : upload_limit_(upload_limit), random_(seed) {}

  // A whole round: the ids of those who are unchoked from now on, all others are choked. `seeding`: we are complete.
  std::vector<uint64_t> Round(const std::vector<Peer>& peers, bool seeding, double upload_rate, TimePoint now);
  // Between rounds: ids to unchoke because slots are free (somebody became interested, somebody left).
  std::vector<uint64_t> FillFreeSlots(const std::vector<Peer>& peers) const;

  int slots() const { return slots_; }

 private:
  int SlotsFor(double upload_rate) const;

  const int64_t upload_limit_;
  Random random_;
  int slots_ = kMinSlots;
  uint64_t optimistic_ = 0;  // id; 0: nobody
  TimePoint optimistic_since_ = TimePoint::min();

  static constexpr int kMinSlots = 8;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_CHOKER_H_
