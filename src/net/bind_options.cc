#include "net/bind_options.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "net/endpoint.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

// The interface's first address of the family, one that reaches further than its own cable if there is any. Nothing
// without one.
absl::optional<Address> InterfaceAddress(const std::string& name, bool v4) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return absl::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  absl::optional<Address> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || name != entry->ifa_name) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != (v4 ? AF_INET : AF_INET6)) continue;
    sockaddr_storage storage = {};
    memcpy(&storage, entry->ifa_addr, v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    const absl::optional<Endpoint> endpoint = Endpoint::FromSockaddr(storage);
    // Binding to a link-local IPv6 address takes its scope too, and nothing beyond the cable could be reached from it.
    if (!endpoint || (!v4 && endpoint->address.reach() == Reach::kLinkLocal)) continue;
    found = endpoint->address;
    break;
  }
  return found;
}

}  // namespace

absl::StatusOr<BindOptions> BindOptions::Parse(absl::string_view text) {
  BindOptions options;
  if (absl::optional<Address> address = Address::Parse(text)) {
    const Reach reach = address->reach();
    if (reach == Reach::kUnspecified) return options;
    if (reach == Reach::kMulticast || (reach == Reach::kLinkLocal && address->is_v6())) {
      return absl::InvalidArgumentError(
          absl::StrCat("bind ", text, ": connections cannot stand at a ", ReachName(reach), " address"));
    }
    options.address_ = address;
    return options;
  }
  if (text.empty() || text.size() >= IFNAMSIZ || text.find('\0') != absl::string_view::npos ||
      if_nametoindex(std::string(text).c_str()) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("bind ", text, ": neither an IP address nor an interface of this machine"));
  }
  options.interface_ = std::string(text);
  return options;
}

std::string BindOptions::ToString() const { return address_ ? address_->ToString() : interface_; }

absl::Status BindOptions::Bind(int fd, bool v4, uint16_t port) const {
  Endpoint local{v4 ? Address::V4Any() : Address::V6Any(), port};
  if (address_) {
    if (address_->is_v4() != v4) {
      return absl::FailedPreconditionError(
          absl::StrCat("bind ", ToString(), ": not an ", v4 ? "IPv4" : "IPv6", " address"));
    }
    local.address = *address_;
  } else if (!interface_.empty()) {
    const absl::optional<Address> address = InterfaceAddress(interface_, v4);
    if (!address) {
      return absl::FailedPreconditionError(
          absl::StrCat("bind ", interface_, ": the interface has no ", v4 ? "IPv4" : "IPv6", " address"));
    }
    // Needs a privilege on kernels before 5.7. The address alone decides the source; the device, in addition, the way
    // out.
    static_cast<void>(
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface_.data(), static_cast<socklen_t>(interface_.size())));
    local.address = *address;
  }
  sockaddr_storage storage;
  const socklen_t size = local.ToSockaddr(&storage);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return SocketError(errno, absl::StrCat("bind to ", local.ToString()));
  }
  return absl::OkStatus();
}

}  // namespace torrent
