#include "test/servers/scripted_server.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "net/wait.h"
#include "test/net/patience.h"

namespace torrent {

namespace {

[[noreturn]] void Give(const char* what) {
  perror(what);
  abort();
}

}  // namespace

bool ScriptedServer::Connection::Wait(short events) {
  return WaitFor(fd_, events, deadline_, server_->stop_.fd(), "script").ok();
}

ssize_t ScriptedServer::Connection::Read(char* buffer, size_t size) {
  while (true) {
    ssize_t n;
    short events = POLLIN;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      n = SSL_read(ssl_, buffer, static_cast<int>(size));
      const int error = SSL_get_error(ssl_, static_cast<int>(n));
      if (n <= 0 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return -1;
      if (error == SSL_ERROR_WANT_WRITE) events = POLLOUT;
    } else {
      n = recv(fd_, buffer, size, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return -1;
    }
    if (n > 0) {
      MutexLock lock(&server_->mutex_);
      server_->bytes_received_ += static_cast<uint64_t>(n);
      return n;
    }
    if (!Wait(events)) return -1;
  }
}

ssize_t ScriptedServer::Connection::Write(const char* bytes, size_t size) {
  while (true) {
    short events = POLLOUT;
    {
      // Counted in one with the sending: who has read the answer and asks for the count must not be ahead of it.
      MutexLock lock(&server_->mutex_);
      ssize_t n;
      if (ssl_ != nullptr) {
        ERR_clear_error();
        n = SSL_write(ssl_, bytes, static_cast<int>(size));
        const int error = SSL_get_error(ssl_, static_cast<int>(n));
        if (n <= 0 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return -1;
        if (error == SSL_ERROR_WANT_READ) events = POLLIN;
      } else {
        n = send(fd_, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return -1;
      }
      if (n > 0) {
        server_->bytes_sent_ += static_cast<uint64_t>(n);
        return n;
      }
    }
    if (!Wait(events)) return -1;
  }
}

void ScriptedServer::Connection::ReadRequest() {
  char buffer[4096];
  while (!absl::StrContains(request_, "\r\n\r\n")) {
    const ssize_t n = Read(buffer, sizeof buffer);
    if (n <= 0) {
      request_.clear();
      return;
    }
    request_.append(buffer, static_cast<size_t>(n));
  }
}

bool ScriptedServer::Connection::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = Write(bytes.data(), bytes.size());
    if (n <= 0) {
      MutexLock lock(&server_->mutex_);
      ++server_->hang_ups_;
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool ScriptedServer::Connection::Drip(absl::string_view bytes, Duration pause) {
  for (char c : bytes) {
    if (!Send({&c, 1})) return false;
    if (absl::IsCancelled(WaitFor(-1, POLLIN, Now() + pause, server_->stop_.fd(), "pause"))) return false;
  }
  return true;
}

bool ScriptedServer::Connection::SendForever(absl::string_view piece, uint64_t max_bytes) {
  for (uint64_t sent = 0; sent < max_bytes; sent += piece.size()) {
    if (!Send(piece)) return true;
  }
  return false;
}

bool ScriptedServer::Connection::WaitForHangUp() {
  char buffer[4096];
  while (Read(buffer, sizeof buffer) > 0) {
  }
  return Now() < deadline_;
}

void ScriptedServer::Connection::Reset() {
  const linger at_once = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void ScriptedServer::Connection::Vanish() {
  if (ssl_ != nullptr) SSL_set_quiet_shutdown(ssl_, 1);
}

ScriptedServer::Script ScriptedServer::Always(std::string answer) {
  return [answer = std::move(answer)](Connection* connection) { connection->Send(answer); };
}

ScriptedServer::ScriptedServer(const Options& options, Script script)
    : options_(options), script_(std::move(script)), stop_(*Wakeup::Create()) {
  listener_ = UniqueFd(socket(options.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener_.valid()) Give("socket");
  const int on = 1;
  setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage;
  const socklen_t size = Endpoint{options.address, options.port}.ToSockaddr(&storage);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) Give("bind");
  if (listen(listener_.get(), 16) != 0) Give("listen");
  endpoint_ = *LocalEndpoint(listener_.get());
  if (!options.certificate_file.empty()) {
    tls_ = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls_, options.certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      Give("certificate");
    }
  }
  thread_ = *Thread::Start("scripted server", [this] { Run(); });
}

ScriptedServer::~ScriptedServer() {
  stop_.Notify();
  thread_.Join();
  if (tls_ != nullptr) SSL_CTX_free(tls_);
}

std::string ScriptedServer::UrlOf(absl::string_view target) const {
  return absl::StrCat(tls_ == nullptr ? "http://" : "https://", endpoint_.ToString(), target);
}

int ScriptedServer::connections() const {
  MutexLock lock(&mutex_);
  return connections_;
}

std::vector<std::string> ScriptedServer::requests() const {
  MutexLock lock(&mutex_);
  return requests_;
}

uint64_t ScriptedServer::bytes_sent() const {
  MutexLock lock(&mutex_);
  return bytes_sent_;
}

uint64_t ScriptedServer::bytes_received() const {
  MutexLock lock(&mutex_);
  return bytes_received_;
}

bool ScriptedServer::WaitForScripts(int n) const {
  MutexLock lock(&mutex_);
  const TimePoint deadline = Now() + kPatience;
  while (scripts_done_ < n && Now() < deadline) changed_.WaitUntil(&mutex_, deadline);
  return scripts_done_ >= n;
}

int ScriptedServer::hang_ups() const {
  MutexLock lock(&mutex_);
  return hang_ups_;
}

int ScriptedServer::failed_handshakes() const {
  MutexLock lock(&mutex_);
  return failed_handshakes_;
}

void ScriptedServer::Run() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);  // OpenSSL's own socket BIO raises it
  while (WaitFor(listener_.get(), POLLIN, TimePoint::max(), stop_.fd(), "accept").ok()) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) continue;
    {
      MutexLock lock(&mutex_);
      ++connections_;
    }
    Serve(std::move(fd));
    MutexLock lock(&mutex_);
    ++scripts_done_;
    changed_.SignalAll();
  }
}

void ScriptedServer::Serve(UniqueFd fd) {
  SSL* ssl = nullptr;
  if (tls_ != nullptr) {
    ssl = SSL_new(tls_);
    SSL_set_fd(ssl, fd.get());
    SSL_set_accept_state(ssl);
  }
  Connection connection(this, fd.get(), ssl, Now() + kPatience);
  bool ready = true;
  while (ssl != nullptr) {
    ERR_clear_error();
    const int code = SSL_do_handshake(ssl);
    if (code == 1) break;
    const int error = SSL_get_error(ssl, code);
    const bool waiting = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    if (waiting && connection.Wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) continue;
    MutexLock lock(&mutex_);
    ++failed_handshakes_;
    ready = false;
    break;
  }
  if (ready && options_.speaks_first) {
    script_(&connection);
  } else if (ready) {
    connection.ReadRequest();
    if (!connection.request_.empty()) {
      {
        MutexLock lock(&mutex_);
        requests_.push_back(connection.request_);
      }
      script_(&connection);
    }
  }
  if (ssl != nullptr) {
    if (ready) SSL_shutdown(ssl);
    SSL_free(ssl);
  }
  ERR_clear_error();
}

}  // namespace torrent
