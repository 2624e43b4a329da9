// A UdpPort of the tests: one real socket a family on loopback, and a thread that hands out what comes.
#ifndef TORRENT_TEST_DHT_LOOPBACK_PORT_H_
#define TORRENT_TEST_DHT_LOOPBACK_PORT_H_

#include "absl/types/optional.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/unique_fd.h"
#include "base/wakeup.h"
#include "net/udp_port.h"

namespace torrent {

class LoopbackPort : public UdpPort {
 public:
  // At `v4`, and if wished on [::1] too.
  explicit LoopbackPort(const Address& v4, bool with_v6 = false);
  ~LoopbackPort() override;

  const Endpoint& endpoint() const { return at_v4_; }
  const Endpoint& endpoint_v6() const { return at_v6_; }

  uint16_t port() const override { return at_v4_.port; }
  bool has_v4() const override { return true; }
  bool has_v6() const override { return v6_.valid(); }
  absl::Status Send(const Endpoint& to, absl::string_view datagram) override;
  void Handle(Kind kind, Handler handler) override;

 private:
  void Run();

  Endpoint at_v4_, at_v6_;
  UniqueFd v4_, v6_;
  absl::optional<Wakeup> stop_;
  Mutex mutex_;  // held while the handler runs
  Handler handler_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

}  // namespace torrent

#endif  // TORRENT_TEST_DHT_LOOPBACK_PORT_H_
