// An HTTP server that answers byte for byte what a test tells it to, right or wrong, and remembers what it saw and
// sent, so that a test can prove that a fault was delivered. Plain or TLS, on a loopback address. Thread: one of its
// own, which serves one connection after the other; the observers are thread-safe.
#ifndef TORRENT_TEST_SERVERS_SCRIPTED_SERVER_H_
#define TORRENT_TEST_SERVERS_SCRIPTED_SERVER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/unique_fd.h"
#include "base/wakeup.h"
#include "net/endpoint.h"

struct ssl_st;
struct ssl_ctx_st;

namespace torrent {

class ScriptedServer {
 public:
  // One connection, as a script sees it. Everything ends when the client hangs up, the test ends, or after 20 s.
  class Connection {
   public:
    // The request up to its blank line; empty if the client went away before.
    const std::string& request() const { return request_; }
    // False if the client hung up before all of it was taken.
    bool Send(absl::string_view bytes);
    // One byte at a time with a pause after each.
    bool Drip(absl::string_view bytes, Duration pause);
    // Sends `piece` again and again, until the client hangs up or `max_bytes` were sent: then false.
    bool SendForever(absl::string_view piece, uint64_t max_bytes);
    // Reads and drops until the client hangs up. False if it does not.
    bool WaitForHangUp();
    // The connection ends with a reset instead of an orderly end.
    void Reset();
    // It ends without TLS's goodbye.
    void Vanish();

   private:
    friend class ScriptedServer;
    Connection(ScriptedServer* server, int fd, ssl_st* ssl, TimePoint deadline)
        : server_(server), fd_(fd), ssl_(ssl), deadline_(deadline) {}
    bool Wait(short events);
    // As recv and send; -1 at any end.
    ssize_t Read(char* buffer, size_t size);
    ssize_t Write(const char* bytes, size_t size);
    void ReadRequest();

    ScriptedServer* const server_;
    const int fd_;
    ssl_st* const ssl_;
    const TimePoint deadline_;
    std::string request_;
  };
  using Script = std::function<void(Connection*)>;

  struct Options {
    Address address = Address::V4Loopback();
    uint16_t port = 0;
    // PEM files of the server's chain and key: TLS if they are there.
    std::string certificate_file;
    std::string key_file;
    // The script begins when the connection stands: nothing is read first, and request() stays empty.
    bool speaks_first = false;
  };

  explicit ScriptedServer(Script script) : ScriptedServer(Options(), std::move(script)) {}
  ScriptedServer(const Options& options, Script script);
  // Sends `answer` to every request and closes.
  static Script Always(std::string answer);
  // Ends the present script at its next step.
  ~ScriptedServer();

  uint16_t port() const { return endpoint_.port; }
  const Endpoint& endpoint() const { return endpoint_; }
  // "http://127.0.0.1:port" + target.
  std::string UrlOf(absl::string_view target) const;

  int connections() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::string> requests() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t bytes_sent() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Application bytes that came, after decryption.
  uint64_t bytes_received() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Scripts that ran to their end. Blocks until there are `n`, 20 s at most; false if not.
  bool WaitForScripts(int n) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Connections that the client ended before all was sent.
  int hang_ups() const ABSL_LOCKS_EXCLUDED(mutex_);
  // TLS handshakes that failed.
  int failed_handshakes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  void Serve(UniqueFd fd);

  const Options options_;
  const Script script_;
  Wakeup stop_;
  UniqueFd listener_;
  Endpoint endpoint_;
  ssl_ctx_st* tls_ = nullptr;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  int scripts_done_ ABSL_GUARDED_BY(mutex_) = 0;
  int hang_ups_ ABSL_GUARDED_BY(mutex_) = 0;
  int failed_handshakes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_received_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);

  Thread thread_;
};

}  // namespace torrent

#endif  // TORRENT_TEST_SERVERS_SCRIPTED_SERVER_H_
