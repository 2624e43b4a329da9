#include "net/resolver.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/wait.h"

namespace torrent {

namespace {

constexpr std::chrono::milliseconds kGraceAtEnd{500};

absl::StatusOr<std::vector<Address>> AskTheSystem(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;  // otherwise each address comes once a protocol
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  const int system_error = errno;
  if (error != 0) {
    const std::string message =
        absl::StrCat(host, ": ", error == EAI_SYSTEM ? strerror(system_error) : gai_strerror(error));
    if (error == EAI_NONAME || error == EAI_NODATA) return absl::NotFoundError(message);
    return absl::UnavailableError(message);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage = {};
    if (entry->ai_addrlen > sizeof storage) continue;
    memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
    if (absl::optional<Endpoint> endpoint = Endpoint::FromSockaddr(storage)) addresses.push_back(endpoint->address);
  }
  return addresses;
}

}  // namespace

struct Resolver::Shared {
  // One question. Whoever asked may be gone when it is answered.
  struct Job {
    explicit Job(std::string host, Wakeup answered) : host(std::move(host)), answered(std::move(answered)) {}
    const std::string host;
    const Wakeup answered;
    // Written before `answered` is notified, under the mutex; read after.
    absl::StatusOr<std::vector<Address>> answer = absl::UnknownError("not answered");
  };
  struct Worker {
    Thread thread;
    bool asking = false;  // in `lookup`, perhaps for ever
  };

  explicit Shared(Lookup lookup) : lookup(std::move(lookup)) {}

  // Body of a resolver thread.
  static void Run(const std::shared_ptr<Shared>& shared, Worker* worker);

  const Lookup lookup;
  Mutex mutex;
  CondVar changed;
  std::deque<std::shared_ptr<Job>> queue ABSL_GUARDED_BY(mutex);
  std::vector<std::unique_ptr<Worker>> workers ABSL_GUARDED_BY(mutex);  // what they point to, too
  int idle ABSL_GUARDED_BY(mutex) = 0;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
};

void Resolver::Shared::Run(const std::shared_ptr<Shared>& shared, Worker* worker) {
  const PatientForMemory patient;  // who asked counts on an answer
  while (true) {
    std::shared_ptr<Job> job;
    {
      MutexLock lock(&shared->mutex);
      ++shared->idle;
      while (shared->queue.empty() && !shared->stopping) shared->changed.Wait(&shared->mutex);
      --shared->idle;
      if (shared->stopping) return;
      job = std::move(shared->queue.front());
      shared->queue.pop_front();
      worker->asking = true;
    }
    absl::StatusOr<std::vector<Address>> answer = shared->lookup(job->host);
    {
      MutexLock lock(&shared->mutex);
      worker->asking = false;
      job->answer = std::move(answer);
      shared->changed.SignalAll();  // the destructor may wait for this one
    }
    job->answered.Notify();
  }
}

Resolver::Resolver() : Resolver(AskTheSystem) {}

Resolver::Resolver(Lookup lookup) : shared_(std::make_shared<Shared>(std::move(lookup))) {}

Resolver::~Resolver() {
  std::vector<std::unique_ptr<Shared::Worker>> workers;
  {
    MutexLock lock(&shared_->mutex);
    shared_->stopping = true;
    shared_->changed.SignalAll();
    const TimePoint deadline = Now() + kGraceAtEnd;
    while (std::any_of(shared_->workers.begin(), shared_->workers.end(), [](const auto& w) { return w->asking; }) &&
           Now() < deadline) {
      shared_->changed.WaitUntil(&shared_->mutex, deadline);
    }
    for (std::unique_ptr<Shared::Worker>& worker : shared_->workers) {
      if (worker->asking) {
        worker->thread.Abandon();  // `worker` stays with `shared_`, which that thread keeps alive
      } else {
        workers.push_back(std::move(worker));
      }
    }
  }
  for (const std::unique_ptr<Shared::Worker>& worker : workers) worker->thread.Join();
}

absl::StatusOr<std::vector<Address>> Resolver::Resolve(absl::string_view host, TimePoint deadline, int cancel_fd) {
  if (absl::optional<Address> address = Address::Parse(host)) return std::vector<Address>{*address};
  if (host.empty() || host.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("a host name is empty or has a NUL byte");
  }
  ASSIGN_OR_RETURN(Wakeup answered, Wakeup::Create());
  auto job = std::make_shared<Shared::Job>(std::string(host), std::move(answered));
  {
    MutexLock lock(&shared_->mutex);
    shared_->queue.push_back(job);
    const bool enough = static_cast<size_t>(shared_->idle) >= shared_->queue.size();
    if (!enough && shared_->workers.size() < static_cast<size_t>(kMaxResolverThreads)) {
      auto worker = std::make_unique<Shared::Worker>();
      absl::StatusOr<Thread> thread =
          Thread::Start("resolver", [shared = shared_, raw = worker.get()] { Shared::Run(shared, raw); });
      if (thread.ok()) {
        worker->thread = *std::move(thread);
        shared_->workers.push_back(std::move(worker));
      } else if (shared_->workers.empty()) {
        shared_->queue.pop_back();
        return Annotate(thread.status(), host);
      }
    }
    shared_->changed.SignalAll();
  }
  const absl::Status waited = WaitFor(job->answered.fd(), POLLIN, deadline, cancel_fd, absl::StrCat("look up ", host));

  MutexLock lock(&shared_->mutex);
  if (!waited.ok()) {
    std::erase(shared_->queue, job);  // four lookups that hang must not let the queue grow
    return waited;
  }
  if (!job->answer.ok()) return Annotate(job->answer.status(), "look up");
  std::vector<Address> addresses;
  for (const Address& address : *job->answer) {
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
  if (addresses.empty()) return absl::NotFoundError(absl::StrCat("look up ", host, ": no address"));
  return addresses;
}

}  // namespace torrent
