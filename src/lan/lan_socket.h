// The socket of local discovery in one address family: member of the multicast group, on chosen interfaces, and sender
// to it. Several programs of one machine may have one each, and all hear everything, themselves too. Thread: its
// owner's. Invariants: hears only what was sent to the group over an interface that it joined; what it sends goes no
// further than the local network (TTL 1).
#ifndef TORRENT_LAN_LAN_SOCKET_H_
#define TORRENT_LAN_LAN_SOCKET_H_

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "base/unique_fd.h"
#include "lan/lan_interfaces.h"
#include "net/endpoint.h"

namespace torrent {

class LanSocket {
 public:
  // ResourceExhausted: no descriptor. Unavailable: this machine has no such family, or a program on the group's port
  // that does not share it.
  static absl::StatusOr<LanSocket> Open(const Endpoint& group);

  int fd() const { return fd_.get(); }
  const Endpoint& group() const { return group_; }
  bool Speaks(const LanInterface& interface) const { return interface.address.is_v4() == group_.address.is_v4(); }

  // Joins the group on those of `interfaces` that have this family; one that is joined already stays so. Unavailable:
  // on none of them.
  absl::Status Join(absl::Span<const LanInterface> interfaces);

  // One datagram to the group over `interface`; from its address if `from_there`, otherwise from the one that the
  // system chooses.
  absl::Status Send(const LanInterface& interface, bool from_there, absl::string_view datagram) const;

  // Into `buffer`: the sender and the size of the next datagram (more than the buffer's: it was cut). Nothing: none is
  // there, or an error.
  struct Received {
    Address from;
    size_t size;
  };
  absl::optional<Received> Receive(absl::Span<char> buffer) const;

 private:
  LanSocket(UniqueFd fd, const Endpoint& group) : fd_(std::move(fd)), group_(group) {}

  UniqueFd fd_;
  Endpoint group_;
};

}  // namespace torrent

#endif  // TORRENT_LAN_LAN_SOCKET_H_
