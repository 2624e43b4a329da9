#include "lan/lan_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/socket_error.h"

namespace torrent {

namespace {

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29  // Linux 4.20
#endif

// Everything but a machine that is used up means that local discovery is not to be had.
absl::Status Failure(int error, absl::string_view doing) {
  absl::Status status = SocketError(error, doing);
  if (absl::IsResourceExhausted(status) && error != EADDRNOTAVAIL) return status;
  return absl::UnavailableError(status.message());
}

absl::Status Set(int fd, int level, int option, int value, absl::string_view doing) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) return Failure(errno, doing);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LanSocket> LanSocket::Open(const Endpoint& group) {
  const std::string doing = absl::StrCat("local discovery on ", group.ToString());
  const bool v4 = group.address.is_v4();
  UniqueFd fd(socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Failure(errno, doing);
  // Both: other clients set one of them or the other, and sharing takes the same on both sides.
  RETURN_IF_ERROR(Set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, doing));
  RETURN_IF_ERROR(Set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, doing));
  if (v4) {
    RETURN_IF_ERROR(Set(fd.get(), IPPROTO_IP, IP_MULTICAST_TTL, 1, doing));
    RETURN_IF_ERROR(Set(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, 1, doing));
    // Otherwise groups that another program joined elsewhere would be heard here, too.
    RETURN_IF_ERROR(Set(fd.get(), IPPROTO_IP, IP_MULTICAST_ALL, 0, doing));
  } else {
    RETURN_IF_ERROR(Set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, doing));
    RETURN_IF_ERROR(Set(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, doing));
    RETURN_IF_ERROR(Set(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, doing));
    static_cast<void>(Set(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, doing));
  }
  // At the group itself: what anybody sends to this port of one of our addresses is not heard.
  sockaddr_storage storage;
  const socklen_t size = group.ToSockaddr(&storage);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return Failure(errno, doing);
  return LanSocket(std::move(fd), group);
}

absl::Status LanSocket::Join(absl::Span<const LanInterface> interfaces) {
  const std::string doing = absl::StrCat("join ", group_.ToString());
  absl::Status failed = absl::UnavailableError(absl::StrCat(doing, ": no interface of this family"));
  bool joined = false;
  for (const LanInterface& interface : interfaces) {
    if (!Speaks(interface)) continue;
    int result;
    if (group_.address.is_v4()) {
      ip_mreqn request = {};
      memcpy(&request.imr_multiaddr, group_.address.bytes().data(), 4);
      request.imr_ifindex = static_cast<int>(interface.index);
      result = setsockopt(fd_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
    } else {
      ipv6_mreq request = {};
      memcpy(&request.ipv6mr_multiaddr, group_.address.bytes().data(), 16);
      request.ipv6mr_interface = interface.index;
      result = setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request);
    }
    if (result == 0 || errno == EADDRINUSE) {
      joined = true;
    } else {
      failed = absl::UnavailableError(SocketError(errno, doing).message());
    }
  }
  return joined ? absl::OkStatus() : failed;
}

absl::Status LanSocket::Send(const LanInterface& interface, bool from_there, absl::string_view datagram) const {
  sockaddr_storage storage;
  msghdr message = {};
  message.msg_name = &storage;
  message.msg_namelen = group_.ToSockaddr(&storage);
  iovec part = {const_cast<char*>(datagram.data()), datagram.size()};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
  message.msg_control = control;
  if (group_.address.is_v4()) {
    in_pktinfo way = {};
    way.ipi_ifindex = static_cast<int>(interface.index);
    if (from_there) memcpy(&way.ipi_spec_dst, interface.address.bytes().data(), 4);
    message.msg_controllen = CMSG_SPACE(sizeof way);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof way);
    memcpy(CMSG_DATA(header), &way, sizeof way);
  } else {
    in6_pktinfo way = {};
    way.ipi6_ifindex = interface.index;
    if (from_there) memcpy(&way.ipi6_addr, interface.address.bytes().data(), 16);
    message.msg_controllen = CMSG_SPACE(sizeof way);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof way);
    memcpy(CMSG_DATA(header), &way, sizeof way);
  }
  if (sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    return absl::UnavailableError(SocketError(errno, absl::StrCat("send to ", group_.ToString())).message());
  }
  return absl::OkStatus();
}

absl::optional<LanSocket::Received> LanSocket::Receive(absl::Span<char> buffer) const {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  const ssize_t n = recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                             reinterpret_cast<sockaddr*>(&storage), &size);
  const absl::optional<Endpoint> from = Endpoint::FromSockaddr(storage);
  if (n < 0 || !from) return absl::nullopt;
  return Received{from->address, static_cast<size_t>(n)};
}

}  // namespace torrent
