// Where our own end of connections stands: `--bind ADDR|IFACE`. Who binds wants nothing to leave by another way, so a
// family that the choice has no address of is not used at all. Immutable value.
#ifndef TORRENT_NET_BIND_OPTIONS_H_
#define TORRENT_NET_BIND_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "net/address.h"

namespace torrent {

class BindOptions {
 public:
  // Any address of this machine, as the system chooses.
  BindOptions() = default;
  // An address, or the name of an interface that exists now. InvalidArgument names what is wrong.
  static absl::StatusOr<BindOptions> Parse(absl::string_view text);

  bool any() const { return !address_ && interface_.empty(); }
  // As it was given; empty for any.
  std::string ToString() const;

  // Binds `fd`, a new socket of the family, to the choice and `port` (0: any). An interface is looked up at each call:
  // its addresses may change while the program runs. Where the system does not let us tie a socket to an interface, it
  // gets the interface's address instead. FailedPrecondition: the choice has no address of that family. Otherwise what
  // bind(2) says: AlreadyExists for a port in use.
  absl::Status Bind(int fd, bool v4, uint16_t port) const;

 private:
  absl::optional<Address> address_;
  std::string interface_;
};

}  // namespace torrent

#endif  // TORRENT_NET_BIND_OPTIONS_H_
