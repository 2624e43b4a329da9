#include "dht/dht_inbox.h"

#include <utility>

#include "base/limits.h"

namespace torrent {

void DhtInbox::Deliver(const Endpoint& from, absl::string_view datagram) {
  MutexLock lock(&mutex_);
  // With its bookkeeping, so that tiny ones do not add up.
  const size_t bytes = datagram.size() + sizeof(Datagram);
  if (stopped_ || datagram.size() > kMaxDhtDatagramBytes || datagram_bytes_ + bytes > kMaxDhtInboxBytes) {
    ++dropped_;
    return;
  }
  datagram_bytes_ += bytes;
  datagrams_.push_back({from, std::string(datagram)});
  changed_.Signal();
}

void DhtInbox::Do(Command command, bool may_drop) {
  MutexLock lock(&mutex_);
  if (stopped_ || (may_drop && commands_.size() >= kMaxDhtCommands)) return;
  commands_.push_back(std::move(command));
  changed_.Signal();
}

void DhtInbox::Wake() {
  MutexLock lock(&mutex_);
  woken_ = true;
  changed_.Signal();
}

void DhtInbox::Stop() {
  MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.Signal();
}

bool DhtInbox::Wait(TimePoint deadline, Turn* turn) {
  *turn = Turn();
  MutexLock lock(&mutex_);
  while (!stopped_ && !woken_ && datagrams_.empty() && commands_.empty() && Now() < deadline) {
    changed_.WaitUntil(&mutex_, deadline);
  }
  woken_ = false;
  while (!datagrams_.empty() && turn->datagrams.size() < kMaxDhtDatagramsPerTurn) {
    datagram_bytes_ -= datagrams_.front().bytes.size() + sizeof(Datagram);
    turn->datagrams.push_back(std::move(datagrams_.front()));
    datagrams_.pop_front();
  }
  std::swap(turn->commands, commands_);
  std::swap(turn->dropped, dropped_);
  return !stopped_;
}

}  // namespace torrent
