#include "test/support/recorder.h"

#include <algorithm>

namespace torrent::test {

void Recorder::OnEvent(const Event& event) {
  MutexLock lock(&mutex_);
  events_.push_back(event);
  changed_.SignalAll();
}

bool Recorder::WaitFor(const std::function<bool(const Event&)>& is_it, Duration patience) const {
  const TimePoint deadline = Now() + patience;
  MutexLock lock(&mutex_);
  for (size_t seen = 0;;) {
    for (; seen < events_.size(); seen++) {
      if (is_it(events_[seen])) return true;
    }
    if (Now() >= deadline) return false;
    changed_.WaitUntil(&mutex_, deadline);
  }
}

absl::optional<PeerGoneEvent> Recorder::WaitGone(const std::string& endpoint, Duration patience) const {
  return Wait<PeerGoneEvent>([&endpoint](const PeerGoneEvent& gone) { return gone.endpoint == endpoint; }, patience);
}

bool Recorder::WaitConnected(const std::string& endpoint) const {
  return Wait<PeerConnectedEvent>([&endpoint](const PeerConnectedEvent& peer) { return peer.endpoint == endpoint; })
      .has_value();
}

bool Recorder::WasBanned(const std::string& endpoint) const {
  const std::vector<PeerGoneEvent> gone = All<PeerGoneEvent>();
  return std::any_of(gone.begin(), gone.end(),
                     [&endpoint](const PeerGoneEvent& peer) { return peer.endpoint == endpoint && peer.banned; });
}

size_t Recorder::Count(PieceEvent::What what) const {
  const std::vector<PieceEvent> pieces = All<PieceEvent>();
  return static_cast<size_t>(
      std::count_if(pieces.begin(), pieces.end(), [what](const PieceEvent& piece) { return piece.what == what; }));
}

}  // namespace torrent::test
