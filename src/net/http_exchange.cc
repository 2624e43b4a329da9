#include "net/http_exchange.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "net/gunzip.h"
#include "net/http_guard.h"
#include "net/wait.h"

namespace torrent {

namespace {

// What the library takes for its socket. Reads answer as recv(2) does: bytes, 0 at the end, -1 on an error, which
// status() has.
class GuardedStream final : public httplib::Stream {
 public:
  GuardedStream(torrent::Stream* stream, size_t max_body_bytes, TimePoint deadline, int cancel_fd)
      : stream_(stream), guard_(max_body_bytes), deadline_(deadline), cancel_fd_(cancel_fd) {}

  const HttpGuard& guard() const { return guard_; }
  // What went wrong first: on the wire, or in the answer.
  const absl::Status& status() const { return status_; }

  ssize_t read(char* ptr, size_t size) override {
    while (begin_ == end_ && status_.ok() && !guard_.complete()) status_ = Fill();
    if (!status_.ok()) return -1;
    const size_t n = std::min(size, end_ - begin_);
    memcpy(ptr, buffer_.data() + begin_, n);
    begin_ += n;
    return static_cast<ssize_t>(n);
  }

  ssize_t write(const char* ptr, size_t size) override {
    absl::Span<const uint8_t> rest = AsBytes({ptr, size});
    while (!rest.empty() && status_.ok()) {
      const IoResult result = stream_->TryWrite(rest);
      if (result.has_bytes()) {
        rest.remove_prefix(result.bytes());
      } else if (result.would_block()) {
        status_ = Wait(false);
      } else {
        status_ = result.is_error() ? result.status() : absl::UnavailableError("connection closed");
      }
    }
    return status_.ok() ? static_cast<ssize_t>(size) : -1;
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = stream_->remote().address.ToString();
    port = stream_->remote().port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  // Reads once, and lets pass what the guard lets pass.
  absl::Status Fill() {
    const IoResult result = stream_->TryRead(absl::MakeSpan(buffer_));
    if (result.would_block()) return Wait(true);
    if (result.closed()) return guard_.CheckEnd();
    if (!result.has_bytes()) return result.status();
    ASSIGN_OR_RETURN(end_, guard_.Check(AsText(absl::MakeConstSpan(buffer_).first(result.bytes()))));
    begin_ = 0;
    return absl::OkStatus();
  }

  absl::Status Wait(bool reading) {
    return WaitFor(stream_->fd(), stream_->PollEvents(reading, !reading), deadline_, cancel_fd_,
                   reading ? "wait for the answer" : "send the request");
  }

  torrent::Stream* const stream_;
  HttpGuard guard_;
  const TimePoint deadline_;
  const int cancel_fd_;
  absl::Status status_;
  std::array<uint8_t, 16 * 1024> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// The library's client over a stream that stands. It gets no descriptor at all, so it has none to poll, shut down or
// close.
class Client final : public httplib::ClientImpl {
 public:
  Client(const Url& url, GuardedStream* stream) : ClientImpl(url.host, url.port), stream_(stream) {
    set_follow_location(false);  // http.cc judges each hop
    set_decompress(false);       // gunzip.h has bounds
    set_url_encode(false);       // the URL was checked, and is sent as it is
    set_keep_alive(false);
  }

 private:
  bool create_and_connect_socket(Socket&, httplib::Error&) override { return true; }
  bool process_socket(const Socket&, std::function<bool(httplib::Stream&)> callback) override {
    return callback(*stream_);
  }

  GuardedStream* const stream_;
};

bool HasLineBreak(absl::string_view text) { return text.find_first_of(absl::string_view("\r\n\0", 3)) != text.npos; }

// Turns the library's exceptions into a status: they end this request only.
absl::Status Ask(const Url& url, const HttpHeaders& headers, GuardedStream* stream, std::string* body) {
  httplib::Headers fields;
  for (const auto& [name, value] : headers) {
    if (HasLineBreak(name) || HasLineBreak(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("request header ", name.substr(0, name.find_first_of("\r\n")), " has a line break"));
    }
    fields.emplace(name, value);
  }
  try {
    Client client(url, stream);
    httplib::Result result = client.Get(url.target, fields);
    if (!stream->status().ok()) return stream->status();
    if (!result || !stream->guard().complete()) {
      return absl::InvalidArgumentError(absl::StrCat("HTTP answer: ", httplib::to_string(result.error())));
    }
    *body = std::move(result->body);
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("HTTP library: ", e.what()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpResponse> HttpExchange(Stream* stream, const Url& url, const HttpHeaders& headers,
                                          size_t max_body_bytes, TimePoint deadline, int cancel_fd) {
  // On the heap: stacks are small.
  const auto guarded = std::make_unique<GuardedStream>(stream, max_body_bytes, deadline, cancel_fd);
  HttpResponse response;
  RETURN_IF_ERROR(Ask(url, headers, guarded.get(), &response.body));
  // Not the library's: it percent-decodes values, which turns a Location into another one.
  response.status = guarded->guard().status();
  response.headers = guarded->guard().fields();

  const absl::string_view encoding = response.Header("content-encoding");
  if (absl::EqualsIgnoreCase(encoding, "gzip") || absl::EqualsIgnoreCase(encoding, "x-gzip")) {
    ASSIGN_OR_RETURN(response.body, Gunzip(response.body, max_body_bytes));
  } else if (!encoding.empty() && !absl::EqualsIgnoreCase(encoding, "identity")) {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP answer: content encoding that was not asked for, ", encoding.substr(0, 40)));
  }
  return response;
}

}  // namespace torrent
