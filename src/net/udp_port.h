// Our UDP port: one socket a family, both on one number (that of our TCP port where it is free), read by one thread,
// which hands each datagram out by what it is: a DHT message begins with 'd' (bencode), a reply of a UDP tracker with
// an action of 0 to 3 in four bytes (BEP 15). What is neither is dropped.
// Thread-safe; handlers run on the thread "udp", so they are short.
// Invariant: Send never blocks, and sends nothing where `bind` has no address of the family.
#ifndef TORRENT_NET_UDP_PORT_H_
#define TORRENT_NET_UDP_PORT_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/bind_options.h"
#include "net/endpoint.h"

namespace torrent {

class UdpPort {
 public:
  enum class Kind : uint8_t { kDht, kTracker };
  // `datagram` is valid during the call only; never empty.
  using Handler = std::function<void(const Endpoint& from, absl::string_view datagram)>;

  // AlreadyExists: `port` is taken in one of the families (0: any number that is free in both). ResourceExhausted: no
  // descriptor or thread. A machine (or choice of `bind`) without one of the families has the other alone.
  static absl::StatusOr<std::unique_ptr<UdpPort>> Open(uint16_t port, const BindOptions& bind);
  // Ends and joins the thread. Nobody may be in another call.
  virtual ~UdpPort() = default;

  virtual uint16_t port() const = 0;
  virtual bool has_v4() const = 0;
  virtual bool has_v6() const = 0;

  // One datagram. Unavailable: this family is not there, there is no way to `to`, or the system's buffer is full; a
  // datagram may be lost on its way in any case, so callers repeat what matters by their own schedule.
  virtual absl::Status Send(const Endpoint& to, absl::string_view datagram) = 0;

  // Who takes datagrams of this kind from now on; an empty handler drops them. When this returns, no call of the
  // handler before is running any more, so it must not be called by a handler.
  virtual void Handle(Kind kind, Handler handler) = 0;
};

}  // namespace torrent

#endif  // TORRENT_NET_UDP_PORT_H_
