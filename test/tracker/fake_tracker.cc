#include "test/tracker/fake_tracker.h"

#include <poll.h>

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "net/tcp_stream.h"
#include "net/wait.h"

namespace torrent {

const char FakeTracker::kHang[] = "(hang)";

FakeTracker::FakeTracker(Script script)
    : script_(std::move(script)), listener_(*Listener::Open(0, BindOptions(), 1)), stop_(*Wakeup::Create()) {
  thread_ = *Thread::Start("fake tracker", [this] { Run(); });
}

FakeTracker::~FakeTracker() {
  stop_.Notify();
  thread_.Join();
}

std::string FakeTracker::Ok(absl::string_view body) { return Status(200, body); }

std::string FakeTracker::Status(int status, absl::string_view body, absl::string_view more_fields) {
  return absl::StrCat("HTTP/1.1 ", status, " Text\r\nContent-Length: ", body.size(), "\r\n", more_fields, "\r\n", body);
}

std::vector<FakeTracker::Request> FakeTracker::requests() const {
  MutexLock lock(&mutex_);
  return requests_;
}

bool FakeTracker::WaitForRequests(size_t n) const {
  MutexLock lock(&mutex_);
  const TimePoint deadline = Now() + std::chrono::seconds(20);
  while (requests_.size() < n && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
  return requests_.size() >= n;
}

bool FakeTracker::WaitForHangUps(size_t n) const {
  MutexLock lock(&mutex_);
  const TimePoint deadline = Now() + std::chrono::seconds(20);
  while (hang_ups_ < n && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
  return hang_ups_ >= n;
}

uint64_t FakeTracker::bytes_sent() const {
  MutexLock lock(&mutex_);
  return bytes_sent_;
}

void FakeTracker::Run() {
  while (true) {
    absl::StatusOr<Listener::Accepted> connection = listener_.Accept(TimePoint::max(), stop_.fd());
    if (absl::IsCancelled(connection.status())) return;
    if (connection.ok()) Serve(*std::move(connection));
  }
}

void FakeTracker::Serve(Listener::Accepted connection) {
  TcpStream stream(std::move(connection.fd), connection.remote);
  // Until the client closes, or the test ends.
  auto read = [&](std::string* out) {
    std::array<uint8_t, 4096> buffer;
    while (true) {
      const IoResult result = stream.TryRead(absl::MakeSpan(buffer));
      if (result.has_bytes()) {
        const absl::string_view bytes = AsText(absl::MakeConstSpan(buffer).first(result.bytes()));
        out->append(bytes.data(), bytes.size());
        return true;
      }
      if (!result.would_block()) return false;
      if (!WaitFor(stream.fd(), POLLIN, TimePoint::max(), stop_.fd(), "read").ok()) return false;
    }
  };
  Request request;
  request.v6 = connection.remote.address.is_v6();
  while (!absl::StrContains(request.head, "\r\n\r\n")) {
    if (!read(&request.head)) return;
  }
  request.target = std::vector<std::string>(absl::StrSplit(request.head, ' '))[1];
  {
    MutexLock lock(&mutex_);
    requests_.push_back(request);
    changed_.SignalAll();
  }
  const std::string answer = script_(request);
  if (answer == kHang) {
    std::string more;
    while (read(&more)) {
    }
    MutexLock lock(&mutex_);
    ++hang_ups_;
    changed_.SignalAll();
    return;
  }
  absl::Span<const uint8_t> rest = AsBytes(answer);
  while (!rest.empty()) {
    const IoResult result = [&] {
      // Counted in one with the sending: who has read the answer and asks for the count must not be ahead of it.
      MutexLock lock(&mutex_);
      IoResult sent = stream.TryWrite(rest);
      bytes_sent_ += sent.bytes();
      return sent;
    }();
    if (result.has_bytes()) {
      rest.remove_prefix(result.bytes());
    } else if (!result.would_block() || !WaitFor(stream.fd(), POLLOUT, TimePoint::max(), stop_.fd(), "write").ok()) {
      return;
    }
  }
}

}  // namespace torrent
