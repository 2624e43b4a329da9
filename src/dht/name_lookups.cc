#include "dht/name_lookups.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/memory_shortage.h"

namespace torrent {

NameLookups::~NameLookups() {
  cancel_.Notify();
  for (const std::unique_ptr<Running>& running : running_) running->thread.Join();
}

void NameLookups::Ask(const std::string& host, uint16_t port, Done done) {
  if (absl::optional<Address> address = Address::Parse(host)) {
    done({Endpoint{*address, port}});
  } else if (resolver_ != nullptr && waiting_.size() < kMaxDhtWaitingNames) {
    waiting_.push_back({host, port, std::move(done)});
  }
}

void NameLookups::Step() {
  // Their destructors join.
  std::erase_if(running_, [](const std::unique_ptr<Running>& running) { return running->ended.load(); });
  while (!waiting_.empty() && running_.size() < kMaxDhtNameLookups) {
    auto running = std::make_unique<Running>();
    absl::StatusOr<Thread> thread =
        Thread::Start("dht-names", [this, name = waiting_.front(), ended = &running->ended] {
          const PatientForMemory patient;  // an answer is owed
          std::vector<Endpoint> endpoints;
          const absl::StatusOr<std::vector<Address>> addresses =
              resolver_->Resolve(name.host, Now() + kResolveTimeout, cancel_.fd());
          if (addresses.ok()) {
            for (const Address& address : *addresses) endpoints.push_back({address, name.port});
          }
          ended->store(true);
          name.done(endpoints);
        });
    if (!thread.ok()) return;  // with a later step
    running->thread = *std::move(thread);
    running_.push_back(std::move(running));
    waiting_.pop_front();
  }
}

}  // namespace torrent
