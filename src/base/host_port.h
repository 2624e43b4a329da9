// "HOST:PORT" as users and links write it: a name or an address and a port. Pure.
#ifndef TORRENT_BASE_HOST_PORT_H_
#define TORRENT_BASE_HOST_PORT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace torrent {

// "router.example:6881", "10.0.0.1:6881" or "[::1]:6881", whose brackets are taken off. The port is decimal, 1 to
// 65535; the host is not empty and not looked at.
absl::optional<std::pair<std::string, uint16_t>> ParseHostPort(absl::string_view text);

}  // namespace torrent

#endif  // TORRENT_BASE_HOST_PORT_H_
