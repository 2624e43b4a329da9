// The URLs of trackers, web seeds and torrent files: http, https and udp, checked once and split (RFC 3986).
// Immutable value.
// Invariant: no byte in any part is a control character, a blank, or outside ASCII, so that none can end a header line.
#ifndef TORRENT_NET_URL_H_
#define TORRENT_NET_URL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torrent {

struct Url {
  std::string scheme;    // "http", "https" or "udp"
  std::string userinfo;  // "name:password" as written, percent-encoded; mostly empty
  std::string host;      // in lower case, an IPv6 address without its brackets
  uint16_t port = 0;     // the scheme's own (80, 443) where none was written; never 0
  std::string target;    // path and query, beginning with '/', "." and ".." resolved; the fragment is dropped

  // InvalidArgument says what is wrong, without repeating userinfo or query. udp needs a port.
  static absl::StatusOr<Url> Parse(absl::string_view text);
  // What a Location header means as seen from this URL (RFC 3986, 5.2): absolute, "//host/..", "/path", "?query" or
  // "path". Userinfo in it is dropped: a server does not choose our credentials.
  absl::StatusOr<Url> Resolve(absl::string_view reference) const;

  bool is_https() const { return scheme == "https"; }
  bool HasDefaultPort() const;
  bool SameOrigin(const Url& other) const { return scheme == other.scheme && host == other.host && port == other.port; }
  // Up to the '?', and what follows it (empty if nothing does).
  absl::string_view path() const;
  absl::string_view query() const;
  // Whether a label of the host is written in punycode (xn--): shown, it may look like another name.
  bool IsIdna() const;

  // "host" or "host:port", IPv6 in brackets: what the Host header says.
  std::string HostAndPort() const;
  // Everything, userinfo too: never for eyes or logs.
  std::string ToString() const;
  // Scheme, host, port and path. Passkeys lie in userinfo, in the query, and in long path elements: the first two are
  // left out, of a path element with 20 or more letters and digits only its first four remain.
  std::string SafeForLog() const;
};

// As Url::SafeForLog for a text that need not be a URL, cut to 200 bytes: for messages about what is wrong with it.
std::string SafeUrlText(absl::string_view text);

// "%41b" -> "Ab"; a '%' without two hex digits stays as it is.
std::string PercentDecode(absl::string_view text);

}  // namespace torrent

#endif  // TORRENT_NET_URL_H_
