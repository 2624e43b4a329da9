#include "tracker_server/http_answer.h"

#include <httplib.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace torrent {

namespace {

// What the library takes for its socket: a request that is there already, and an answer that is collected.
class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string request, const Endpoint& remote) : request_(std::move(request)), remote_(remote) {}

  const Endpoint& remote() const { return remote_; }
  std::string TakeAnswer() { return std::move(answer_); }

  ssize_t read(char* ptr, size_t size) override {
    const size_t n = std::min(size, request_.size() - position_);
    memcpy(ptr, request_.data() + position_, n);
    position_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* ptr, size_t size) override {
    answer_.append(ptr, size);
    return static_cast<ssize_t>(size);
  }
  bool is_readable() const override { return position_ < request_.size(); }
  bool is_writable() const override { return true; }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = remote_.address.ToString();
    port = remote_.port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  const std::string request_;
  const Endpoint remote_;
  size_t position_ = 0;
  std::string answer_;
};

}  // namespace

// The library's server without its listening, its threads, and its routes, which are regular expressions.
class HttpAnswerer::Library : public httplib::Server {
 public:
  explicit Library(HttpAnswerer::Handler handler) : handler_(std::move(handler)) {
    set_payload_max_length(0);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      const absl::optional<Endpoint> remote =
          Endpoint{Address::Parse(request.remote_addr).value_or(Address()), static_cast<uint16_t>(request.remote_port)};
      absl::optional<std::string> body = handler_(request.path, request.params, *remote);
      if (body) {
        response.set_content(*body, "text/plain");
      } else {
        response.status = 404;
      }
      return HandlerResponse::Handled;
    });
  }

  bool Process(MemoryStream* stream) {
    bool closed = false;
    return process_request(*stream, true, closed, nullptr);
  }

 private:
  const HttpAnswerer::Handler handler_;
};

HttpAnswerer::HttpAnswerer(Handler handler) : library_(std::make_unique<Library>(std::move(handler))) {}
HttpAnswerer::~HttpAnswerer() = default;

std::string HttpAnswerer::Answer(absl::string_view target, const Endpoint& remote) const {
  MemoryStream stream(absl::StrCat("GET ", target, " HTTP/1.1\r\n\r\n"), remote);
  try {
    library_->Process(&stream);
  } catch (const std::exception&) {
    return Refusal(500);
  }
  std::string answer = stream.TakeAnswer();
  return answer.empty() ? Refusal(400) : answer;
}

std::string HttpAnswerer::Refusal(int status) {
  const char* reason = "Bad Request";
  switch (status) {
    case 405:
      reason = "Method Not Allowed";
      break;
    case 408:
      reason = "Request Timeout";
      break;
    case 413:
      reason = "Content Too Large";
      break;
    case 431:
      reason = "Request Header Fields Too Large";
      break;
    case 500:
      reason = "Internal Server Error";
      break;
    case 505:
      reason = "HTTP Version Not Supported";
      break;
  }
  return absl::StrCat("HTTP/1.1 ", status, " ", reason, "\r\nConnection: close\r\nContent-Length: 0\r\n",
                      status == 405 ? "Allow: GET\r\n" : "", "\r\n");
}

}  // namespace torrent
