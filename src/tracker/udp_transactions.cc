#include "tracker/udp_transactions.h"

#include <poll.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status.h"
#include "net/wait.h"

namespace torrent {

// The transactions of one Ask: all that it sent stay open until it ends, because the reply to an earlier datagram is as
// good as one to the last. Its caller's thread.
class UdpTransactions::Call {
 public:
  Call(UdpTransactions* owner, Wakeup wakeup) : owner_(owner), wakeup_(std::move(wakeup)) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    MutexLock lock(&owner_->mutex_);
    for (const Key& key : keys_) owner_->transactions_.erase(key);
  }

  absl::Status Send(const Endpoint& to, std::string request) {
    const Key key = Open(to, ActionOfUdpRequest(request));
    SetUdpTransactionId(key.second, &request);
    return owner_->port_->Send(to, request);
  }

  struct Answered {
    UdpAction asked;
    Reply reply;
  };
  absl::StatusOr<Answered> WaitForReply(TimePoint deadline, int cancel_fd, absl::string_view doing) {
    while (true) {
      if (absl::optional<Answered> answered = Take()) return *std::move(answered);
      RETURN_IF_ERROR(WaitFor(wakeup_.fd(), POLLIN, deadline, cancel_fd, doing));
      wakeup_.Clear();
    }
  }

 private:
  Key Open(const Endpoint& to, UdpAction asked) {
    MutexLock lock(&owner_->mutex_);
    while (true) {
      const Key key(to, static_cast<uint32_t>(SecureRandom64()));
      if (!owner_->transactions_.emplace(key, Transaction{asked, &wakeup_, absl::nullopt}).second) continue;
      keys_.push_back(key);
      return key;
    }
  }

  absl::optional<Answered> Take() {
    MutexLock lock(&owner_->mutex_);
    for (auto key = keys_.begin(); key != keys_.end(); ++key) {
      const auto found = owner_->transactions_.find(*key);
      if (!found->second.reply) continue;
      Answered answered{found->second.asked, *std::move(found->second.reply)};
      owner_->transactions_.erase(found);
      keys_.erase(key);
      return answered;
    }
    return absl::nullopt;
  }

  UdpTransactions* const owner_;
  const Wakeup wakeup_;
  std::vector<Key> keys_;
};

UdpTransactions::UdpTransactions(UdpPort* port, const UdpTrackerTimes& times) : port_(port), times_(times) {
  port_->Handle(UdpPort::Kind::kTracker,
                [this](const Endpoint& from, absl::string_view datagram) { OnDatagram(from, datagram); });
}

UdpTransactions::~UdpTransactions() { port_->Handle(UdpPort::Kind::kTracker, {}); }

void UdpTransactions::OnDatagram(const Endpoint& from, absl::string_view datagram) {
  const absl::optional<UdpReplyHead> head = ReadUdpReplyHead(datagram);
  if (!head) return;
  MutexLock lock(&mutex_);
  const auto found = transactions_.find(Key(from, head->transaction_id));
  if (found == transactions_.end()) return;
  Transaction& transaction = found->second;
  if (transaction.reply || (head->action != transaction.asked && head->action != UdpAction::kError)) return;
  transaction.reply = Reply{from, head->action, std::string(head->body)};
  transaction.caller->Notify();
}

absl::StatusOr<UdpTransactions::Reply> UdpTransactions::Ask(
    absl::Span<const Endpoint> trackers, const std::function<std::string(uint64_t connection_id)>& request,
    TimePoint deadline, int cancel_fd) {
  ASSIGN_OR_RETURN(Wakeup wakeup, Wakeup::Create());
  Call call(this, std::move(wakeup));
  Duration wait = times_.first_wait;
  bool connected = false;
  size_t unreachable = 0;  // in a row
  for (size_t turn = 0;;) {
    const Endpoint& tracker = trackers[turn % trackers.size()];
    const absl::optional<uint64_t> connection_id = ConnectionId(tracker, Now());
    const absl::Status sent = call.Send(tracker, connection_id ? request(*connection_id) : UdpConnectRequest());
    if (!sent.ok()) {
      if (++unreachable == trackers.size()) return sent;
      ++turn;
      continue;
    }
    unreachable = 0;
    const TimePoint until = std::min(deadline, Now() + wait);
    absl::StatusOr<Call::Answered> answered = call.WaitForReply(until, cancel_fd, tracker.ToString());
    if (answered.ok()) {
      Reply& reply = answered->reply;
      if (reply.action == UdpAction::kConnect) {
        KeepConnectionId(reply.from, ReadUdpConnectionId(reply.body), Now());
        connected = true;
        continue;
      }
      // A tracker that was started anew refuses the ids that it gave before.
      if (reply.action == UdpAction::kError && answered->asked != UdpAction::kConnect && !connected) {
        ForgetConnectionId(reply.from);
        connected = true;
        continue;
      }
      return std::move(reply);
    }
    if (!absl::IsDeadlineExceeded(answered.status()) || until == deadline) return answered.status();
    // It may be the id that is not answered.
    ForgetConnectionId(tracker);
    wait *= 2;
    ++turn;
  }
}

absl::optional<uint64_t> UdpTransactions::ConnectionId(const Endpoint& tracker, TimePoint now) {
  MutexLock lock(&mutex_);
  const auto found = connections_.find(tracker);
  if (found == connections_.end() || now >= found->second.expires) return absl::nullopt;
  return found->second.id;
}

void UdpTransactions::KeepConnectionId(const Endpoint& tracker, uint64_t id, TimePoint now) {
  MutexLock lock(&mutex_);
  absl::erase_if(connections_, [now](const auto& known) { return now >= known.second.expires; });
  connections_[tracker] = {id, now + times_.connection_life};
}

void UdpTransactions::ForgetConnectionId(const Endpoint& tracker) {
  MutexLock lock(&mutex_);
  connections_.erase(tracker);
}

}  // namespace torrent
