// Tokens of get_peers (BEP 5): who announces a peer must show that it receives what we send to its address, so that
// nobody enters somebody else. SHA-1 of the address and a secret, cut to 8 bytes; nothing is kept a token.
// Thread: the DHT's. Invariant: a token is good for its address alone, and for 5 to 10 minutes.
#ifndef TORRENT_DHT_TOKEN_H_
#define TORRENT_DHT_TOKEN_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "net/address.h"

namespace torrent {

class TokenMaker {
 public:
  explicit TokenMaker(TimePoint now);

  std::string Make(const Address& address, TimePoint now);
  bool IsGood(absl::string_view token, const Address& address, TimePoint now);

 private:
  using Secret = std::array<uint8_t, 20>;

  // A new secret each kDhtSecretLifetime, from the kernel; the one before still counts.
  void Rotate(TimePoint now);
  static std::string With(const Secret& secret, const Address& address);

  Secret current_, previous_;
  TimePoint rotated_;
};

}  // namespace torrent

#endif  // TORRENT_DHT_TOKEN_H_
