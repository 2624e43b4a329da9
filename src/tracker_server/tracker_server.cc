#include "tracker_server/tracker_server.h"

#include <poll.h>

#include <array>
#include <atomic>
#include <exception>
#include <list>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "net/wait.h"
#include "tracker_server/announce_format.h"
#include "tracker_server/announce_table.h"
#include "tracker_server/http_answer.h"
#include "tracker_server/request_head.h"

namespace torrent {

namespace {

// Reads the head of a request into `head`; blocks. ResourceExhausted: longer than a head may be.
absl::Status ReadHead(Stream* stream, TimePoint deadline, int cancel_fd, std::string* head) {
  std::array<uint8_t, 4096> buffer;
  while (true) {
    const IoResult result = stream->TryRead(absl::MakeSpan(buffer));
    if (result.is_error()) return result.status();
    if (result.closed()) return absl::UnavailableError("closed before a request was there");
    if (result.would_block()) {
      RETURN_IF_ERROR(WaitFor(stream->fd(), POLLIN, deadline, cancel_fd, "wait for a request"));
      continue;
    }
    const absl::string_view bytes = AsText(absl::MakeConstSpan(buffer).first(result.bytes()));
    head->append(bytes.data(), bytes.size());
    if (const size_t size = RequestHeadBytes(*head)) {
      head->resize(size);
      return absl::OkStatus();
    }
    if (head->size() > kMaxHttpHeadBytes) return absl::ResourceExhaustedError("request head too long");
  }
}

void WriteAll(Stream* stream, absl::string_view text, TimePoint deadline, int cancel_fd) {
  absl::Span<const uint8_t> rest = AsBytes(text);
  while (!rest.empty()) {
    const IoResult result = stream->TryWrite(rest);
    if (result.has_bytes()) {
      rest.remove_prefix(result.bytes());
    } else if (!result.would_block() || !WaitFor(stream->fd(), POLLOUT, deadline, cancel_fd, "send an answer").ok()) {
      return;
    }
  }
}

}  // namespace

class TrackerServer::Impl {
 public:
  Impl(const TrackerServerOptions& options, Listener listener, Wakeup stop)
      : interval_(options.interval),
        request_timeout_(options.request_timeout),
        port_(listener.port()),
        listener_(std::move(listener)),
        stop_(std::move(stop)),
        answerer_([this](const std::string& path, const QueryArguments& arguments, const Endpoint& remote) {
          return Handle(path, arguments, remote);
        }),
        table_(2 * options.interval, SecureRandom64()) {}

  absl::Status Start() {
    ASSIGN_OR_RETURN(accept_thread_, Thread::Start("tracker", [this] { Accept(); }));
    return absl::OkStatus();
  }

  uint16_t port() const { return port_; }
  uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }

  void Stop() {
    {
      MutexLock lock(&mutex_);
      stopping_ = true;
    }
    room_.SignalAll();
    stop_.Notify();  // never cleared: ends every wait from here on
    accept_thread_.Join();
    listener_.reset();
  }

 private:
  // One connection being answered; joined and removed by the accepting thread.
  struct Request {
    UniqueFd fd;
    Endpoint remote;
    Thread thread;
    bool finished = false;  // under mutex_
  };

  void Accept() {
    const PatientForMemory patient;
    while (WaitForRoom()) {
      absl::StatusOr<Listener::Accepted> accepted = listener_->Accept(TimePoint::max(), stop_.fd());
      if (absl::IsCancelled(accepted.status())) break;
      if (!accepted.ok()) {
        // No descriptor left: one comes back when a request is answered, or somebody else closes one.
        Pause(std::chrono::milliseconds(100));
        continue;
      }
      Admit(*std::move(accepted));
    }
    Reap(true);
  }

  void Admit(Listener::Accepted accepted) {
    std::list<Request>::iterator request;
    {
      MutexLock lock(&mutex_);
      // So that one host cannot take all the room. This machine's own clients may.
      if (!accepted.remote.address.is_loopback() &&
          ++by_address_[accepted.remote.address] > kMaxServedRequestsPerAddress) {
        --by_address_[accepted.remote.address];
        return;
      }
      request = live_.emplace(live_.end());
      request->fd = std::move(accepted.fd);
      request->remote = accepted.remote;
      ++running_;
    }
    // The lock is not held here: the thread takes it when it ends. Only this thread removes from the list.
    absl::StatusOr<Thread> thread = Thread::Start("tracker-request", [this, request] {
      Serve(std::move(request->fd), request->remote);
      Finish(&*request);
    });
    if (thread.ok()) {
      request->thread = *std::move(thread);
    } else {
      Finish(&*request);
    }
  }

  void Serve(UniqueFd fd, const Endpoint& remote) {
    try {
      TcpStream stream(std::move(fd), remote);
      const TimePoint deadline = Now() + request_timeout_;
      std::string bytes;
      const absl::Status read = ReadHead(&stream, deadline, stop_.fd(), &bytes);
      std::string answer;
      if (read.ok()) {
        const RequestHead head = ParseRequestHead(bytes);
        answer = head.refusal != 0 ? HttpAnswerer::Refusal(head.refusal) : answerer_.Answer(head.target, remote);
        requests_.fetch_add(1, std::memory_order_relaxed);
      } else if (absl::IsResourceExhausted(read)) {
        answer = HttpAnswerer::Refusal(431);
      } else if (absl::IsDeadlineExceeded(read)) {
        answer = HttpAnswerer::Refusal(408);
      }
      WriteAll(&stream, answer, deadline, stop_.fd());
    } catch (const std::exception&) {
      // No memory for this request; its connection is closed by now.
    }
  }

  absl::optional<std::string> Handle(const std::string& path, const QueryArguments& arguments, const Endpoint& remote) {
    if (path == "/announce") {
      const absl::StatusOr<AnnounceQuery> query = ParseAnnounceQuery(arguments, remote.address);
      if (!query.ok()) return EncodeFailure(query.status().message());
      absl::StatusOr<ServedAnswer> answer;
      {
        MutexLock lock(&table_mutex_);
        answer = table_.Announce(query->announce, Now());
      }
      if (!answer.ok()) return EncodeFailure(answer.status().message());
      return EncodeAnnounceReply(*answer, *query, interval_);
    }
    if (path == "/scrape") {
      const absl::StatusOr<std::vector<Infohash>> infohashes = ParseScrapeQuery(arguments);
      if (!infohashes.ok()) return EncodeFailure(infohashes.status().message());
      std::vector<std::pair<Infohash, ScrapeReply::File>> files;
      MutexLock lock(&table_mutex_);
      for (const Infohash& infohash : *infohashes) files.emplace_back(infohash, table_.Scrape(infohash, Now()));
      return EncodeScrapeReply(files);
    }
    return absl::nullopt;
  }

  void Finish(Request* request) {
    MutexLock lock(&mutex_);
    request->finished = true;
    --running_;
    auto count = by_address_.find(request->remote.address);
    if (count != by_address_.end() && --count->second == 0) by_address_.erase(count);
    room_.Signal();
  }

  // Waits until one more request may run; false when stopping. Joins those that have ended.
  bool WaitForRoom() {
    Reap(false);
    MutexLock lock(&mutex_);
    while (running_ >= kMaxServedRequests && !stopping_) room_.Wait(&mutex_);
    return !stopping_;
  }

  void Pause(Duration duration) {
    const TimePoint end = Now() + duration;
    MutexLock lock(&mutex_);
    while (!stopping_ && Now() < end) room_.WaitUntil(&mutex_, end);
  }

  // Joins and removes the requests that have ended, or all.
  void Reap(bool all) {
    std::list<Request> ended;
    {
      MutexLock lock(&mutex_);
      for (auto request = live_.begin(); request != live_.end();) {
        const auto here = request++;
        if (all || here->finished) ended.splice(ended.end(), live_, here);
      }
    }
    for (Request& request : ended) request.thread.Join();
  }

  const std::chrono::seconds interval_;
  const std::chrono::milliseconds request_timeout_;
  const uint16_t port_;
  absl::optional<Listener> listener_;  // the accepting thread's, as long as it runs
  const Wakeup stop_;
  HttpAnswerer answerer_;
  std::atomic<uint64_t> requests_{0};

  Mutex table_mutex_;
  AnnounceTable table_ ABSL_GUARDED_BY(table_mutex_);

  Mutex mutex_;
  CondVar room_;  // a request ended, or stopping
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  // Removed from by the accepting thread only, so that iterators of running requests stay valid.
  std::list<Request> live_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Address, size_t> by_address_ ABSL_GUARDED_BY(mutex_);

  Thread accept_thread_;  // last: joined before what it uses goes
};

absl::StatusOr<std::unique_ptr<TrackerServer>> TrackerServer::Start(const TrackerServerOptions& options) {
  BindOptions bind;
  if (!options.bind.empty()) {
    ASSIGN_OR_RETURN(bind, BindOptions::Parse(options.bind));
  }
  ASSIGN_OR_RETURN(Listener listener, Listener::Open(options.port, bind, 1));
  ASSIGN_OR_RETURN(Wakeup stop, Wakeup::Create());
  auto impl = std::make_unique<Impl>(options, std::move(listener), std::move(stop));
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<TrackerServer>(new TrackerServer(std::move(impl)));
}

TrackerServer::TrackerServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TrackerServer::~TrackerServer() { Stop(); }
uint16_t TrackerServer::port() const { return impl_->port(); }
uint64_t TrackerServer::requests() const { return impl_->requests(); }
void TrackerServer::Stop() { impl_->Stop(); }

}  // namespace torrent
