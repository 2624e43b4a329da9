// The small HTTP tracker of `torrent tracker`: /announce and /scrape for any infohash, over IPv4 and IPv6, for a demo,
// a LAN or a lesson. One thread accepts, and one each answers one request and closes. Thread-safe. Invariant: at most
// kMaxServedRequests threads and that many descriptors, whoever connects.
#ifndef TORRENT_TRACKER_SERVER_TRACKER_SERVER_H_
#define TORRENT_TRACKER_SERVER_TRACKER_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/limits.h"

namespace torrent {

struct TrackerServerOptions {
  uint16_t port = 6969;  // 0: any that is free
  std::string bind;      // an address or an interface name; empty: all
  // What clients are told; twice that long a silent peer is kept.
  std::chrono::seconds interval = std::chrono::seconds(120);
  // How long a client may take to say its request and take the answer.
  std::chrono::milliseconds request_timeout = kServedRequestTimeout;
};

class TrackerServer {
 public:
  // Listens and answers from now on. Unavailable: the port is taken. InvalidArgument: `bind` is no address or
  // interface. ResourceExhausted: no thread.
  static absl::StatusOr<std::unique_ptr<TrackerServer>> Start(const TrackerServerOptions& options);
  // Stops.
  ~TrackerServer();
  TrackerServer(const TrackerServer&) = delete;

  uint16_t port() const;
  // Requests answered so far.
  uint64_t requests() const;
  // Closes the port, ends what is being answered, and waits for the threads; at once in practice. May be called twice,
  // by one thread at a time.
  void Stop();

 private:
  class Impl;
  explicit TrackerServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_SERVER_TRACKER_SERVER_H_
