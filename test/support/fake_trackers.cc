#include "test/support/fake_trackers.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "net/wait.h"
#include "test/support/recorder.h"

namespace torrent::test {

namespace {

std::string ReplyOf(const std::vector<Endpoint>& peers) {
  std::string compact;
  for (const Endpoint& peer : peers) peer.AppendCompact(&compact);
  return absl::StrCat("d8:intervali1800e5:peers", compact.size(), ":", compact, "e");
}

}  // namespace

FakeTracker::FakeTracker(std::vector<Endpoint> peers, bool silent) : FakeTracker(silent, ReplyOf(peers)) {}

std::unique_ptr<FakeTracker> FakeTracker::Answering(std::string body) {
  return std::unique_ptr<FakeTracker>(new FakeTracker(/*silent=*/false, std::move(body)));
}

FakeTracker::FakeTracker(bool silent, std::string body)
    : body_(std::move(body)),
      silent_(silent),
      listener_(*Listener::Open(0, *BindOptions::Parse("127.0.0.1"), 1)),
      stop_(*Wakeup::Create()) {
  thread_ = *Thread::Start("fake tracker", [this] { Run(); });
}

FakeTracker::~FakeTracker() {
  stop_.Notify();
  thread_.Join();
}

std::string FakeTracker::url() const { return absl::StrCat("http://127.0.0.1:", listener_.port(), "/announce"); }

std::vector<std::string> FakeTracker::requests() const {
  MutexLock lock(&mutex_);
  return requests_;
}

bool FakeTracker::WaitForRequest(const std::string& text) const {
  const TimePoint deadline = Now() + kPatience;
  MutexLock lock(&mutex_);
  while (true) {
    for (const std::string& request : requests_) {
      if (absl::StrContains(request, text)) return true;
    }
    if (Now() >= deadline) return false;
    changed_.WaitUntil(&mutex_, deadline);
  }
}

void FakeTracker::Run() {
  while (true) {
    absl::StatusOr<Listener::Accepted> connection = listener_.Accept(TimePoint::max(), stop_.fd());
    if (absl::IsCancelled(connection.status())) return;
    if (connection.ok()) Serve(connection->fd.get());
  }
}

void FakeTracker::Serve(int fd) {
  std::string head;
  auto read = [&] {
    char buffer[4096];
    if (!WaitFor(fd, POLLIN, TimePoint::max(), stop_.fd(), "read").ok()) return false;
    const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n > 0) head.append(buffer, static_cast<size_t>(n));
    return n > 0;
  };
  while (!absl::StrContains(head, "\r\n\r\n")) {
    if (!read()) return;
  }
  {
    MutexLock lock(&mutex_);
    requests_.push_back(head.substr(0, head.find('\r')));
    changed_.SignalAll();
  }
  if (silent_) {
    while (read()) {
    }
    return;
  }
  const std::string answer =
      absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body_.size(), "\r\nConnection: close\r\n\r\n", body_);
  static_cast<void>(send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
}

BlackHole::BlackHole() {
  listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  const socklen_t size = Endpoint{Address::V4Loopback(), 0}.ToSockaddr(&storage);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return;
  if (listen(listener_.get(), 0) != 0) return;
  endpoint_ = *LocalEndpoint(listener_.get());
  const socklen_t there = endpoint_.ToSockaddr(&storage);
  for (int i = 0; i < 8 && !is_full_; i++) {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    static_cast<void>(connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), there));
    pollfd polled = {fd.get(), POLLOUT, 0};
    // On loopback a connection that is taken is taken at once.
    is_full_ = poll(&polled, 1, 100) == 0;
    queue_.push_back(std::move(fd));
  }
}

}  // namespace torrent::test
